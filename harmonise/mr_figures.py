"""What a recipe with a protocol says of the quality of each MR volume, and which flags follow."""

from __future__ import annotations

from typing import Any

from harmonise.diffusion_checks import FIT_B, Check
from harmonise.mr_quality import (
    LEAST_SNR,
    Outline,
    largest_void_ml,
    outline_of,
    overlap_of_outlines,
    signal_to_noise,
)
from harmonise.planned import PlannedVolume, StudyPlan
from harmonise.protocol import deviations, measured_protocol
from harmonise.volume import Volume

__all__ = ["mr_figures"]

LARGEST_VOID_ML = 5.0
"""A rectum without gas, coil or metal near it leaves less dark; PROSTATEx-0000 has 0, the
endorectal coil of PROSTATE-MRI 0001 has 10 in 24 mm."""

LEAST_DICE = 0.85
"""Of two outlines of one body; less is distortion, motion or another patient."""


def mr_figures(
    plan: StudyPlan, planned: PlannedVolume, native: Volume, outlines: dict[str, Outline]
) -> Check:
    """Return the figures of one volume before any step, and the flags they call for.

    Parameters
    ----------
    plan : StudyPlan
        Its recipe names the protocol; without one nothing is measured.
    planned : PlannedVolume
    native : Volume
        Real values on the native grid.
    outlines : dict
        Outline of the study's reference image by frame of reference; filled here.
    """
    protocol = plan.recipe.protocol
    if protocol is None or planned.stack.modality != "MR":
        return Check()
    qc: dict[str, Any] = _protocol(plan, planned, native, protocol)
    codes: list[str] = []
    name = planned.role.name
    if name == plan.recipe.reference_role:
        codes += _reference(planned, native, outlines, qc)
    if name in {plan.recipe.reference_role, "dwi"}:
        codes += _noise(planned, native, qc)
    if name == "dwi":
        codes += _distortion(planned, native, outlines, qc)
    return Check(tuple(codes), qc)


def _protocol(
    plan: StudyPlan, planned: PlannedVolume, native: Volume, protocol: str
) -> dict[str, Any]:
    b_values = [
        one.role.b_value
        for one in plan.volumes
        if one.role.name in {"dwi", "dwi_calc"}
        and one.role.b_value is not None
        and one.stack.study_uid == planned.stack.study_uid
    ]
    computed = native.meta.get("computed", {})
    figures = measured_protocol(planned.stack, planned.geometry, b_values, computed)
    if planned.parts and planned.role.name != "dce_re":
        return {}
    return {
        "protocol": {"name": protocol, **figures},
        "protocol_deviations": deviations(protocol, planned.role.name, figures),
    }


def _place(planned: PlannedVolume) -> str:
    return f"{planned.stack.study_uid} {planned.stack.frame_of_reference_uid}"


def _reference(
    planned: PlannedVolume, native: Volume, outlines: dict[str, Outline], qc: dict[str, Any]
) -> list[str]:
    outline = outline_of(native)
    if outline is None:
        return []
    outlines[_place(planned)] = outline
    qc["largest_void_ml"] = largest_void_ml(outline)
    return ["MR_SIGNAL_VOID"] if qc["largest_void_ml"] > LARGEST_VOID_ML else []


def _noise(planned: PlannedVolume, native: Volume, qc: dict[str, Any]) -> list[str]:
    """Measure the noise; of images of a higher b than an ADC is fitted to it asks nothing."""
    qc["snr_in_box"] = signal_to_noise(native)
    is_fitted = (planned.role.b_value or 0.0) <= FIT_B[1]
    is_low = qc["snr_in_box"] is not None and qc["snr_in_box"] < LEAST_SNR
    return ["MR_SNR_LOW"] if is_fitted and is_low else []


def _distortion(
    planned: PlannedVolume, native: Volume, outlines: dict[str, Outline], qc: dict[str, Any]
) -> list[str]:
    reference = outlines.get(_place(planned))
    own = outline_of(native, reference) if reference else None
    qc["outline_dice"] = overlap_of_outlines(reference, own) if reference and own else None
    is_off = qc["outline_dice"] is not None and qc["outline_dice"] < LEAST_DICE
    return ["MR_OUTLINE_DIFFERS"] if is_off else []
