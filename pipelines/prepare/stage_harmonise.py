"""The stage that harmonises every de-identified study of a project."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from config.base import fingerprint
from config.errors import AccordageError, EnvironmentFault
from config.project import Project
from config.recipe import Recipe
from config.version import code_version
from harmonise.study import needs_fit
from pipelines.catalogue.research import ExamView, Pack, ResearchObject, SeriesResult, StudyRow
from pipelines.prepare.fit import current_model, fit_project
from pipelines.prepare.harmonise import HarmoniseJob, harmonise_study
from pipelines.prepare.models import read_model
from pipelines.progress import StageAccount, timed
from pipelines.workspace import Workspace

__all__ = ["harmonise", "job_of"]

DELIVERABLE = frozenset({"PASS", "REVIEW"})
"""Verdicts of volumes that may be read and released."""

CONSEQUENCES = frozenset({"MR_NO_COMMON_B", "NO_REFERENCE_SERIES", "NOT_SELECTED"})
"""Codes that follow from another series' refusal, or cost a study one map of several: a study is
named by the cause."""


def harmonise(
    ws: Workspace,
    project: Project,
    site: str | None = None,
    *,
    refit: bool = False,
    wait: bool = False,
) -> StageAccount:
    """Harmonise the studies of a project (at one site, or all) whose result is not in place.

    Where the recipe has a fitted step and no model is frozen yet, one is fitted first when all
    sites are asked for. One site of several never fits: its studies are made without a model, as
    the recipe says, or with ``wait`` not yet. ``refit`` fits anew: every result, and with it every
    approval, lapses where the model has changed.
    """
    recipe = ws.recipe(project)
    with timed(StageAccount("harmonise", project.name, site or "")) as account:
        model = None if refit else current_model(ws, project, recipe)
        if model is None and needs_fit(recipe):
            if site is None or project.sites == (site,):
                model = fit_project(ws, project, recipe)
            elif wait:
                return account
        jobs, keys = [], {}
        rows = _rows(ws, project, site)
        ws.progress.begin("harmonise", len(rows))
        for row_id, done_key, has_output in rows:
            key, job = job_of(ws, project, recipe, row_id, model)
            if done_key == key and (Path(job.target).is_dir() or not has_output):
                account.skipped += 1
                ws.progress.advance("harmonise")
            else:
                jobs.append(job)
                keys[row_id] = key
        for job, result in ws.engine.run(harmonise_study, jobs):
            if isinstance(result, EnvironmentFault):
                raise result
            _keep(ws, job, keys[job.row_id], result, account)
            ws.progress.advance("harmonise")
    ws.keep_account(account)
    return account


def _rows(ws: Workspace, project: Project, site: str | None) -> list[tuple[str, str | None, bool]]:
    """Return the rows that have objects, the key of their result, and whether it has files."""
    output = exists().where(SeriesResult.row_id == StudyRow.row_id)
    query = (
        select(StudyRow.row_id, StudyRow.result_key, output.label("has_output"))
        .where(StudyRow.project == project.name, StudyRow.study_uid.is_not(None))
        .order_by(StudyRow.row_id)
    )
    if site is not None:
        query = query.where(StudyRow.site == site)
    with ws.catalogue.session() as session:
        return [(r.row_id, r.result_key, bool(r.has_output)) for r in session.execute(query)]


def job_of(
    ws: Workspace, project: Project, recipe: Recipe, row_id: str, model: Path | None = None
) -> tuple[str, HarmoniseJob]:
    """Return the key of a study's result and the job that makes it, with the model it uses."""
    with ws.catalogue.session() as session:
        objects = session.scalars(
            select(ResearchObject)
            .where(ResearchObject.row_id == row_id)
            .order_by(ResearchObject.sha256)
        ).all()
        digests = [o.sha256 for o in objects]
        series = tuple(sorted({o.series_uid for o in objects}))
    parts = [fingerprint(recipe), code_version(), *digests]
    if model is not None:
        parts.append(f"model={read_model(model).hash}")
    text = ":".join(parts)
    key = hashlib.sha256(text.encode()).hexdigest()
    return key, HarmoniseJob(
        row_id=row_id,
        objects=tuple(str(ws.research.object_path(d)) for d in digests),
        series_uids=series,
        passports=str(ws.research.passports),
        recipe=recipe,
        target=str(ws.research.volumes(project.name) / key[:32]),
        model=str(model) if model else None,
    )


def _keep(
    ws: Workspace,
    job: HarmoniseJob,
    key: str,
    result: Sequence[dict[str, Any]] | AccordageError,
    account: StageAccount,
) -> None:
    """Write a study's manifest rows and name its outcome."""
    account.done += 1
    with ws.catalogue.session() as session:
        row = session.get_one(StudyRow, job.row_id)
        if row.result_key != key:
            _lapse(session, row)
        session.execute(delete(SeriesResult).where(SeriesResult.row_id == job.row_id))
        if isinstance(result, AccordageError):
            row.outcome, row.code, row.detail = "refused", result.code, result.detail
            account.refuse(result.code)
        else:
            _write_series(session, row, Path(job.target), result, account)
        # A study that killed its worker may pass with more memory: it is tried on the next run.
        killed = isinstance(result, AccordageError) and result.code == "WORKER_KILLED"
        row.result_key = None if killed else key


def _lapse(session: Session, row: StudyRow) -> None:
    """Take the pairs of a study's former volumes out of the room: no verdict was on the new."""
    former = select(SeriesResult.volume_id).where(SeriesResult.row_id == row.row_id)
    session.execute(delete(Pack).where(Pack.project == row.project, Pack.volume_id.in_(former)))
    session.execute(delete(ExamView).where(ExamView.exam == row.row_id))


def _write_series(
    session: Session,
    row: StudyRow,
    target: Path,
    manifest: Sequence[dict[str, Any]],
    account: StageAccount,
) -> None:
    ordered = sorted(manifest, key=lambda m: (m["volume_id"] or "~", m["source_series_uids"]))
    for ordinal, facts in enumerate(ordered):
        session.add(
            SeriesResult(
                row_id=row.row_id,
                ordinal=ordinal,
                project=row.project,
                site=row.site,
                volume_id=facts["volume_id"],
                role=facts["role"],
                verdict=facts["verdict"],
                codes=list(facts["codes"]),
                manifest=facts,
                folder=target.name,
            )
        )
        if facts["verdict"] not in DELIVERABLE:
            for code in facts["codes"]:
                account.refuse(code)
    refused = [c for f in ordered if f["verdict"] not in DELIVERABLE for c in f["codes"]]
    if any(f["verdict"] in DELIVERABLE for f in ordered):
        row.outcome, row.code = "harmonised", None
    else:
        row.outcome = "refused"
        causes = [c for c in refused if c not in CONSEQUENCES] or refused
        row.code = causes[0] if causes else "NOTHING_TO_HARMONISE"
