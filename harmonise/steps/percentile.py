"""Percentile: two percentiles of a weighted image become 0 and a full scale."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from harmonise.histogram import spread
from harmonise.steps.contract import Context, Step, refuse_quantitative
from harmonise.steps.region import RegionParams, region_values
from harmonise.volume import Volume

__all__ = ["STEP", "PercentileParams"]


class PercentileParams(RegionParams):
    """Parameters of ``percentile``."""

    low: float = Field(default=1.0, ge=0, lt=50)
    """Percentile that becomes 0."""
    high: float = Field(default=99.0, gt=50, le=100)
    """Percentile that becomes the full scale."""
    full_scale: float = Field(default=1.0, gt=0)
    """Value of the upper percentile."""
    clip: bool = False
    """Cut values outside 0 to the full scale."""
    whole: bool = False
    """Round to whole numbers."""


def _decide(volume: Volume, params: PercentileParams, _context: Context) -> dict[str, Any]:
    refuse_quantitative(volume, "percentile")
    values, region = region_values(volume, params)
    low, high = (float(v) for v in np.percentile(values, (params.low, params.high)))
    scale = spread(high - low, "percentile") / params.full_scale
    top = params.full_scale if params.clip else None
    return {"low": low, "scale": scale, "clip": top, "whole": params.whole, **region}


def _apply(volume: Volume, decided: dict[str, Any]) -> Volume:
    values = (volume.values - np.float32(decided["low"])) / np.float32(decided["scale"])
    if decided["clip"]:
        values = np.clip(values, 0.0, float(decided["clip"]))
    if decided["whole"]:
        values = np.rint(values)
    return volume.with_values(values, unit="1")


STEP = Step(
    name="percentile",
    kind="intensity",
    params=PercentileParams,
    decide=_decide,
    apply=_apply,
    version=2,
    derivation="PixelByPixelDivision",
)
