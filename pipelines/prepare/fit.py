"""Fit a recipe's fitted steps once over the planned studies, and keep what was fitted."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from sqlalchemy import select

from config.errors import AccordageError, EnvironmentFault
from config.files import write_whole
from config.project import Project
from config.recipe import Recipe
from config.version import code_version
from harmonise.encode.private import canonical_json
from harmonise.study import Measured, fit_key, fit_model, measure_study, needs_fit
from pipelines.catalogue.research import ResearchObject, StudyRow
from pipelines.prepare.harmonise import HarmoniseJob, plan_of
from pipelines.prepare.models import ModelShelf
from pipelines.progress import Progress
from pipelines.quiet import hush
from pipelines.workspace import Workspace

__all__ = [
    "MeasureJob",
    "current_model",
    "fit_measured",
    "fit_project",
    "measure",
]


@dataclass(frozen=True)
class MeasureJob:
    """One study to measure for a fit: its harmonising job, its site, and where the answer is kept.

    ``kept`` is None where nothing is kept: then every fit measures anew.
    """

    study: HarmoniseJob
    site: str
    kept: str | None = None


def measure(job: MeasureJob) -> list[Measured]:
    """Return what a study adds to the fit, read back where it was measured before."""
    hush()
    kept = Path(job.kept) if job.kept else None
    if kept is not None and kept.is_file():
        return [Measured(**row) for row in json.loads(kept.read_bytes())]
    # measured on the images alone: an earlier model has no part in the next
    measured = measure_study(plan_of(replace(job.study, model=None)), job.site)
    if kept is not None:
        write_whole(kept, canonical_json([asdict(one) for one in measured]) + b"\n")
    return measured


def fit_measured(
    recipe: Recipe,
    results: Iterable[tuple[object, list[Measured] | AccordageError]],
    studies: int,
    shelf: ModelShelf,
    progress: Progress,
) -> Path | None:
    """Fit and keep a model from studies as they are measured; None where subjects are too few.

    A study that cannot be planned adds nothing; it will be refused when it is harmonised.

    Raises
    ------
    EnvironmentFault
        The disk is full or read-only.
    """
    progress.begin("fit", studies)
    measured: list[Measured] = []
    for _, result in results:
        if isinstance(result, EnvironmentFault):
            raise result
        if not isinstance(result, AccordageError):
            measured += result
        progress.advance("fit")
    model = fit_model(recipe, measured)
    return None if model is None else shelf.keep(model)


def current_model(ws: Workspace, project: Project, recipe: Recipe) -> Path | None:
    """Return the file of a project's model; None where its recipe fits nothing, or nothing yet."""
    if not needs_fit(recipe):
        return None
    return ModelShelf(ws.research.models(project.name)).current(recipe)


def fit_project(ws: Workspace, project: Project, recipe: Recipe) -> Path | None:
    """Fit a project's model over every study that has come; return its file, or None."""
    folder = ws.research.models(project.name)
    query = (
        select(StudyRow.row_id, StudyRow.site, ResearchObject.sha256, ResearchObject.series_uid)
        .join(ResearchObject, ResearchObject.row_id == StudyRow.row_id)
        .where(StudyRow.project == project.name, StudyRow.study_uid.is_not(None))
        .order_by(StudyRow.row_id, ResearchObject.sha256)
    )
    studies: dict[tuple[str, str], list[tuple[str, str]]] = {}
    with ws.catalogue.session() as session:
        for row_id, site, digest, series_uid in session.execute(query):
            studies.setdefault((row_id, site), []).append((digest, series_uid))
    key = fit_key(recipe)
    jobs = []
    for (row_id, site), objects in studies.items():
        text = ":".join([key, code_version(), site, *(digest for digest, _ in objects)])
        name = hashlib.sha256(text.encode()).hexdigest()
        study = HarmoniseJob(
            row_id=row_id,
            objects=tuple(str(ws.research.object_path(digest)) for digest, _ in objects),
            series_uids=tuple(sorted({series_uid for _, series_uid in objects})),
            passports=str(ws.research.passports),
            recipe=recipe,
            target="",
        )
        jobs.append(MeasureJob(study, site, str(folder / "measured" / f"{name}.json")))
    results = ws.engine.run(measure, jobs)
    return fit_measured(recipe, results, len(jobs), ModelShelf(folder), ws.progress)
