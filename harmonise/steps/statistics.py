"""Statistics the intensity steps share: which voxels count, and their percentiles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from config.errors import InconsistentSeries
from harmonise.grids import known_spacing
from harmonise.volume import Volume

__all__ = ["box_about_centre", "measured_values", "otsu_threshold", "spread"]


def measured_values(volume: Volume, box_mm: Sequence[float] | None = None) -> NDArray[np.float64]:
    """Return the measured values, all of them or those in a box about the grid's centre.

    Parameters
    ----------
    volume : Volume
    box_mm : sequence of float, optional
        Edge lengths (slice, row, column) of the box.

    Raises
    ------
    InconsistentSeries
        ``VOLUME_EMPTY`` when nothing was measured there.
    """
    values = volume.values[box_about_centre(volume, box_mm)]
    measured = values[np.isfinite(values)].astype(np.float64)
    if not measured.size:
        raise InconsistentSeries("VOLUME_EMPTY", "no voxel holds a measurement")
    return measured


def box_about_centre(volume: Volume, box_mm: Sequence[float] | None) -> tuple[slice, ...]:
    """Return the index ranges of a box (slice, row, column) about the grid's centre; None: all."""
    if box_mm is None:
        return (slice(None),) * volume.values.ndim
    spacing_mm = known_spacing(volume.grid)
    return tuple(
        _middle(count, edge / step)
        for count, edge, step in zip(volume.values.shape, box_mm, spacing_mm, strict=True)
    )


def _middle(count: int, wanted: float) -> slice:
    kept = max(1, min(count, round(wanted)))
    first = (count - kept) // 2
    return slice(first, first + kept)


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
