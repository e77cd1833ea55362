"""Limb: keep the half of a field of view that shows one of the two limbs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import numpy as np

from config.base import Frozen
from config.errors import InconsistentSeries
from harmonise.steps.contract import Context, Step
from harmonise.volume import Grid, Volume

__all__ = ["STEP", "LimbParams", "half_of", "halved"]


class LimbParams(Frozen):
    """Parameters of ``limb``."""

    side: Literal["R", "L"]
    """Side of the patient that is kept; nothing is mirrored."""


Half = tuple[int, int, int]
"""Axis, first index and count of what is kept."""


def half_of(grid: Grid, side: str) -> Half:
    """Cut across the axis that runs most along the patient's left, at x = 0 on its middle line.

    Raises
    ------
    InconsistentSeries
        ``VOLUME_EMPTY`` where nothing lies on that side.
    """
    axis = int(np.argmax(np.abs([direction[0] for direction in grid.direction])))
    index = np.tile([(n - 1) / 2 for n in grid.shape] + [1.0], (grid.shape[axis], 1))
    index[:, axis] = np.arange(grid.shape[axis])
    x_mm = (grid.affine() @ index.T)[0]
    kept = np.flatnonzero(x_mm > 0 if side == "L" else x_mm < 0)
    if not kept.size:
        raise InconsistentSeries("VOLUME_EMPTY", f"nothing lies on side {side}")
    return axis, int(kept[0]), int(kept.size)


def halved(grid: Grid, half: Half) -> Grid:
    """Return the grid of what is kept."""
    axis, first, count = half
    step = np.asarray(grid.direction[axis]) * (grid.spacing_mm[axis] or 1.0) * first
    x, y, z = (float(v) for v in np.asarray(grid.origin_mm) + step)
    planes, rows, columns = (count if n == axis else size for n, size in enumerate(grid.shape))
    return replace(grid, shape=(planes, rows, columns), origin_mm=(x, y, z))


def _decide(volume: Volume, params: LimbParams, _context: Context) -> dict[str, Any]:
    return {"side": params.side, "half": list(half_of(volume.grid, params.side))}


def _apply(volume: Volume, decided: dict[str, Any]) -> Volume:
    axis, first, count = decided["half"]
    part = tuple(
        slice(first, first + count) if n == axis else slice(None) for n in range(volume.values.ndim)
    )
    masks = (volume.coverage, volume.field_of_view)
    coverage, field_of_view = (None if mask is None else mask[part] for mask in masks)
    return replace(
        volume,
        values=np.ascontiguousarray(volume.values[part]),
        grid=halved(volume.grid, (axis, first, count)),
        coverage=coverage,
        field_of_view=field_of_view,
    )


STEP = Step(
    name="limb", kind="geometry", params=LimbParams, decide=_decide, apply=_apply, derivation=""
)
