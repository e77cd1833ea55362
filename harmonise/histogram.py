"""Histogram arithmetic that knows no image: a divisor that is not zero, Otsu's threshold."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from config.errors import InconsistentSeries

__all__ = ["otsu_threshold", "spread"]


def spread(value: float, step: str) -> float:
    """Return a divisor that is not zero.

    Raises
    ------
    InconsistentSeries
        ``VOLUME_CONSTANT``.
    """
    if not np.isfinite(value) or value <= 0:
        raise InconsistentSeries("VOLUME_CONSTANT", f"step {step}: spread {value:g}")
    return float(value)


def otsu_threshold(values: NDArray[np.float64], bins: int = 256) -> float:
    """Return Otsu's threshold (doi:10.1109/TSMC.1979.4310076) on ``bins`` equal bins.

    Raises
    ------
    InconsistentSeries
        ``VOLUME_CONSTANT`` when all values are equal.
    """
    low, high = float(values.min()), float(values.max())
    spread(high - low, "otsu")
    counts, edges = np.histogram(values, bins=bins, range=(low, high))
    centres = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)[:-1].astype(np.float64)
    above = values.size - below
    moment = np.cumsum(counts * centres)
    mean_below = moment[:-1] / np.maximum(below, 1)
    mean_above = (moment[-1] - moment[:-1]) / np.maximum(above, 1)
    between = below * above * (mean_below - mean_above) ** 2
    return float(edges[int(np.argmax(between)) + 1])
