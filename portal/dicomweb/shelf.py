"""Which objects a project has: de-identified originals, and the series derived from them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pydicom import Dataset, dcmread
from pydicom.errors import InvalidDicomError
from sqlalchemy import select

from config.settings import Settings
from pipelines.catalogue.database import Catalogue
from pipelines.catalogue.research import ResearchObject, SeriesResult, StudyRow
from pipelines.store import ResearchStore

__all__ = ["Instance", "Shelf"]

HEADERS_KEPT = 4096
"""Headers kept in memory; a viewer asks for each several times."""


@dataclass(frozen=True)
class Instance:
    """One object on disk with its header, pixels left there."""

    path: Path
    header: Dataset

    @property
    def series_uid(self) -> str:
        """Its Series Instance UID."""
        return str(self.header.SeriesInstanceUID)

    @property
    def sop_uid(self) -> str:
        """Its SOP Instance UID."""
        return str(self.header.SOPInstanceUID)

    @property
    def transfer_syntax(self) -> str:
        """Its Transfer Syntax UID."""
        return str(self.header.file_meta.TransferSyntaxUID)


class Shelf:
    """The objects of every project, found by the catalogue."""

    def __init__(self, settings: Settings, catalogue: Catalogue) -> None:
        self._store = ResearchStore(settings)
        self._catalogue = catalogue
        self._read = lru_cache(maxsize=HEADERS_KEPT)(_header)

    def studies(self, project: str) -> list[str]:
        """Return the Study Instance UIDs of a project, in order."""
        chosen = select(StudyRow.study_uid).where(
            StudyRow.project == project, StudyRow.study_uid.is_not(None)
        )
        with self._catalogue.session() as session:
            return sorted({str(uid) for uid in session.scalars(chosen)})

    def instances(
        self, project: str, study_uid: str, series_uid: str | None = None
    ) -> list[Instance]:
        """Return a study's instances, originals first; of one series if asked."""
        found = [
            Instance(path, header)
            for path in self._paths(project, study_uid)
            if (header := self._read(path)) is not None
        ]
        return [one for one in found if series_uid is None or one.series_uid == series_uid]

    def _paths(self, project: str, study_uid: str) -> Iterator[Path]:
        rows = select(StudyRow.row_id).where(
            StudyRow.project == project, StudyRow.study_uid == study_uid
        )
        objects = select(ResearchObject).where(ResearchObject.row_id.in_(rows))
        results = select(SeriesResult).where(SeriesResult.row_id.in_(rows))
        with self._catalogue.session() as session:
            digests = sorted({row.sha256 for row in session.scalars(objects)})
            folders = sorted(
                {
                    self._store.volumes(project) / row.folder / str(row.manifest["dicom_path"])
                    for row in session.scalars(results)
                    if row.manifest.get("dicom_path")
                }
            )
        yield from (self._store.object_path(digest) for digest in digests)
        for folder in folders:
            yield from sorted(folder.rglob("*.dcm"))


def _header(path: Path) -> Dataset | None:
    try:
        return dcmread(path, stop_before_pixels=True)
    except (OSError, InvalidDicomError):
        return None
