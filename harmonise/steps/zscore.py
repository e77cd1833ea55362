"""Z-score: centre and scale a weighted image by its own mean and spread."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from harmonise.histogram import spread
from harmonise.steps.contract import Context, Step, refuse_quantitative
from harmonise.steps.region import RegionParams, region_values
from harmonise.volume import Volume

__all__ = ["STEP", "ZscoreParams", "centre_and_scale"]

IQR_PER_SIGMA = 1.3489795003921634
"""Interquartile range of a normal distribution of unit spread."""


class ZscoreParams(RegionParams):
    """Parameters of ``zscore``."""

    robust: bool = False
    """Median and interquartile range in place of mean and standard deviation."""


def centre_and_scale(values: NDArray[np.float64], *, robust: bool) -> tuple[float, float]:
    """Return mean and standard deviation, or median and the normal spread of the quartiles."""
    if robust:
        first, middle, third = np.percentile(values, (25, 50, 75))
        return float(middle), float(third - first) / IQR_PER_SIGMA
    return float(values.mean()), float(values.std())


def _decide(volume: Volume, params: ZscoreParams, _context: Context) -> dict[str, Any]:
    refuse_quantitative(volume, "zscore")
    values, region = region_values(volume, params)
    centre, scale = centre_and_scale(values, robust=params.robust)
    return {"centre": centre, "scale": spread(scale, "zscore"), **region}


def _apply(volume: Volume, decided: dict[str, Any]) -> Volume:
    values = (volume.values - np.float32(decided["centre"])) / np.float32(decided["scale"])
    return volume.with_values(values, unit="1")


STEP = Step(
    name="zscore",
    kind="intensity",
    params=ZscoreParams,
    decide=_decide,
    apply=_apply,
    derivation="PixelByPixelDivision",
)
