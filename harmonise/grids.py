"""Grid arithmetic: target grids, continuous indices and the analytic coverage mask."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from config.errors import InconsistentSeries
from harmonise.volume import Grid

__all__ = [
    "COVERAGE_TOLERANCE_VOXELS",
    "analytic_coverage",
    "centred_grid",
    "grid_from_json",
    "grid_to_json",
    "index_transform",
    "known_spacing",
]

COVERAGE_TOLERANCE_VOXELS = 1e-3
"""A centre this far outside the native field of view still counts as inside: header positions
are decimal strings, and a grid centred on them lands on the border to within rounding only."""

SMALLEST_STEP_VOXELS = 1e-9
"""What a target axis adds to a native index over its whole length, and is rounding."""

SMALLEST_VOLUME = 0.1
"""Least volume of the box that the three unit axes span; 1 when they are orthogonal."""


def known_spacing(grid: Grid) -> tuple[float, float, float]:
    """Return the spacing in mm (slice, row, column).

    Raises
    ------
    InconsistentSeries
        ``VOLUME_NOT_POSITIONED`` when the grid has no place in the patient.
    """
    slice_mm, row_mm, column_mm = grid.spacing_mm
    if not grid.positioned or slice_mm is None or row_mm is None or column_mm is None:
        raise InconsistentSeries("VOLUME_NOT_POSITIONED", f"spacing {grid.spacing_mm} mm")
    return slice_mm, row_mm, column_mm


def centred_grid(
    native: Grid, spacing_mm: Sequence[float], shape: Sequence[int] | None = None
) -> Grid:
    """Return the grid of another spacing about the centre of ``native``'s field of view.

    The rule of IBSI (arXiv:1612.07003, section 2.4): ``n = ceil(n0 s0 / s)`` and
    ``origin = origin0 + D 0.5 ((n0 - 1) s0 - (n - 1) s)``, so both fields of view share a centre.

    Parameters
    ----------
    native : Grid
    spacing_mm : sequence of float
        Target spacing (slice, row, column).
    shape : sequence of int, optional
        Target size (slice, row, column); None covers the native field of view.
    """
    old_mm = known_spacing(native)
    if shape is None:
        # 1e-6: 10 x 0.7 / 7.0 must be 1, not 2, after binary rounding
        ratios = [n * s0 / s for n, s0, s in zip(native.shape, old_mm, spacing_mm, strict=True)]
        shape = [max(1, math.ceil(ratio - 1e-6)) for ratio in ratios]
    origin: NDArray[Any] = np.asarray(native.origin_mm, dtype=np.float64).copy()
    for axis in range(3):
        extent_mm = (native.shape[axis] - 1) * old_mm[axis]
        new_mm = (shape[axis] - 1) * spacing_mm[axis]
        origin += np.asarray(native.direction[axis]) * 0.5 * (extent_mm - new_mm)
    return Grid(
        shape=(int(shape[0]), int(shape[1]), int(shape[2])),
        spacing_mm=(float(spacing_mm[0]), float(spacing_mm[1]), float(spacing_mm[2])),
        origin_mm=(float(origin[0]), float(origin[1]), float(origin[2])),
        direction=native.direction,
    )


def index_transform(native: Grid, target: Grid) -> NDArray[np.float64]:
    """Return the 4 x 4 matrix from a target index to a continuous native index.

    Raises
    ------
    InconsistentSeries
        ``VOLUME_NOT_POSITIONED`` when a grid has no place, or its axes span no space.
    """
    for grid in (native, target):
        known_spacing(grid)
        if abs(float(np.linalg.det(np.asarray(grid.direction)))) < SMALLEST_VOLUME:
            raise InconsistentSeries("VOLUME_NOT_POSITIONED", "axes that span no space")
    return np.asarray(np.linalg.solve(native.affine(), target.affine()), dtype=np.float64)


def analytic_coverage(native: Grid, target: Grid) -> NDArray[np.bool_]:
    """Return which target voxels have their centre inside the native voxels' extent.

    Inside means a continuous native index within ``[-0.5, n - 0.5]`` on each axis, that is within
    the outer faces of the outermost voxels, to :data:`COVERAGE_TOLERANCE_VOXELS`.
    """
    matrix = index_transform(native, target)
    covered = np.ones(target.shape, dtype=bool)
    places = np.ogrid[: target.shape[0], : target.shape[1], : target.shape[2]]
    low = -0.5 - COVERAGE_TOLERANCE_VOXELS
    for axis in range(3):
        index = np.full((1, 1, 1), matrix[axis, 3])
        for along, by in zip(places, matrix[axis, :3], strict=True):
            if abs(by) * along.size > SMALLEST_STEP_VOXELS:  # an axis that adds nothing adds work
                index = index + along * by
        covered &= (index >= low) & (index <= native.shape[axis] - 1 - low)
    return covered


def grid_to_json(grid: Grid) -> dict[str, Any]:
    """Return a grid as plain JSON values."""
    return {
        "shape": list(grid.shape),
        "spacing_mm": list(grid.spacing_mm),
        "origin_mm": list(grid.origin_mm),
        "direction": [list(axis) for axis in grid.direction],
        "positioned": grid.positioned,
    }


def grid_from_json(value: dict[str, Any]) -> Grid:
    """Return the grid that :func:`grid_to_json` wrote."""
    return Grid(
        shape=tuple(value["shape"]),
        spacing_mm=tuple(value["spacing_mm"]),
        origin_mm=tuple(value["origin_mm"]),
        direction=tuple(tuple(axis) for axis in value["direction"]),  # type: ignore[arg-type]
        positioned=value["positioned"],
    )
