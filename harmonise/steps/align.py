"""Align: move a diffusion volume onto T2W where registration proves a motion; else trust headers.

Nothing is interpolated here: the volume's grid is moved, and the ``resample`` step that follows
samples once, through motion and grid together.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from pydantic import Field, PositiveFloat

from config.base import Frozen
from config.errors import InconsistentSeries
from harmonise.grids import grid_to_json
from harmonise.register import (
    box_of,
    largest_shift_mm,
    moved_grid,
    mutual_information,
    register_rigid,
)
from harmonise.steps.contract import Context, Native, Step
from harmonise.volume import Grid, Volume

__all__ = ["STEP", "AlignParams"]

STILL = np.eye(4)
SAME_PLACE_MM = 1.0
"""A map lies where the diffusion images do when no corner of its grid is further from theirs."""

STEP_MM = 2.0
"""In-plane spacing at which registration looks at the box."""


class AlignParams(Frozen):
    """Parameters of ``align``."""

    to: str = "t2w_ax"
    """Role that stays where it is."""
    by: str = "dwi"
    """Role whose two lowest b-values are registered; the motion found is that of its series."""
    box_mm: tuple[PositiveFloat, PositiveFloat, PositiveFloat] = (60.0, 80.0, 80.0)
    """Box (slice, row, column) about the centre of ``to`` in which images are compared."""
    largest_shift_mm: PositiveFloat = 10.0
    """A motion that takes a corner of the box further is not believed."""
    smallest_shift_mm: float = Field(default=1.0, ge=0)
    """A motion that takes no corner of the box so far is none."""
    least_gain: float = Field(default=0.05, ge=0)
    """Share by which mutual information must grow, in both images."""
    agreement_mm: PositiveFloat = 2.0
    """The motions found by both images may differ by so much at the box's corners."""


def _decide(volume: Volume, params: AlignParams, context: Context) -> dict[str, Any]:
    """Register once a study; the other volumes of the same place take over what was found."""
    fixed = context.natives(params.to)[:1]
    moving = context.natives(params.by)[:2]
    outcome = _unfit(volume, context, fixed, moving)
    if outcome:
        return _still(outcome)
    name = f"{fixed[0].stack.series_uid} {moving[0].stack.series_uid}"
    for key, known in sorted(context.earlier.items()):
        if key.startswith("align:") and known.get("between") == name:
            return dict(known)
    images = [one.read() for one in moving]
    return {**_register(fixed[0].read(), images, params), "between": name}


def _unfit(volume: Volume, context: Context, fixed: list[Native], moving: list[Native]) -> str:
    """Return why registration says nothing of this volume; "" where it does."""
    if not fixed or len(moving) < 2:
        return "no two diffusion images and T2W to compare"
    if moving[0].stack.series_uid != moving[1].stack.series_uid:
        return "the diffusion images are of two series"
    frames = {one.stack.frame_of_reference_uid for one in (*fixed, *moving)}
    if context.stack is not None:
        frames.add(context.stack.frame_of_reference_uid)
    if len(frames) != 1 or None in frames:
        return "another frame of reference"
    grids = [one.grid for one in moving] + [volume.grid]
    if max(_apart_mm(grids[0], grid) for grid in grids) > SAME_PLACE_MM:
        return "not where the diffusion images are"
    return ""


def _apart_mm(one: Grid, other: Grid) -> float:
    """Return the largest distance between corners of two grids; infinite where shapes differ."""
    if one.shape != other.shape:
        return float("inf")
    return largest_shift_mm(one, other.affine() @ np.linalg.inv(one.affine()))


def _still(outcome: str, **facts: Any) -> dict[str, Any]:
    return {"matrix": None, "outcome": outcome, **facts}


def _register(fixed: Volume, moving: list[Volume], params: AlignParams) -> dict[str, Any]:
    """Return the motion if both images prove it, else why the header's alignment stays."""
    box = box_of(fixed, params.box_mm, STEP_MM)
    try:
        found = [register_rigid(box, one) for one in moving]
    except InconsistentSeries as error:
        return _still(f"registration failed: {error.code}")
    motion = found[0]
    pairs = [
        (mutual_information(box, one, STILL), mutual_information(box, one, motion))
        for one in moving
    ]
    apart = found[1] @ np.linalg.inv(motion)
    facts = {
        "box": grid_to_json(box.grid),
        "shift_mm": largest_shift_mm(box.grid, motion),
        "disagreement_mm": largest_shift_mm(moved_grid(box.grid, motion), apart),
        "mutual_information": [list(pair) for pair in pairs],
        "proposed": motion.tolist(),
    }
    if any(after <= before * (1 + params.least_gain) for before, after in pairs):
        return _still("mutual information does not grow enough", **facts)
    if facts["disagreement_mm"] > params.agreement_mm:
        return _still("the two images disagree about the motion", **facts)
    if facts["shift_mm"] < params.smallest_shift_mm:
        return _still("no motion", **facts)
    if facts["shift_mm"] > params.largest_shift_mm:
        return _still("too large a motion", **facts)
    return {"matrix": motion.tolist(), "outcome": "moved", **facts}


def _apply(volume: Volume, decided: dict[str, Any]) -> Volume:
    if decided["matrix"] is None:
        return volume
    return replace(volume, grid=moved_grid(volume.grid, np.asarray(decided["matrix"])))


def _flags(decided: dict[str, Any]) -> tuple[str, ...]:
    if decided["matrix"] is not None:
        return ("MR_MOTION_CORRECTED",)
    return ("MR_MOTION_TOO_LARGE",) if decided["outcome"] == "too large a motion" else ()


STEP = Step(
    name="align",
    kind="geometry",
    params=AlignParams,
    decide=_decide,
    apply=_apply,
    flags=_flags,
    reads_values=True,
)
