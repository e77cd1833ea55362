"""Rows of the manifest: one of every volume made, one of every series declined."""

from __future__ import annotations

from typing import Any

from harmonise.manifest import ManifestRow
from harmonise.planned import Declined, PlannedVolume, StudyPlan
from harmonise.qc import verdict_of
from harmonise.slides.slide import Slide
from harmonise.volume import Volume

__all__ = ["declined_row", "made_row"]


def made_row(
    plan: StudyPlan,
    planned: PlannedVolume,
    volume: Volume | Slide,
    codes: tuple[str, ...],
    *,
    dicom: str,
    nifti: str | None,
) -> ManifestRow:
    """Return the row of a volume or slide that was made; paths are relative to the manifest."""
    slices, rows, columns = volume.grid.shape
    return ManifestRow(
        **_common(plan, planned.stack.subject, planned.stack.study_uid, planned.stack.header),
        volume_id=planned.volume_id,
        source_series_uids=(planned.stack.series_uid,),
        role=planned.role.name,
        b_value=planned.role.b_value,
        verdict=verdict_of(codes),
        codes=codes,
        unit=volume.unit,
        nifti_path=nifti,
        dicom_path=dicom,
        rows=rows,
        columns=columns,
        slices=slices,
        spacing_mm=volume.grid.spacing_mm,
    )


def declined_row(plan: StudyPlan, one: Declined) -> ManifestRow:
    """Return the row of a series that nothing was made of."""
    refusal = one.refusal
    header = one.stack.header if one.stack else {}
    return ManifestRow(
        **_common(plan, refusal.subject, refusal.study_uid, header),
        volume_id=None,
        source_series_uids=(refusal.series_uid,) if refusal.series_uid else (),
        role=one.role.name if one.role else None,
        b_value=one.role.b_value if one.role else None,
        verdict="REJECT",
        codes=(refusal.code,),
        unit=None,
        nifti_path=None,
        dicom_path=None,
        rows=None,
        columns=None,
        slices=None,
        spacing_mm=None,
    )


def _common(
    plan: StudyPlan, subject: str, study_uid: str, header: dict[str, Any]
) -> dict[str, Any]:
    """Return the columns that made and declined rows share."""
    strength = header.get("MagneticFieldStrength")
    return {
        "subject": subject,
        "study_uid": study_uid,
        "vendor": header.get("Manufacturer"),
        "model": header.get("ManufacturerModelName"),
        "field_strength_t": float(strength) if isinstance(strength, (int, float)) else None,
        "recipe": plan.recipe.name,
        "recipe_hash": plan.recipe_hash,
        "model_hash": plan.model_hash,
    }
