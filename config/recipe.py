"""A harmonisation recipe: which roles are made, and the ordered steps that make each."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from config.base import Frozen, Name

__all__ = ["BSet", "Outputs", "Recipe", "StepSpec"]


class StepSpec(Frozen):
    """One step, written in YAML as ``- name: {parameter: value}`` or ``- name``."""

    step: str
    """Name in the step table (``harmonise/steps/__init__.py``)."""
    params: dict[str, Any] = Field(default_factory=dict)
    """Parameters, validated by the step itself."""

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"step": value}
        if isinstance(value, dict) and len(value) == 1 and "step" not in value:
            ((name, params),) = value.items()
            return {"step": name, "params": params or {}}
        return value


class Outputs(Frozen):
    """The DICOM form of what a recipe makes, beside NIfTI, which is always written."""

    float_maps: Literal["series", "parametric_map"] = "series"
    """Quantitative maps (ADC, HU, SUV): an image series of 16 bits, or a Parametric Map of 32-bit
    floating point numbers."""
    png: bool = False
    """A picture of 16 bits a pixel beside a projection whose values are whole numbers."""
    model_ready: tuple[int, int] | None = None
    """Rows and columns of a second picture: shrunk to fit, never enlarged, black at the right and
    below. None writes none."""
    masks: Literal["nifti", "segmentation"] = "segmentation"
    """Where a field of view does not fill the grid: its mask as NIfTI only, or a Segmentation
    too."""


class BSet(Frozen):
    """The b-values, s/mm2, that the roles ``adc_refit`` and ``dwi_calc_refit`` are computed from.

    One of each range at every site, so that the maps can be compared; PI-RADS v2.1 unless said.
    """

    low: tuple[float, float] = (50.0, 100.0)
    """Range of the lower one; below 50 perfusion adds to diffusion."""
    high: tuple[float, float] = (800.0, 1000.0)
    """Range of the higher one; above 1000 the decay is no single exponential."""
    calculated: float = Field(default=1400.0, gt=0)
    """b-value of the calculated image."""

    @model_validator(mode="after")
    def _apart(self) -> BSet:
        edges = (*self.low, *self.high)
        if list(edges) != sorted(edges) or self.low[0] < 0 or self.low[1] >= self.high[0]:
            raise ValueError("ranges must ascend and lie apart")
        return self


class Recipe(Frozen):
    """One recipe."""

    name: Name
    """Name of the recipe."""
    title: str = ""
    """One line for people."""
    modalities: tuple[str, ...] = ()
    """Modalities taken; none takes every one that can be read."""
    roles: tuple[str, ...] = ()
    """Roles made, in order of choice; none makes every role found."""
    every: tuple[str, ...] = ()
    """Roles of which every series is made; of the others the best one (one a b-value)."""
    exam: tuple[str, ...] = ()
    """Views, side first (``RMLO``), that an exam has exactly once each: of repeats the latest is
    made, and a missing one asks for a look."""
    reference_role: str | None = None
    """Role whose geometry places the common grid; none keeps each series on its own grid."""
    requires: tuple[str, ...] = ()
    """Keywords of attributes a policy must not remove (checked by ``config check``)."""
    on_missing_reference: Literal["refuse", "native"] = "refuse"
    """What happens to a study without the reference role."""
    minimum_coverage: float = Field(default=0.99, ge=0, le=1)
    """Share of the common grid a series must cover; less asks for a look."""
    kernel_classes: tuple[Literal["soft", "medium", "sharp"], ...] = ()
    """Classes of CT kernel taken; none takes every kernel, known or not."""
    protocol: Literal["pirads-2.1"] | None = None
    """Published protocol that acquisitions are measured against, as figures of quality."""
    sides: Literal["split"] | None = None
    """Whether limbs are told apart: an image of both becomes a volume of each."""
    b_set: BSet = BSet()
    """What the ADC is computed from again, and which b-value is calculated."""
    calibrated: bool = False
    """Refuse an ultrasound picture whose pixels have no known size; else it is made in pixels."""
    largest_spacing_mm: float | None = Field(default=None, gt=0)
    """Distance of neighbouring slices above which a series is refused; none takes any."""
    steps: tuple[StepSpec, ...] = ()
    """Steps applied to every role, in order."""
    role_steps: dict[str, tuple[StepSpec, ...]] = Field(default_factory=dict)
    """Steps for one role, in place of ``steps``."""
    outputs: Outputs = Outputs()
    """The DICOM form of maps and masks."""
