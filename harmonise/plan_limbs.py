"""One volume a limb, where a recipe asks for it."""

from __future__ import annotations

from typing import NamedTuple

from config.recipe import Recipe
from harmonise.choose import Candidate
from harmonise.limbs import region_of, side_of
from harmonise.steps import STEPS, PlannedStep
from harmonise.steps.limb import LimbParams

__all__ = ["Limb", "sides_of"]


class Limb(NamedTuple):
    """Of a planned volume: its side, the steps before all others, its flags, lines of the log."""

    side: str = ""
    steps: tuple[PlannedStep, ...] = ()
    codes: tuple[str, ...] = ()
    log: tuple[str, ...] = ()


def sides_of(chosen: Candidate, recipe: Recipe) -> list[Limb]:
    """Return the limbs a candidate gives volumes of: one, or both halves of its field of view."""
    if recipe.sides is None:
        return [Limb()]
    found = side_of(chosen.stack.header, chosen.grid)
    region = region_of(chosen.stack.header)
    log = (f"side {'and'.join(found.sides) or 'unknown'}: {found.why}", f"region {region}")
    if not found.sides:
        return [Limb(codes=("NERVE_SIDE_UNKNOWN",), log=log)]
    if len(found.sides) == 1:
        return [Limb(found.sides[0], log=log)]
    return [
        Limb(side, ((STEPS["limb"], LimbParams(side="R" if side == "R" else "L")),), log=log)
        for side in found.sides
    ]
