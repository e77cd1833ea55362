"""The table of steps: what a recipe may name, each in a file of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from config.base import Frozen
from config.errors import ConfigurationError
from config.recipe import StepSpec
from harmonise.steps import (
    align,
    breast_mask,
    chest_wall_left,
    downsample_to,
    hu_floor,
    landmarks,
    limb,
    low_b_scale,
    microns,
    n4,
    percentile,
    presentation,
    pyramid,
    reference_tissue,
    resample,
    srgb,
    stain,
    suv_check,
    tissue,
    us_overlay,
    us_sector,
    zscore,
)
from harmonise.steps.contract import Context, Native, Step, parse_params

__all__ = ["STEPS", "Context", "Native", "PlannedStep", "Step", "planned_steps"]

STEPS: Mapping[str, Step] = MappingProxyType(
    {
        "align": align.STEP,
        "breast_mask": breast_mask.STEP,
        "chest_wall_left": chest_wall_left.STEP,
        "downsample_to": downsample_to.STEP,
        "hu_floor": hu_floor.STEP,
        "landmarks": landmarks.STEP,
        "limb": limb.STEP,
        "low_b_scale": low_b_scale.STEP,
        "microns": microns.STEP,
        "n4": n4.STEP,
        "percentile": percentile.STEP,
        "presentation": presentation.STEP,
        "pyramid": pyramid.STEP,
        "reference_tissue": reference_tissue.STEP,
        "resample": resample.STEP,
        "srgb": srgb.STEP,
        "stain": stain.STEP,
        "suv_check": suv_check.STEP,
        "tissue": tissue.STEP,
        "us_overlay": us_overlay.STEP,
        "us_sector": us_sector.STEP,
        "zscore": zscore.STEP,
    }
)
"""Name in recipes -> step."""

PlannedStep = tuple[Step, Frozen]
"""A step with its validated parameters."""


def planned_steps(specs: Iterable[StepSpec]) -> tuple[PlannedStep, ...]:
    """Return the steps a recipe names, their parameters validated.

    Raises
    ------
    ConfigurationError
        ``STEP_UNKNOWN`` or ``STEP_PARAMS_INVALID``.
    """
    planned = []
    for spec in specs:
        step = STEPS.get(spec.step)
        if step is None:
            known = ", ".join(sorted(STEPS))
            raise ConfigurationError("STEP_UNKNOWN", f"{spec.step!r}; there are: {known}")
        planned.append((step, parse_params(step, spec.params)))
    return tuple(planned)
