"""Apply a plan: one volume at a time through its steps, written, measured and accounted for."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from config.errors import ConfigurationError, RejectedError
from config.files import write_whole
from harmonise.beside import write_masks, write_pictures
from harmonise.computed import made_of, natives_of, read_planned
from harmonise.diffusion_checks import Check
from harmonise.encode import (
    Labels,
    may_be_map,
    write_diffusion,
    write_map,
    write_nifti,
    write_series,
)
from harmonise.encode.files import folder_name
from harmonise.encode.private import canonical_json
from harmonise.manifest import ManifestRow
from harmonise.mr_figures import mr_figures
from harmonise.mr_quality import Outline
from harmonise.planned import Declined, PlannedVolume, StudyPlan
from harmonise.provenance import StepRecord, provenance_of, step_record, volume_digest
from harmonise.qc import measure
from harmonise.rows import declined_row, made_row
from harmonise.series import Refusal
from harmonise.slices import frames_of_slices, placed, turned
from harmonise.slides.make import SLIDE, open_slide, write_slide
from harmonise.slides.slide import Slide
from harmonise.steps import Context
from harmonise.together import looked_at_together
from harmonise.volume import Volume

__all__ = ["apply_study", "before_volume"]

Image = TypeVar("Image", Volume, Slide)


@dataclass
class _Progress:
    """What one study's volumes hand to each other.

    ``checks`` is what the diffusion images say of each other, ``loaded`` native volumes that were
    read for it and are still to be made, ``earlier`` decisions by step and series, ``outlines`` the
    body in the reference image.
    """

    checks: dict[str, Check]
    loaded: dict[str, Volume]
    earlier: dict[str, dict[str, Any]] = field(default_factory=dict)
    outlines: dict[str, Outline] = field(default_factory=dict)


def apply_study(plan: StudyPlan, out: Path) -> list[ManifestRow]:
    """Make every planned volume under ``out/<subject>/<study_uid>/`` and return the rows.

    Each volume gives ``<volume_id>/NNNN.dcm``, ``<volume_id>.nii.gz``, ``<volume_id>.json``, where
    the field of view does not fill the grid ``<volume_id>.coverage.nii.gz`` and, as the recipe's
    ``outputs`` say, ``<volume_id>.coverage.dcm``, the same for each of its regions, and of a
    diffusion image ``<volume_id>.bval`` and ``.bvec``. A volume that
    fails for a reason of its own becomes a row with that code; the others go on.

    Raises
    ------
    EnvironmentFault
        The folder cannot be written.
    """
    progress = _Progress(*looked_at_together(plan))
    rows = []
    for planned in plan.volumes:
        try:
            rows.append(_make(plan, planned, out, progress))
        except RejectedError as error:
            stack = planned.stack
            refusal = Refusal(
                stack.series_uid,
                stack.study_uid,
                stack.subject,
                stack.modality,
                error.code,
                error.detail,
            )
            rows.append(declined_row(plan, Declined(refusal, stack, planned.role)))
    rows += [declined_row(plan, one) for one in plan.declined]
    return sorted(rows, key=lambda row: row.sort_key)


def before_volume(
    plan: StudyPlan, volume_id: str, earlier: dict[str, dict[str, Any]] | None = None
) -> Volume:
    """Return the native real values on the grid of the output, without any intensity step.

    ``earlier`` holds what was decided for other volumes of the study, and receives what is decided
    here: one motion is looked for once.

    Raises
    ------
    ConfigurationError
        ``VOLUME_UNKNOWN`` when the plan makes no such volume.
    RejectedError
        As :func:`apply_study` would have recorded.
    """
    planned = next((one for one in plan.volumes if one.volume_id == volume_id), None)
    if planned is None or planned.role.name == SLIDE:
        raise ConfigurationError("VOLUME_UNKNOWN", volume_id)
    volume = read_planned(planned)
    known = {} if earlier is None else earlier
    geometric = [pair for pair in planned.steps if pair[0].kind == "geometry"]
    steps = planned.steps[: 1 + planned.steps.index(geometric[-1])] if geometric else ()
    if len(geometric) == len(steps) or not any(step.reads_values for step, _ in geometric):
        return _run(plan, planned, volume, known, geometric)[0]
    _, records = _run(plan, planned, volume, known, steps)
    for (step, _), record in zip(steps, records, strict=True):
        if step.kind == "geometry":
            volume = step.apply(volume, record["decided"])
    return volume


def _run(
    plan: StudyPlan,
    planned: PlannedVolume,
    volume: Image,
    earlier: dict[str, dict[str, Any]],
    steps: Sequence[Any],
) -> tuple[Image, list[StepRecord]]:
    """Decide and apply each step; return the result and the record of every step."""
    records = []
    natives = natives_of(plan, planned.stack.study_uid)
    digest = volume_digest(volume)
    for step, params in steps:
        context = Context(
            planned.stack,
            planned.role.name,
            planned.reference,
            earlier,
            planned.model,
            natives=natives,
        )
        decided = step.decide(volume, params, context)
        volume = step.apply(volume, decided)
        earlier.setdefault(f"{step.name}:{planned.stack.series_uid}", decided)
        before, digest = digest, volume_digest(volume)
        records.append(step_record(step, params.model_dump(mode="json"), decided, before, digest))
    return volume, records


def _moved_out(plan: StudyPlan, records: Sequence[StepRecord], volume: Volume) -> bool:
    """Tell whether a motion, which headers do not know of, took too much out of the grid."""
    is_moved = any(record["decided"].get("matrix") is not None for record in records)
    inside = volume.coverage if volume.field_of_view is None else volume.field_of_view
    return is_moved and inside is not None and inside.mean() < plan.recipe.minimum_coverage


def _make(plan: StudyPlan, planned: PlannedVolume, out: Path, progress: _Progress) -> ManifestRow:
    if planned.role.name == SLIDE:
        return _make_slide(plan, planned, out, progress)
    kept = progress.loaded.pop(planned.volume_id, None)
    volume = kept or read_planned(planned)
    figures = mr_figures(plan, planned, volume, progress.outlines)
    volume, records = _run(plan, planned, volume, progress.earlier, planned.steps)
    check = progress.checks.get(planned.volume_id, Check())
    flagged = _flagged(planned, records)
    flagged += volume.meta.get("computed", {}).get("codes", [])
    if _moved_out(plan, records, volume):
        flagged.append("MR_FOV_NOT_COVERED")
    codes = tuple(dict.fromkeys([*planned.codes, *flagged, *check.codes, *figures.codes]))
    qc = {**measure(volume), **check.qc, **figures.qc}
    provenance = provenance_of(plan, planned, volume, records, codes=codes, qc=qc)
    folder = out / folder_name(planned.stack.subject) / folder_name(planned.stack.study_uid)
    as_map = plan.recipe.outputs.float_maps == "parametric_map" and may_be_map(volume)
    gradient = None if planned.parts else turned(planned.stack.frames[0].gradient, records)
    labels = _labels(plan, planned, gradient)
    images = (write_map if as_map else write_series)(
        volume,
        planned.stack,
        folder / planned.volume_id,
        sources=frames_of_slices(planned, placed(planned.geometry.grid, records), volume.grid),
        labels=labels,
        provenance=provenance,
    )
    nifti = write_nifti(volume, folder / f"{planned.volume_id}.nii.gz")
    write_pictures(plan.recipe.outputs, volume, folder / planned.volume_id)
    if planned.role.b_value is not None:
        write_diffusion(
            planned.role.b_value,
            gradient,
            volume.grid,
            folder / planned.volume_id,
            is_known=bool(planned.parts) or planned.stack.frames[0].scan_gradient is None,
        )
    write_masks(
        planned,
        volume,
        folder,
        images,
        labels,
        provenance,
        is_segmented=plan.recipe.outputs.masks == "segmentation",
    )
    write_whole(folder / f"{planned.volume_id}.json", canonical_json(provenance) + b"\n")
    dicom = (folder / planned.volume_id).relative_to(out).as_posix()
    path = nifti.relative_to(out).as_posix()
    return made_row(plan, planned, volume, codes, dicom=dicom, nifti=path)


def _flagged(planned: PlannedVolume, records: Sequence[StepRecord]) -> list[str]:
    """Return the codes that the steps' decisions call for."""
    return [
        code
        for (step, _), record in zip(planned.steps, records, strict=True)
        for code in step.flags(record["decided"])
    ]


def _make_slide(
    plan: StudyPlan, planned: PlannedVolume, out: Path, progress: _Progress
) -> ManifestRow:
    """Make a slide: the same steps and records, its pixels tile by tile."""
    folder = out / folder_name(planned.stack.subject) / folder_name(planned.stack.study_uid)
    target = folder / planned.volume_id
    with closing(open_slide(planned.stack)) as native:
        slide, records = _run(plan, planned, native, progress.earlier, planned.steps)
        flagged = [*planned.codes, *_flagged(planned, records)]

        def record(more: list[str], qc: dict[str, Any]) -> dict[str, Any]:
            codes = list(dict.fromkeys([*flagged, *more]))
            return provenance_of(plan, planned, slide, records, codes=codes, qc=qc)

        labels = _labels(plan, planned, None)
        codes = write_slide(slide, planned.stack, target, labels, record)
    return made_row(
        plan, planned, slide, codes, dicom=target.relative_to(out).as_posix(), nifti=None
    )


def _labels(
    plan: StudyPlan, planned: PlannedVolume, gradient: tuple[float, float, float] | None
) -> Labels:
    steps = [step for step, _ in planned.steps]
    corrected = planned.geometry.correction is not None
    made = made_of(planned.role.name) if planned.parts else None
    first = ("SpatialResampling",) * corrected + ((made.derivation,) if made else ())
    return Labels(
        volume_id=planned.volume_id,
        role=planned.role.name,
        recipe=plan.recipe.name,
        recipe_hash=plan.recipe_hash,
        model_hash=plan.model_hash,
        derivations=(*first, *(step.derivation for step in steps if step.derivation)),
        resampled=corrected or any(s.derivation == "SpatialResampling" for s in steps),
        computed=bool(planned.parts),
        changed=bool(planned.parts) or any(step.kind == "intensity" for step in steps),
        image_type=made.image_type if made else (),
        gradient=gradient,
        side=planned.side,
    )
