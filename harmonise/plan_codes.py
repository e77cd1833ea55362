"""What headers alone say of a planned volume: its flags, and why a stack has no grid."""

from __future__ import annotations

from collections.abc import Iterable

from config.recipe import Recipe
from harmonise.choose import Candidate
from harmonise.classify import INTENTS
from harmonise.grids import analytic_coverage
from harmonise.planned import PlannedVolume
from harmonise.series import Geometry, Role, Stack
from harmonise.steps import PlannedStep
from harmonise.steps.resample import ResampleParams
from harmonise.views import view_of

__all__ = ["header_codes", "resample_of", "why_no_grid"]


def resample_of(steps: Iterable[PlannedStep]) -> ResampleParams | None:
    """Return the parameters of the step that places the grid; None where there is none."""
    return next((p for _, p in steps if isinstance(p, ResampleParams)), None)


def why_no_grid(stack: Stack, role: Role, geometry: Geometry) -> str:
    """Return the code of a stack without a grid; images of one b-value and no direction are named.

    A tensor scan whose directions went with its private elements looks like one image taken again.
    """
    frame = stack.frames[0]
    has_direction = frame.gradient is not None or frame.scan_gradient is not None
    if geometry.code == "MR_DUPLICATE_SLICE" and role.b_value and not has_direction:
        return "DTI_NO_DIRECTIONS"
    return geometry.code or "VOLUME_NOT_POSITIONED"


def header_codes(
    planned: PlannedVolume, chosen: Candidate, recipe: Recipe, anchor: Candidate | None
) -> tuple[str, ...]:
    """Return the flags that headers alone call for."""
    codes = list(chosen.stack.flags)
    if chosen.geometry.code is not None:
        codes.append(chosen.geometry.code)
    if chosen.geometry.correction is not None:
        codes += chosen.geometry.correction.codes
    if chosen.role.calculated:
        codes.append("MR_CALCULATED_B")
    if _shows_direction(chosen, recipe):
        codes.append("MR_DWI_ONE_DIRECTION")
    if anchor is not None:
        target = planned.target()
        frame = chosen.stack.frame_of_reference_uid
        if frame is None or frame != anchor.stack.frame_of_reference_uid:
            codes.append("MR_FRAME_OF_REFERENCE_DIFFERS")
        if target is not None and resample_of(planned.steps) is not None:
            share = float(analytic_coverage(chosen.grid, target).mean())
            if share < recipe.minimum_coverage:
                codes.append("MR_FOV_NOT_COVERED")
    if chosen.role.name in INTENTS:
        codes += view_of(chosen.stack.header).codes
        if chosen.stack.header.get("BreastImplantPresent") == "YES":
            codes.append("MG_IMPLANT")
    return tuple(dict.fromkeys(codes))


def _shows_direction(chosen: Candidate, recipe: Recipe) -> bool:
    """Tell whether one direction stands for a b-value of which a recipe takes one image."""
    is_one = chosen.role.name == "dwi" and bool(recipe.roles) and "dwi" not in recipe.every
    frame = chosen.stack.frames[0]
    has_direction = bool(frame.gradient or frame.scan_gradient)
    return is_one and bool(chosen.role.b_value) and has_direction
