"""What the research zone holds of a subject: files, rows, and the versions they went into."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
from sqlalchemy import and_, not_, select
from sqlalchemy.orm import Session

from config.errors import RejectedError
from pipelines.catalogue.database import Catalogue
from pipelines.catalogue.research import (
    ExamView,
    Pack,
    Release,
    ResearchObject,
    SeriesResult,
    StudyRow,
)
from pipelines.store import ResearchStore

__all__ = ["Holding", "holders", "holding_of"]


@dataclass(frozen=True)
class Holding:
    """What a project holds of a subject.

    ``files`` are grouped by kind: objects, passports, volumes, packs, measurements.
    """

    project: str
    subject: str
    rows: tuple[str, ...]
    volume_ids: frozenset[str]
    names: frozenset[str]
    """Everything by which a file could still speak of the subject: pseudonym and UIDs."""
    files: dict[str, tuple[Path, ...]]
    versions: tuple[int, ...]


def holding_of(store: ResearchStore, catalogue: Catalogue, project: str, subject: str) -> Holding:
    """Return what a project holds of a subject.

    Raises
    ------
    RejectedError
        ``VAULT_UNKNOWN_SUBJECT``: no study of the project has it.
    """
    with catalogue.session() as session:
        chosen = select(StudyRow).where(StudyRow.project == project, StudyRow.subject == subject)
        rows = session.scalars(chosen.order_by(StudyRow.row_id)).all()
        if not rows:
            raise RejectedError("VAULT_UNKNOWN_SUBJECT", subject)
        row_ids = [row.row_id for row in rows]
        objects = session.scalars(
            select(ResearchObject).where(ResearchObject.row_id.in_(row_ids))
        ).all()
        others = ResearchObject.row_id.not_in(row_ids)
        shared = set(session.scalars(select(ResearchObject.sha256).where(others)))
        shared_series = set(session.scalars(select(ResearchObject.series_uid).where(others)))
        results = session.scalars(
            select(SeriesResult).where(SeriesResult.row_id.in_(row_ids))
        ).all()
        volume_ids = frozenset(str(r.volume_id) for r in results if r.volume_id)
        mine = and_(Pack.project == project, Pack.volume_id.in_(volume_ids))
        needed = set(session.scalars(select(Pack.sha256).where(not_(mine))))
        hung = select(ExamView.sha256).where(ExamView.exam.not_in(row_ids))
        needed |= set(session.scalars(hung))
        versions = _versions(store, session, project)
        names = {subject, *(r.study_uid for r in rows if r.study_uid)}
        names |= {o.series_uid for o in objects} | {o.sop_uid for o in objects}
        series = {o.series_uid for o in objects} - shared_series
        digests = {o.sha256 for o in objects} - shared
        folders = {r.folder for r in results}
    volumes = store.volumes(project)
    files = {
        "objects": tuple(store.object_path(one) for one in sorted(digests)),
        "passports": tuple(store.passports / f"{uid}.json" for uid in sorted(series)),
        "volumes": _all_in(volumes / one for one in folders if one),
        # of one that left the sample nobody knows whose it is: only those of other volumes stay
        "packs": _all_in(one for one in store.packs.glob("[!.]*") if one.name not in needed),
        "measurements": _naming(store.models(project) / "measured", subject),
        "draft": _all_in([store.cohorts(project) / "draft"]),
    }
    held = tuple(version for version, folder in versions if _names(folder, subject))
    return Holding(project, subject, tuple(row_ids), volume_ids, frozenset(names), files, held)


def holders(store: ResearchStore, catalogue: Catalogue, project: str, volume_id: str) -> list[int]:
    """Return the versions of a project that hold a volume's files."""
    with catalogue.session() as session:
        versions = _versions(store, session, project)
    held = []
    for version, folder in versions:
        table = pq.read_table(folder / "manifest.parquet", columns=["volume_id", "nifti_path",
                                                                    "dicom_path"])  # fmt: skip
        if any(
            row["volume_id"] == volume_id and (row["nifti_path"] or row["dicom_path"])
            for row in table.to_pylist()
        ):
            held.append(version)
    return held


def _versions(store: ResearchStore, session: Session, project: str) -> list[tuple[int, Path]]:
    """Return the versions of a project that are not closed, and their folders."""
    chosen = select(Release).where(Release.project == project, Release.closed_at.is_(None))
    return sorted((r.version, store.root / r.folder) for r in session.scalars(chosen))


def _all_in(folders: Iterable[Path]) -> tuple[Path, ...]:
    return tuple(sorted(p for one in folders for p in one.rglob("*") if p.is_file()))


def _naming(folder: Path, subject: str) -> tuple[Path, ...]:
    """Return the small JSON files that name a subject."""
    mark = subject.encode()
    return tuple(sorted(p for p in folder.glob("*.json") if mark in p.read_bytes()))


def _names(folder: Path, subject: str) -> bool:
    """Tell whether a version speaks of a subject: as a row asked, or as a volume."""
    return any(
        subject in pq.read_table(folder / name, columns=["subject"])["subject"].to_pylist()
        for name in ("requests.parquet", "manifest.parquet")
    )
