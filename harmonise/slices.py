"""Which source frames each slice of a result was made from, the nearest one first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harmonise.grids import index_transform
from harmonise.planned import Part, PlannedVolume
from harmonise.provenance import StepRecord
from harmonise.register import moved_grid
from harmonise.series import Frame
from harmonise.straighten import planes_between
from harmonise.volume import Grid

__all__ = ["frames_of_slices", "placed", "turned"]

SPLINE_REACH = 2
"""Native slices on each side that a cubic B-spline sample weighs noticeably."""


def placed(native: Grid | None, records: Sequence[StepRecord]) -> Grid | None:
    """Return the native grid where a motion that was found has put it."""
    for record in records:
        matrix = record["decided"].get("matrix")
        if native is not None and matrix is not None:
            native = moved_grid(native, np.asarray(matrix))
    return native


def turned(
    gradient: tuple[float, float, float] | None, records: Sequence[StepRecord]
) -> tuple[float, float, float] | None:
    """Return a diffusion direction after the motions that were found: it turns with the patient."""
    for record in records:
        matrix = record["decided"].get("matrix")
        if gradient is not None and matrix is not None:
            x, y, z = (float(v) for v in np.asarray(matrix)[:3, :3] @ np.asarray(gradient))
            gradient = (x, y, z)
    return gradient


def frames_of_slices(planned: PlannedVolume, native: Grid | None, grid: Grid) -> list[list[Frame]]:
    """Return for every slice the frames it was made from, the nearest one first."""
    planes = _planes(planned)
    if not grid.positioned and len(planes) == grid.shape[0]:
        return planes
    if native is None or not grid.positioned or len(planes) == 1:
        return [planes[0]] * grid.shape[0]
    if native == grid:
        return planes
    by_plane, by_row, by_column, start = index_transform(native, grid)[0]
    corners = [0.0, by_row * (grid.shape[1] - 1), by_column * (grid.shape[2] - 1)]
    corners.append(corners[1] + corners[2])
    middle = corners[3] / 2
    result = []
    for plane in range(grid.shape[0]):
        at = by_plane * plane + start
        first = int(np.floor(at + min(corners))) - SPLINE_REACH + 1
        last = int(np.ceil(at + max(corners))) + SPLINE_REACH - 1
        nearest = int(np.clip(round(float(at + middle)), 0, len(planes) - 1))
        within = [nearest, *range(max(first, 0), min(last, len(planes) - 1) + 1)]
        result.append(list(dict.fromkeys(frame for i in within for frame in planes[i])))
    return result


def _planes(planned: PlannedVolume) -> list[list[Frame]]:
    """Return for every plane of the native grid its frames: those of every part it is made of."""
    parts = planned.parts or (Part(planned.stack, planned.geometry),)
    by_part = [_planes_of(part) for part in parts]
    return [[f for frames in plane for f in frames] for plane in zip(*by_part, strict=True)]


def _planes_of(part: Part) -> list[list[Frame]]:
    """Return the frames of every plane: two where a corrected copy has it between slices."""
    frames = [part.stack.frames[index] for index in part.geometry.order]
    grid, correction = part.geometry.grid, part.geometry.correction
    if grid is None or correction is None:
        return [[frame] for frame in frames]
    return [
        [frames[n] for n in dict.fromkeys((after, before) if share > 0.5 else (before, after))]
        for before, after, share in planes_between(grid, correction)
    ]
