"""Assemble: draw the sample to read and build its review packs."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import delete, select

from config.errors import AccordageError
from config.project import Project
from harmonise.study import before_volume
from pipelines.catalogue.research import Pack, SeriesResult
from pipelines.cohort.nifti import read_like
from pipelines.cohort.packs import build_pack
from pipelines.cohort.roles import role_of
from pipelines.prepare.fit import current_model
from pipelines.prepare.harmonise import HarmoniseJob, plan_of
from pipelines.prepare.stage_harmonise import DELIVERABLE, job_of
from pipelines.progress import StageAccount, timed
from pipelines.quiet import hush
from pipelines.workspace import Workspace

__all__ = ["assemble"]


def assemble(ws: Workspace, project: Project) -> StageAccount:
    """Draw a fixed number of volumes in every stratum (site x role) and build their packs.

    The draw orders volumes by the hash of their identifier, so that it is the same on every run
    and nobody can choose it; packs of volumes that left the sample leave with it.
    """
    with timed(StageAccount("assemble", project.name)) as account:
        sample = _sample(ws, project)
        with ws.catalogue.session() as session:
            packs = session.scalars(select(Pack).where(Pack.project == project.name)).all()
            known = {p.volume_id: p.sha256 for p in packs}
        missing = [r for r in sample if not _in_place(ws, known.get(str(r.volume_id)))]
        account.skipped = len(sample) - len(missing)
        ws.progress.begin("assemble", len(sample))
        for _ in range(account.skipped):
            ws.progress.advance("assemble")
        for _, built in ws.engine.run(_build, _jobs(ws, project, missing)):
            if isinstance(built, AccordageError):
                raise built
            known |= built
            account.done += len(built)
            for _ in built:
                ws.progress.advance("assemble")
        _write(ws, project, sample, known)
    ws.keep_account(account)
    return account


def stratum_of(row: SeriesResult) -> str:
    """Return the stratum of a volume: site and role, each b-value by itself."""
    return f"{row.site} / {role_of(row.role, row.manifest['b_value'])}"


def _sample(ws: Workspace, project: Project) -> list[SeriesResult]:
    strata: dict[str, list[SeriesResult]] = defaultdict(list)
    query = select(SeriesResult).where(SeriesResult.project == project.name)
    with ws.catalogue.session() as session:
        rows = session.scalars(query).all()
        session.expunge_all()
    for row in rows:
        is_shown = row.volume_id is not None and row.manifest["nifti_path"] is not None
        if row.verdict in DELIVERABLE and is_shown:
            strata[stratum_of(row)].append(row)
    drawn = []
    for name in sorted(strata):
        ordered = sorted(strata[name], key=lambda r: _draw(str(r.volume_id)))
        drawn += ordered[: project.review.sample]
    return drawn


def _draw(volume_id: str) -> str:
    return hashlib.sha256(f"sample:{volume_id}".encode()).hexdigest()


def _in_place(ws: Workspace, digest: str | None) -> bool:
    return digest is not None and (ws.research.packs / digest / "pack.json").is_file()


@dataclass(frozen=True)
class _PackJob:
    """The sampled volumes of one study: (volume id, NIfTI path, unit, role)."""

    study: HarmoniseJob
    volumes: tuple[tuple[str, str, str, str], ...]
    packs: str


def _jobs(ws: Workspace, project: Project, rows: Sequence[SeriesResult]) -> list[_PackJob]:
    """Group volumes by study, so that a study is planned once."""
    recipe = ws.recipe(project)
    model = current_model(ws, project, recipe)
    studies: dict[str, list[SeriesResult]] = defaultdict(list)
    for row in rows:
        studies[row.row_id].append(row)
    return [
        _PackJob(
            job_of(ws, project, recipe, row_id, model)[1],
            tuple(
                (
                    str(r.volume_id),
                    str(r.manifest["nifti_path"]),
                    str(r.manifest["unit"]),
                    role_of(r.role, r.manifest["b_value"]),
                )
                for r in group
            ),
            str(ws.research.packs),
        )
        for row_id, group in studies.items()
    ]


def _build(job: _PackJob) -> dict[str, str]:
    """Build the packs of one study; return volume id -> digest."""
    hush()
    plan = plan_of(job.study)
    built: dict[str, str] = {}
    decided: dict[str, dict[str, Any]] = {}
    for volume_id, path, unit, role in job.volumes:
        before = before_volume(plan, volume_id, decided)
        after = read_like(Path(job.study.target) / path, before, unit)
        built[volume_id] = build_pack(
            before,
            after,
            Path(job.packs),
            role=role,
            recipe=job.study.recipe.name,
            model=plan.model_hash,
        )
    return built


def _write(
    ws: Workspace, project: Project, sample: Sequence[SeriesResult], digests: dict[str, str]
) -> None:
    with ws.catalogue.session() as session:
        session.execute(delete(Pack).where(Pack.project == project.name))
        seen: set[str] = set()
        for row in sample:
            digest = digests[str(row.volume_id)]
            if digest not in seen:
                session.add(
                    Pack(
                        project=project.name,
                        sha256=digest,
                        volume_id=str(row.volume_id),
                        stratum=stratum_of(row),
                    )
                )
            seen.add(digest)
