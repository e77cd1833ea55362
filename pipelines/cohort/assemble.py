"""Assemble: draw the sample to read and build its review packs."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import delete, select

from config.errors import AccordageError
from config.project import Project
from harmonise.study import SLIDE, StudyPlan, before_volume, slide_fields
from harmonise.views import view_of
from pipelines.catalogue.research import Decision, ExamView, Pack, SeriesResult
from pipelines.cohort.controls import make_spoilt
from pipelines.cohort.draw import draw
from pipelines.cohort.hanging import Image, companions, protocol_of
from pipelines.cohort.nifti import read_like
from pipelines.cohort.packs import Side, build_colour_pack, build_pack
from pipelines.cohort.roles import role_of
from pipelines.cohort.strata import strata_of_volumes
from pipelines.cohort.veil import region_beside, veiled
from pipelines.prepare.fit import current_model
from pipelines.prepare.harmonise import HarmoniseJob, plan_of
from pipelines.prepare.stage_harmonise import job_of
from pipelines.progress import StageAccount, timed
from pipelines.quiet import hush
from pipelines.workspace import Workspace

__all__ = ["assemble"]


def assemble(ws: Workspace, project: Project) -> StageAccount:
    """Draw the volumes to read and build their packs, and those of what hangs beside them.

    Packs of volumes that left the sample leave with it, unless somebody has read them.
    """
    with timed(StageAccount("assemble", project.name)) as account:
        every = strata_of_volumes(ws.catalogue, project.name)
        sample = _sample(every, project)
        known = _Known.of(ws, project.name)
        missing = {r.row_id for r, _ in sample if not known.holds(ws, r)}
        todo = [row for row, _ in sample if row.row_id in missing]
        account.skipped = len(sample) - len(todo)
        ws.progress.begin("assemble", len(sample))
        for _ in range(account.skipped):
            ws.progress.advance("assemble")
        for job, built in ws.engine.run(_build, _jobs(ws, project, todo, every)):
            if isinstance(built, AccordageError):
                raise built
            known.replace(job.study.row_id, built)
            account.done += len(job.sampled)
            for _ in job.sampled:
                ws.progress.advance("assemble")
        _forget(ws, _write(ws, project, sample, known))
        shown = sorted({known.digest(row) for row, _ in sample})
        _forget(ws, make_spoilt(ws.catalogue, project.name, shown, ws.research.packs))
    ws.keep_account(account)
    return account


def _sample(
    every: Sequence[tuple[SeriesResult, str]], project: Project
) -> list[tuple[SeriesResult, str]]:
    """Return the volumes to read, each with its stratum."""
    found = {str(row.volume_id): (row, name) for row, name in every}
    return [found[one] for one in draw({k: v[1] for k, v in found.items()}, project.review)]


@dataclass(frozen=True)
class _Built:
    """The pack of one volume, and where it hangs in its exam."""

    volume_id: str
    sha256: str
    place: str


@dataclass
class _Known:
    """What has a pack: by exam, then by volume."""

    exams: dict[str, dict[str, _Built]]

    @classmethod
    def of(cls, ws: Workspace, project: str) -> _Known:
        exams: dict[str, dict[str, _Built]] = defaultdict(dict)
        with ws.catalogue.session() as session:
            for row in session.scalars(select(ExamView).where(ExamView.project == project)):
                exams[row.exam][row.volume_id] = _Built(row.volume_id, row.sha256, row.place)
        return cls(exams)

    def holds(self, ws: Workspace, row: SeriesResult) -> bool:
        """Return whether a volume and all that hangs beside it have their packs in place."""
        exam = self.exams.get(row.row_id, {})
        return str(row.volume_id) in exam and all(
            (ws.research.packs / one.sha256 / "pack.json").is_file() for one in exam.values()
        )

    def replace(self, exam: str, built: Sequence[_Built]) -> None:
        self.exams[exam] = {one.volume_id: one for one in built}

    def digest(self, row: SeriesResult) -> str:
        return self.exams[row.row_id][str(row.volume_id)].sha256


@dataclass(frozen=True)
class _Volume:
    """A deliverable volume as a process needs it; ``path`` is of its NIfTI, or a slide's folder."""

    volume_id: str
    role: str
    b_value: float | None
    path: str
    unit: str

    @classmethod
    def of(cls, row: SeriesResult) -> _Volume:
        facts = row.manifest
        return cls(
            str(row.volume_id),
            str(row.role),
            facts["b_value"],
            str(facts["nifti_path"] or facts["dicom_path"]),
            str(facts["unit"]),
        )


@dataclass(frozen=True)
class _PackJob:
    """One study: its deliverable volumes, and which of them were drawn."""

    study: HarmoniseJob
    volumes: tuple[_Volume, ...]
    sampled: frozenset[str]
    packs: str


def _jobs(
    ws: Workspace,
    project: Project,
    rows: Sequence[SeriesResult],
    every: Sequence[tuple[SeriesResult, str]],
) -> list[_PackJob]:
    """Group volumes by study, so that a study is planned once."""
    recipe = ws.recipe(project)
    model = current_model(ws, project, recipe)
    studies: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        studies[row.row_id].add(str(row.volume_id))
    exams: dict[str, list[_Volume]] = defaultdict(list)
    for row, _ in every:
        if row.row_id in studies:
            exams[row.row_id].append(_Volume.of(row))
    return [
        _PackJob(
            job_of(ws, project, recipe, row_id, model)[1],
            tuple(exams[row_id]),
            frozenset(sampled),
            str(ws.research.packs),
        )
        for row_id, sampled in studies.items()
    ]


def _build(job: _PackJob) -> list[_Built]:
    """Build the packs of one study: what was drawn of it, and what hangs beside that."""
    hush()
    plan = plan_of(job.study)
    protocol = protocol_of(job.study.recipe.name)
    images = _images(plan, job.volumes)
    drawn = [image for image in images if image.name in job.sampled]
    shown = drawn + (companions(protocol, drawn, images) if protocol else [])
    volumes = {volume.volume_id: volume for volume in job.volumes}
    pack = partial(_pack, job, plan, {})
    return [
        _Built(i.name, pack(volumes[i.name]), protocol.place_of(i) if protocol else "")
        for i in shown
    ]


def _pack(
    job: _PackJob, plan: StudyPlan, decided: dict[str, dict[str, Any]], volume: _Volume
) -> str:
    """Build the pack of one volume or slide; return its digest."""
    path, root = Path(job.study.target) / volume.path, Path(job.packs)
    facts: dict[str, Any] = {
        "role": role_of(volume.role, volume.b_value),
        "recipe": job.study.recipe.name,
        "model": plan.model_hash,
    }
    if volume.role == SLIDE:
        seen = slide_fields(plan, volume.volume_id, path)
        sides: dict[Side, Any] = {"before": seen.before, "after": seen.after}
        return build_colour_pack(sides, seen.spacing_mm, root, **facts)
    before = before_volume(plan, volume.volume_id, decided)
    after = read_like(path, before, volume.unit)
    region = region_beside(path, before.grid.shape)
    if region is not None:
        before, after = veiled(before, region), veiled(after, region)
    return build_pack(before, after, root, **facts)


def _images(plan: StudyPlan, volumes: Sequence[_Volume]) -> list[Image]:
    stacks = {planned.volume_id: planned.stack for planned in plan.volumes}
    found = []
    for one in volumes:
        stack = stacks[one.volume_id]
        view = view_of(stack.header).name if stack.modality == "MG" else ""
        found.append(Image(one.volume_id, one.role, view, one.b_value))
    return found


def _write(
    ws: Workspace,
    project: Project,
    sample: Sequence[tuple[SeriesResult, str]],
    known: _Known,
) -> set[str]:
    """Write the sample and what hangs beside it; return the packs nobody refers to any more."""
    exams = sorted({row.row_id for row, _ in sample})
    with ws.catalogue.session() as session:
        former = {
            digest
            for table in (Pack, ExamView)
            for digest in session.scalars(select(table.sha256).where(table.project == project.name))
        }
        for table in (Pack, ExamView):
            session.execute(delete(table).where(table.project == project.name))
        for digest, (row, stratum) in {known.digest(r): (r, s) for r, s in sample[::-1]}.items():
            session.add(
                Pack(
                    project=project.name,
                    sha256=digest,
                    volume_id=str(row.volume_id),
                    stratum=stratum,
                )
            )
        drawn = {known.digest(row) for row, _ in sample}
        for exam in exams:
            hung = [b for b in known.exams[exam].values() if b.place or b.sha256 in drawn]
            for one in {built.sha256: built for built in hung}.values():
                session.add(ExamView(project=project.name, exam=exam, **vars(one)))
        session.flush()
        kept = {
            digest
            for table in (Pack, ExamView)
            for digest in session.scalars(select(table.sha256).where(table.sha256.in_(former)))
        }
        read = select(Decision.pack_sha256).where(Decision.pack_sha256.in_(former))
        return former - kept - set(session.scalars(read))


def _forget(ws: Workspace, digests: set[str]) -> None:
    for digest in sorted(digests):
        shutil.rmtree(ws.research.packs / digest, ignore_errors=True)
