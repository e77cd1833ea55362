"""Chest wall left: mirror a mammogram so that the chest wall is at the first column."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from harmonise.steps.breast import breast_in, chest_wall_side, thinned
from harmonise.steps.contract import Context, NoParams, Step
from harmonise.volume import Grid, Volume

__all__ = ["STEP", "mirrored_direction"]

OPPOSITE = str.maketrans("APLRHF", "PARLFH")


def mirrored_direction(letters: str) -> str:
    """Return a value of PatientOrientation seen in a mirror: ``AR`` -> ``PL``.

    PS3.3 C.7.6.1.1.1: A anterior, P posterior, R right, L left, H head, F foot.
    """
    return letters.translate(OPPOSITE)


def _header_side(orientation: list[str]) -> str | None:
    """Return where the chest wall is: rows that run towards A(nterior) start at the chest."""
    first = orientation[0][:1] if orientation else ""
    return {"A": "left", "P": "right"}.get(first)


def _decide(volume: Volume, _params: NoParams, context: Context) -> dict[str, Any]:
    """Believe the pixels for the mirroring; say so when the header tells another story.

    PatientOrientation first; a header without it is held to the display convention (IHE
    Mammography Image, RAD-TF-1 15): right breast, chest wall on the right.
    """
    header = context.stack.header if context.stack else {}
    orientation = [str(value) for value in header.get("PatientOrientation") or []]
    lateralities = sorted(
        {
            str(header[keyword])
            for keyword in ("ImageLaterality", "FrameLaterality", "Laterality")
            if header.get(keyword) in {"L", "R"}
        }
    )
    said = _header_side(orientation)
    if said is None and len(lateralities) == 1:
        said = {"L": "left", "R": "right"}[lateralities[0]]
    seen = chest_wall_side(breast_in(thinned(volume.values[0])).mask)
    side = seen or said
    conflict = len(lateralities) > 1 or side is None or (said is not None and said != side)
    return {
        "mirror": side == "right",
        "side_in_pixels": seen,
        "side_in_header": said,
        "lateralities": lateralities,
        "patient_orientation": orientation,
        "conflict": conflict,
    }


def _apply(volume: Volume, decided: dict[str, Any]) -> Volume:
    orientation = list(decided["patient_orientation"])
    if not decided["mirror"]:
        return replace(volume, meta={**volume.meta, "mirrored": False})
    if orientation:
        orientation[0] = mirrored_direction(orientation[0])
    meta = {**volume.meta, "mirrored": True, "patient_orientation": orientation}
    coverage = None if volume.coverage is None else volume.coverage[:, :, ::-1].copy()
    values = np.ascontiguousarray(volume.values[:, :, ::-1])
    regions = {name: mask[:, :, ::-1].copy() for name, mask in volume.regions.items()}
    grid = _mirrored(volume.grid)
    return volume.with_values(values, coverage=coverage, grid=grid, meta=meta, regions=regions)


def _mirrored(grid: Grid) -> Grid:
    """Return the grid whose first column was the last, so that voxels keep their place."""
    if not grid.positioned:
        return grid
    width_mm = (grid.shape[2] - 1) * (grid.spacing_mm[2] or 1.0)
    along = np.asarray(grid.direction[2])
    x, y, z = (float(v) for v in np.asarray(grid.origin_mm) + along * width_mm)
    reversed_axis = (-float(along[0]), -float(along[1]), -float(along[2]))
    direction = (grid.direction[0], grid.direction[1], reversed_axis)
    return replace(grid, origin_mm=(x, y, z), direction=direction)


STEP = Step(
    name="chest_wall_left",
    kind="geometry",
    params=NoParams,
    decide=_decide,
    apply=_apply,
    reads_values=True,
    flags=lambda decided: ("MG_LATERALITY_CONFLICT",) if decided["conflict"] else (),
)
