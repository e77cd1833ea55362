"""Corrected copies: sheared or unevenly spaced slices brought onto a regular grid by interpolation.

Every slice keeps the place its own header gives it: one displaced within its plane is moved back by
a cubic B-spline in that plane, and planes between two slices are weighed linearly, which never
gives a value outside those of its two neighbours.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from harmonise.grids import COVERAGE_TOLERANCE_VOXELS
from harmonise.interpolate import resample_onto
from harmonise.series import Correction
from harmonise.volume import Grid, Volume

__all__ = ["corrected_grid", "field_of_view", "planes_between", "straighten"]

WHOLE_PIXEL = 1e-4
"""A displacement this near to whole pixels is whole: positions are decimal strings."""

SAME_PLANE = 1e-6
"""Share of a gap below which a plane of the grid is the slice itself."""

Array = NDArray[np.float64]


def corrected_grid(native: Grid, along_mm: Array, aside_mm: Array) -> tuple[Grid, Correction]:
    """Return the regular grid that holds every slice, and how to come to it.

    The planes run from the first slice to the last, no farther apart than the closest two slices;
    rows and columns are added by whole pixels until no slice is cut off.

    Parameters
    ----------
    native : Grid
        Regular axes, the in-plane spacing and the first slice's position.
    along_mm : ndarray, shape (n,)
        Distance of each slice along the normal from the first, ascending.
    aside_mm : ndarray, shape (n, 2)
        Displacement of each slice along growing row and column index from the first.
    """
    _, row_mm, column_mm = native.spacing_mm
    assert row_mm is not None
    assert column_mm is not None
    steps = max(1, math.ceil(along_mm[-1] / float(np.diff(along_mm).min()) - 1e-6))
    shifts = aside_mm / (row_mm, column_mm)
    low = np.floor(shifts.min(axis=0) + WHOLE_PIXEL).astype(int)
    high = np.ceil(shifts.max(axis=0) - WHOLE_PIXEL).astype(int)
    start = np.asarray(native.origin_mm) + np.asarray(native.direction[1]) * low[0] * row_mm
    start = start + np.asarray(native.direction[2]) * low[1] * column_mm
    grid = Grid(
        shape=(
            steps + 1,
            native.shape[1] + int(high[0] - low[0]),
            native.shape[2] + int(high[1] - low[1]),
        ),
        spacing_mm=(float(along_mm[-1]) / steps, row_mm, column_mm),
        origin_mm=(float(start[0]), float(start[1]), float(start[2])),
        direction=native.direction,
    )
    moved = shifts - low
    return grid, Correction(
        along_mm=tuple(float(value) for value in along_mm),
        aside_pixels=tuple((float(row), float(column)) for row, column in moved),
        slice_shape=(native.shape[1], native.shape[2]),
    )


def planes_between(grid: Grid, correction: Correction) -> list[tuple[int, int, float]]:
    """Return for every plane of the grid the slices on either side and the weight of the second."""
    along = np.asarray(correction.along_mm)
    spacing = grid.spacing_mm[0]
    assert spacing is not None
    found = []
    for plane in range(grid.shape[0]):
        at = min(plane * spacing, float(along[-1]))
        after = int(np.clip(np.searchsorted(along, at), 1, len(along) - 1))
        share = float((at - along[after - 1]) / (along[after] - along[after - 1]))
        if share < SAME_PLANE:
            found.append((after - 1, after - 1, 0.0))
        elif share > 1 - SAME_PLANE:
            found.append((after, after, 0.0))
        else:
            found.append((after - 1, after, share))
    return found


def field_of_view(grid: Grid, correction: Correction) -> NDArray[np.bool_]:
    """Return the voxels of the corrected grid that lie within the slices they are made from."""
    result = np.ones(grid.shape, dtype=np.bool_)
    for plane, (before, after, _) in enumerate(planes_between(grid, correction)):
        for n in {before, after}:
            for axis, length in enumerate(correction.slice_shape):
                start = correction.aside_pixels[n][axis] - 0.5 - COVERAGE_TOLERANCE_VOXELS
                end = start + length + 2 * COVERAGE_TOLERANCE_VOXELS
                index = np.arange(grid.shape[axis + 1])
                within = (index >= start) & (index <= end)
                result[plane] &= within[:, np.newaxis] if axis == 0 else within
    return result


def straighten(
    values: NDArray[np.float32], grid: Grid, correction: Correction
) -> NDArray[np.float32]:
    """Return the slices on the corrected grid; NaN where none of them measured.

    Parameters
    ----------
    values : ndarray of float32, shape (slices, rows, columns)
        Real values in the order along the normal, NaN where nothing was measured.
    grid : Grid
        As ``corrected_grid`` gave it.
    correction : Correction
    """
    result = np.full(grid.shape, np.nan, dtype=np.float32)
    moved: dict[int, NDArray[np.float32]] = {}
    for plane, (before, after, share) in enumerate(planes_between(grid, correction)):
        moved = {n: moved[n] for n in (before, after) if n in moved}
        for n in (before, after):
            if n not in moved:
                moved[n] = _moved(values[n], grid, correction.aside_pixels[n])
        weight = np.float32(share)
        result[plane] = moved[before]
        if share:
            result[plane] = moved[before] * (1 - weight) + moved[after] * weight
    return result


def _moved(
    image: NDArray[np.float32], grid: Grid, aside: tuple[float, float]
) -> NDArray[np.float32]:
    """Return one slice on the rows and columns of the grid."""
    _, rows, columns = grid.shape
    whole = [round(shift) for shift in aside]
    if all(abs(shift - n) < WHOLE_PIXEL for shift, n in zip(aside, whole, strict=True)):
        canvas = np.full((rows, columns), np.nan, dtype=np.float32)
        within = slice(whole[0], whole[0] + image.shape[0])
        canvas[within, whole[1] : whole[1] + image.shape[1]] = image
        return canvas
    if not np.isfinite(image).any():
        return np.full((rows, columns), np.nan, dtype=np.float32)
    # in pixels: the directions of the patient do not matter within a plane
    here = Grid((1, *image.shape), (1.0, 1.0, 1.0), (aside[1], aside[0], 0.0))
    there = Grid((1, rows, columns), (1.0, 1.0, 1.0))
    return np.squeeze(resample_onto(Volume(image[np.newaxis], here, "1"), there).values, axis=0)
