"""Assemble: draw the sample to read and build its review packs."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import delete, select

from config.errors import AccordageError
from config.project import Project
from harmonise.study import before_volume
from pipelines.catalogue.research import Decision, Pack, SeriesResult
from pipelines.cohort.controls import make_spoilt
from pipelines.cohort.draw import draw
from pipelines.cohort.nifti import read_like
from pipelines.cohort.packs import build_pack
from pipelines.cohort.roles import role_of
from pipelines.cohort.strata import strata_of_volumes
from pipelines.prepare.fit import current_model
from pipelines.prepare.harmonise import HarmoniseJob, plan_of
from pipelines.prepare.stage_harmonise import job_of
from pipelines.progress import StageAccount, timed
from pipelines.quiet import hush
from pipelines.workspace import Workspace

__all__ = ["assemble"]


def assemble(ws: Workspace, project: Project) -> StageAccount:
    """Draw the volumes to read and build their packs.

    Packs of volumes that left the sample leave with it, unless somebody has read them.
    """
    with timed(StageAccount("assemble", project.name)) as account:
        sample = _sample(ws, project)
        with ws.catalogue.session() as session:
            packs = session.scalars(select(Pack).where(Pack.project == project.name)).all()
            known = {p.volume_id: p.sha256 for p in packs}
        missing = [r for r, _ in sample if not _in_place(ws, known.get(str(r.volume_id)))]
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
        _forget(ws, _write(ws, project, sample, known))
        shown = sorted({known[str(row.volume_id)] for row, _ in sample})
        _forget(ws, make_spoilt(ws.catalogue, project.name, shown, ws.research.packs))
    ws.keep_account(account)
    return account


def _sample(ws: Workspace, project: Project) -> list[tuple[SeriesResult, str]]:
    """Return the volumes to read, each with its stratum."""
    found = {
        str(r.volume_id): (r, name) for r, name in strata_of_volumes(ws.catalogue, project.name)
    }
    return [found[one] for one in draw({k: v[1] for k, v in found.items()}, project.review)]


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
    ws: Workspace,
    project: Project,
    sample: Sequence[tuple[SeriesResult, str]],
    digests: dict[str, str],
) -> set[str]:
    """Write the sample; return the packs that nobody refers to any more."""
    with ws.catalogue.session() as session:
        former = set(session.scalars(select(Pack.sha256).where(Pack.project == project.name)))
        session.execute(delete(Pack).where(Pack.project == project.name))
        seen: set[str] = set()
        for row, stratum in sample:
            digest = digests[str(row.volume_id)]
            if digest not in seen:
                session.add(
                    Pack(
                        project=project.name,
                        sha256=digest,
                        volume_id=str(row.volume_id),
                        stratum=stratum,
                    )
                )
            seen.add(digest)
        session.flush()
        kept = set(session.scalars(select(Pack.sha256).where(Pack.sha256.in_(former))))
        read = select(Decision.pack_sha256).where(Decision.pack_sha256.in_(former))
        return former - kept - set(session.scalars(read))


def _forget(ws: Workspace, digests: set[str]) -> None:
    for digest in sorted(digests):
        shutil.rmtree(ws.research.packs / digest, ignore_errors=True)
