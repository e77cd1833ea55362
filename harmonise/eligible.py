"""What a recipe asks of a series beyond its role: slices close enough, a kernel it takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from config.errors import InconsistentSeries, UnknownUnits, UnsupportedObject
from config.recipe import Recipe
from harmonise.ct_choice import kernel_class
from harmonise.series import Geometry, Role, Stack
from harmonise.slides.make import SLIDE
from harmonise.steps import STEPS
from harmonise.vendor.measurable import measurable

__all__ = ["eligible", "with_frame_flags"]


def eligible(stack: Stack, role: Role, geometry: Geometry, recipe: Recipe) -> Stack:
    """Return the stack with the flags that headers call for.

    Raises
    ------
    RejectedError
        ``STEP_OF_OTHER_KIND``;
        ``CT_GAP``, ``MR_GAP``, ``PT_GAP``; ``CT_KERNEL_UNKNOWN``, ``CT_KERNEL_OTHER``;
        ``US_UNCALIBRATED``; and what
        :func:`harmonise.vendor.measurable.measurable` raises.
    """
    _of_its_kind(role, recipe)
    _close_enough(stack, geometry, recipe)
    _calibrated(stack, geometry, recipe)
    if recipe.kernel_classes and role.name == "ct":
        _kernel_taken(stack, recipe)
    return measurable(stack, role.name)


def _of_its_kind(role: Role, recipe: Recipe) -> None:
    kind = "slide" if role.name == SLIDE else "volume"
    for spec in recipe.role_steps.get(role.name, recipe.steps):
        if STEPS[spec.step].takes != kind:
            detail = f"recipe {recipe.name}: step {spec.step} on a {kind}"
            raise UnsupportedObject("STEP_OF_OTHER_KIND", detail)


def _close_enough(stack: Stack, geometry: Geometry, recipe: Recipe) -> None:
    most_mm, slice_mm = recipe.largest_spacing_mm, geometry.widest_gap_mm
    if most_mm is None or slice_mm is None or stack.modality not in {"CT", "MR", "PT"}:
        return
    if slice_mm > most_mm + 1e-3:  # positions are decimal strings
        detail = f"(0020,0032) slices {slice_mm:.2f} mm apart, the recipe takes {most_mm:g} mm"
        raise InconsistentSeries(f"{stack.modality}_GAP", detail)


def _calibrated(stack: Stack, geometry: Geometry, recipe: Recipe) -> None:
    """Refuse pictures without millimetres where lengths and areas will be measured."""
    region = stack.frames[0].region
    if region is None or not recipe.calibrated or geometry.grid is None:
        return
    if None in geometry.grid.spacing_mm[1:]:
        detail = f"{region.flag or 'no spacing'}: {region.why}"
        raise UnknownUnits("US_UNCALIBRATED", detail)


def _kernel_taken(stack: Stack, recipe: Recipe) -> None:
    kind = kernel_class(stack)
    said = stack.header.get("ConvolutionKernel")
    if kind is None:
        raise InconsistentSeries("CT_KERNEL_UNKNOWN", f"(0018,1210) {said or 'absent'}")
    if kind not in recipe.kernel_classes:
        raise InconsistentSeries("CT_KERNEL_OTHER", f"(0018,1210) {said or kind} is {kind}")


def with_frame_flags(stacks: Sequence[Stack]) -> list[Stack]:
    """Flag every PET of a study whose CT, where there is one, lies in another frame of reference.

    The two are registered by the table they share only within one (PS3.3 C.7.4.1.1.1).
    """
    frames = {s.frame_of_reference_uid for s in stacks if s.modality == "CT"}
    if not frames:
        return list(stacks)
    flags = ("PT_CT_FRAME_DIFFERS",)
    return [
        replace(s, flags=(*s.flags, *flags))
        if s.modality == "PT" and s.frame_of_reference_uid not in frames - {None}
        else s
        for s in stacks
    ]
