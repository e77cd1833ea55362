"""Fill the report's context from the account of a project."""

from __future__ import annotations

import json
from typing import Any

from config.project import Project
from config.version import code_version
from pipelines.cohort.accounts import ProjectAccount, RowAccount, SeriesAccount
from pipelines.cohort.gate import Gate
from pipelines.cohort.report import AskedRow, PackRef, ReportContext, Stage, VolumeRow
from pipelines.cohort.review import review_items
from pipelines.cohort.roles import role_of
from pipelines.cohort.strata import site_and_role
from pipelines.workspace import Workspace

__all__ = ["asked_rows", "report_context"]

REACHED: dict[str, Stage] = {
    "found": "found",
    "refused": "found",
    "partial": "found",
    "offline": "found",
    "complete": "complete",
    "complete_after_retry": "complete",
    "quarantined": "complete",
    "deidentified": "deidentified",
    "harmonised": "harmonised",
    "rejected": "harmonised",
    "released": "accepted",
}
"""Outcome of a row -> the last stage it came to; any other outcome was only asked for."""


def report_context(
    ws: Workspace,
    project: Project,
    version: int,
    content: ProjectAccount,
    gate: Gate,
    proof: str = "",
) -> ReportContext:
    """Return everything the report of a release says; a draft has no proof yet."""
    return ReportContext(
        project=project.name,
        title=project.title or project.name,
        version=version,
        simulated=content.simulated,
        policy=project.policy,
        recipe=project.recipe,
        program_version=code_version(),
        rows=asked_rows(content),
        volumes=tuple(_volume(ws, project, s) for s in content.series),
        packs_root=ws.research.packs,
        packs=_packs(ws, project.name),
        gate=gate,
        proof=proof,
    )


def asked_rows(content: ProjectAccount) -> tuple[AskedRow, ...]:
    """Return every study asked with the last stage it came to."""
    return tuple(AskedRow(r.row_id, r.site, r.outcome, r.code, _reached(r)) for r in content.rows)


def _reached(row: RowAccount) -> Stage:
    """Return how far a study came; one refused while harmonising had been de-identified."""
    if row.outcome == "refused" and row.acquired_as in {"complete", "complete_after_retry"}:
        return "deidentified"
    return REACHED.get(row.outcome, "asked")


def _volume(ws: Workspace, project: Project, series: SeriesAccount) -> VolumeRow:
    facts = series.manifest
    native = None
    means: tuple[float | None, float | None] = (None, None)
    if series.volume_id is not None:
        folder = ws.research.volumes(project.name) / series.folder
        side = folder / f"{facts['dicom_path']}.json"
        provenance = json.loads(side.read_bytes())
        native, means = _native_spacing(provenance), _means(provenance)
    return VolumeRow(
        series.row_id,
        series.site,
        role_of(series.role, facts["b_value"]),
        "REJECT" if series.rejected else series.verdict,
        (*series.codes, *["REJECTED"] * series.rejected),
        native,
        _triple(facts["spacing_mm"]),
        *means,
    )


def _means(provenance: dict[str, Any]) -> tuple[float | None, float | None]:
    """Return the volume's mean before and after the step that recorded both."""
    for step in provenance["steps"]:
        decided = step["decided"]
        if "mean_before" in decided:
            return float(decided["mean_before"]), float(decided["mean_after"])
    return None, None


def _native_spacing(
    provenance: dict[str, Any],
) -> tuple[float | None, float | None, float | None] | None:
    grid = provenance["geometry"]["native_grid"]
    return _triple(grid["spacing_mm"]) if grid else None


def _triple(value: object) -> tuple[float | None, float | None, float | None] | None:
    if not isinstance(value, list | tuple):
        return None
    one, two, three = (None if v is None else float(v) for v in value)
    return one, two, three


def _packs(ws: Workspace, project: str) -> tuple[PackRef, ...]:
    """Return the sampled pairs with what was said of them, without the readers' names."""
    return tuple(
        PackRef(
            item.sha256,
            *site_and_role(item.stratum),
            tuple(sorted(item.verdicts.values())),
            item.reasons,
        )
        for item in review_items(ws.catalogue, project)
    )
