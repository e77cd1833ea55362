"""Percentile: two percentiles of a weighted image become 0 and 1."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from harmonise.steps.contract import Context, Step, refuse_quantitative
from harmonise.steps.region import RegionParams, region_values
from harmonise.steps.statistics import spread
from harmonise.volume import Volume

__all__ = ["STEP", "PercentileParams"]


class PercentileParams(RegionParams):
    """Parameters of ``percentile``."""

    low: float = Field(default=1.0, ge=0, lt=50)
    """Percentile that becomes 0."""
    high: float = Field(default=99.0, gt=50, le=100)
    """Percentile that becomes 1."""
    clip: bool = False
    """Cut values outside 0 to 1."""


def _decide(volume: Volume, params: PercentileParams, _context: Context) -> dict[str, Any]:
    refuse_quantitative(volume, "percentile")
    values, region = region_values(volume, params)
    low, high = (float(v) for v in np.percentile(values, (params.low, params.high)))
    scale = spread(high - low, "percentile")
    return {"low": low, "scale": scale, "clip": params.clip, **region}


def _apply(volume: Volume, decided: dict[str, Any]) -> Volume:
    values = (volume.values - np.float32(decided["low"])) / np.float32(decided["scale"])
    if decided["clip"]:
        values = np.clip(values, 0.0, 1.0)
    return volume.with_values(values, unit="1")


STEP = Step(
    name="percentile",
    kind="intensity",
    params=PercentileParams,
    decide=_decide,
    apply=_apply,
    derivation="PixelByPixelDivision",
)
