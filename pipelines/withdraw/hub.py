"""The hub's half of a withdrawal: no byte of the subject stays in the research zone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from datetime import UTC, datetime

from sqlalchemy import delete, select

from config.errors import RejectedError
from config.files import disk_faults, write_whole
from deid.keys import Keys
from pipelines.catalogue.database import Catalogue
from pipelines.catalogue.research import (
    ExamView,
    Pack,
    Release,
    ResearchObject,
    SeriesResult,
    StudyRow,
    Withdrawal,
)
from pipelines.store import ResearchStore
from pipelines.withdraw.holdings import Holding
from pipelines.withdraw.mark import mark_of
from pipelines.withdraw.outcome import WITHDRAWN_ROW
from pipelines.withdraw.remove import compact, files_naming, remove_files

__all__ = ["close_versions", "forget", "prove_absence", "remember"]


def remember(catalogue: Catalogue, keys: Keys, holding: Holding) -> str:
    """Write the subject's mark before anything is removed; return it.

    From now on a bundle of the subject is refused, also when the removal is interrupted.
    """
    mark = mark_of(keys, holding.subject)
    with catalogue.session() as session:
        if session.get(Withdrawal, (holding.project, mark)) is None:
            now = datetime.now(UTC)
            row = Withdrawal(project=holding.project, mark=mark, at=now, receipt={})
            session.add(row)
    return mark


def forget(store: ResearchStore, catalogue: Catalogue, holding: Holding) -> dict[str, int]:
    """Remove a subject's files, then its rows; return how many files of each kind, and the bytes.

    The rows asked stay, without subject and UID, under the outcome ``withdrawn``.
    """
    removed, size = {}, 0
    for kind, files in holding.files.items():
        removed[kind], gone = remove_files(files, store.root)
        size += gone
    with catalogue.session() as session:
        for table in (SeriesResult, ResearchObject):
            session.execute(delete(table).where(table.row_id.in_(holding.rows)))
        session.execute(delete(ExamView).where(ExamView.exam.in_(holding.rows)))
        session.execute(
            delete(Pack).where(
                Pack.project == holding.project, Pack.volume_id.in_(holding.volume_ids)
            )
        )
        for row in session.scalars(select(StudyRow).where(StudyRow.row_id.in_(holding.rows))):
            row.bundle = row.result_key = None
            for name, value in WITHDRAWN_ROW.items():
                setattr(row, name, value)
    return {**removed, "bytes": size}


def close_versions(
    store: ResearchStore, catalogue: Catalogue, project: str, versions: Iterable[int]
) -> None:
    """Remove versions as a whole and leave a note in their place.

    A version without a patient would no longer be what its checksums say, so none is edited.
    """
    for version in versions:
        with catalogue.session() as session:
            row = session.get_one(Release, (project, version))
            folder, digest = store.root / row.folder, row.manifest_sha256
            row.closed_at = datetime.now(UTC)
        note = {
            "project": project,
            "version": version,
            "manifest_sha256": digest,
            "closed": "A patient withdrew. Delete every copy of this version; use the next one.",
            "closed_fr": "Un patient s'est opposé. Supprimez toute copie de cette version ;"
            " utilisez la suivante.",
        }
        with disk_faults():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        write_whole(folder / "CLOSED.json", json.dumps(note, indent=1, ensure_ascii=False).encode())


def prove_absence(store: ResearchStore, catalogue: Catalogue, holding: Holding) -> int:
    """Search every file of the zone for the subject and its UIDs; return how many were searched.

    Raises
    ------
    RejectedError
        ``WITHDRAWAL_INCOMPLETE``: some file still speaks of it. Run the withdrawal again.
    """
    compact(catalogue)
    searched, left = files_naming(store.root, holding.names)
    if left:
        raise RejectedError("WITHDRAWAL_INCOMPLETE", f"{len(left)} of {searched} files")
    return searched
