"""Microns: a slide at a scale of its own choosing, never finer than it was scanned."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from pydantic import Field

from config.base import Frozen
from harmonise.slides.levels import Level
from harmonise.slides.slide import Slide
from harmonise.steps.contract import Context, Step
from harmonise.volume import Grid

__all__ = ["STEP", "MicronsParams", "chosen_scale", "scaled_grid"]


WHOLE = 1e-3
"""Part of a pixel by which a size may fall short: imaged volumes are 32-bit numbers."""


class MicronsParams(Frozen):
    """Parameters of ``microns``."""

    target_um: float = Field(default=0.5, gt=0)
    """Micrometres a pixel wanted: 0.25 is called 40x, 0.5 is called 20x."""
    tolerance: float = Field(default=0.05, ge=0, lt=1)
    """A level within this share of the target is taken as it is: scanners called 20x differ by
    so much, and its pixels are measured, not interpolated."""


def chosen_scale(levels: tuple[Level, ...], params: MicronsParams) -> dict[str, Any]:
    """Return the level to take and how many of its pixels make one, (row, column)."""
    target, near = params.target_um, 1 + params.tolerance
    for number, level in enumerate(levels):
        if all(target / near <= um <= target * near for um in level.microns):
            return {"level": number, "factor": [1.0, 1.0], "shape": [level.rows, level.columns]}
    fine = [n for n, level in enumerate(levels) if max(level.microns) <= target]
    if not fine:
        first = levels[0]
        return {"level": 0, "factor": [1.0, 1.0], "shape": [first.rows, first.columns]}
    number = max(fine)
    level = levels[number]
    factor = [target / um for um in level.microns]
    counts = (level.rows, level.columns)
    shape = [max(1, math.floor(n / f + WHOLE)) for n, f in zip(counts, factor, strict=True)]
    return {"level": number, "factor": factor, "shape": shape}


def scaled_grid(levels: tuple[Level, ...], params: MicronsParams) -> Grid:
    """Return the grid a slide will have; spacing in millimetres."""
    scale = chosen_scale(levels, params)
    level = levels[scale["level"]]
    row, column = (um * f / 1000 for um, f in zip(level.microns, scale["factor"], strict=True))
    return Grid((1, *scale["shape"]), (None, row, column), positioned=False)


def _decide(slide: Slide, params: MicronsParams, _context: Context) -> dict[str, Any]:
    scale = chosen_scale(slide.levels.all, params)
    level = slide.levels.all[scale["level"]]
    made = [um * f for um, f in zip(level.microns, scale["factor"], strict=True)]
    coarse = max(made) > params.target_um * (1 + params.tolerance)
    return {**scale, "native_um": list(slide.levels.all[0].microns), "um": made, "coarse": coarse}


def _apply(slide: Slide, decided: dict[str, Any]) -> Slide:
    row, column = decided["factor"]
    rows, columns = decided["shape"]
    return replace(
        slide, level=decided["level"], factor=(row, column), shape=(int(rows), int(columns))
    )


STEP = Step(
    name="microns",
    kind="geometry",
    params=MicronsParams,
    decide=_decide,
    apply=_apply,
    flags=lambda decided: ("WSI_COARSE",) if decided["coarse"] else (),
    takes="slide",
)
