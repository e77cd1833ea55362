"""Statistics the intensity steps share: which voxels count, and their percentiles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from config.errors import InconsistentSeries
from harmonise.grids import known_spacing
from harmonise.volume import Volume

__all__ = ["box_about_centre", "measured_values"]


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
