"""The routes of DICOMweb: QIDO-RS and WADO-RS, read-only, one service a project."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from starlette.responses import Response

from pipelines.access.log import note_act
from pipelines.catalogue.database import Catalogue
from portal.dicomweb.answers import as_json, dicom_json, frames, objects, picked
from portal.dicomweb.shelf import Instance, Shelf
from portal.door import person_at
from portal.rooms import Rooms

__all__ = ["dicomweb_router"]

STUDY = (
    "StudyDate", "StudyTime", "AccessionNumber", "PatientName", "PatientID", "PatientBirthDate",
    "PatientSex", "StudyInstanceUID", "StudyID", "StudyDescription",
)  # fmt: skip
SERIES = (
    "Modality", "SeriesDescription", "SeriesInstanceUID", "SeriesNumber", "StudyInstanceUID",
    "SeriesDate", "SeriesTime",
)  # fmt: skip
INSTANCE = (
    "SOPClassUID", "SOPInstanceUID", "InstanceNumber", "Rows", "Columns", "BitsAllocated",
    "NumberOfFrames", "SeriesInstanceUID", "StudyInstanceUID",
)  # fmt: skip
"""Attributes of a search result (PS3.18 tables 10.6.3-3 to 10.6.3-5)."""

MOST = 500
"""Studies in one answer; `offset` asks for the next."""


def dicomweb_router(rooms: Rooms, catalogue: Catalogue, shelf: Shelf) -> APIRouter:
    """Return the routes, under ``/dicomweb/<project>``."""
    router = APIRouter(prefix="/dicomweb/{project}", default_response_class=Response)
    web = _Web(rooms, catalogue, shelf)
    study, series = "/studies/{study}", "/studies/{study}/series/{series}"
    instance = f"{series}/instances/{{instance}}"
    for path, answer in (
        ("/studies", web.studies),
        (f"{study}/series", web.series),
        (f"{study}/instances", web.instances),
        (f"{series}/instances", web.instances),
        (f"{study}/metadata", web.metadata),
        (f"{series}/metadata", web.metadata),
        (f"{instance}/metadata", web.metadata),
        (study, web.retrieve),
        (series, web.retrieve),
        (instance, web.retrieve),
        (f"{instance}/frames/{{numbers}}", web.frames),
    ):
        router.add_api_route(path, answer, methods=["GET"])
    return router


@dataclass(frozen=True)
class _Web:
    rooms: Rooms
    catalogue: Catalogue
    shelf: Shelf

    def studies(self, request: Request, project: str) -> Response:
        """Search for studies by StudyInstanceUID, PatientID or AccessionNumber."""
        asked = request.query_params
        wanted = asked.get("StudyInstanceUID") or asked.get("0020000D")
        patient = asked.get("PatientID") or asked.get("00100020")
        uids = wanted.replace("\\", ",").split(",") if wanted else self._uids(project)
        rows = []
        for uid in uids:
            found = self.shelf.instances(self._known(project), uid)
            if found and (not patient or found[0].header.get("PatientID") == patient):
                rows.append(_study_row(found))
        first, most = _whole(asked.get("offset"), 0), _whole(asked.get("limit"), MOST)
        return as_json(rows[first : first + min(most, MOST)])

    def series(self, request: Request, project: str, study: str) -> Response:
        """Search for the series of a study."""
        wanted = request.query_params.get("SeriesInstanceUID")
        by_uid: dict[str, list[Instance]] = {}
        for one in self._found(project, study):
            by_uid.setdefault(one.series_uid, []).append(one)
        rows = [
            picked(of[0].header, SERIES, NumberOfSeriesRelatedInstances=len(of))
            for uid, of in by_uid.items()
            if wanted in {None, uid}
        ]
        return as_json(rows)

    def instances(self, project: str, study: str, series: str | None = None) -> Response:
        """Search for the instances of a study or a series."""
        found = self._found(project, study, series)
        return as_json([picked(one.header, INSTANCE) for one in found])

    def metadata(
        self, project: str, study: str, series: str | None = None, instance: str | None = None
    ) -> Response:
        """Return headers as DICOM JSON."""
        found = self._found(project, study, series, instance)
        return as_json([dicom_json(one.header) for one in found])

    def retrieve(
        self,
        request: Request,
        project: str,
        study: str,
        series: str | None = None,
        instance: str | None = None,
    ) -> Response:
        """Return whole objects as they are stored."""
        found = self._found(project, study, series, instance)
        with self.catalogue.session() as session:
            note_act(session, person_at(request).name, "retrieve", f"{project} {study}")
        return objects(found)

    def frames(
        self,
        request: Request,
        project: str,
        study: str,
        series: str,
        instance: str,
        numbers: str,
    ) -> Response:
        """Return frames of one instance, counted from 1."""
        one = self._found(project, study, series, instance)[0]
        most = int(one.header.get("NumberOfFrames") or 1)
        asked = [_whole(number, 0) for number in numbers.split(",")]
        if not all(1 <= number <= most for number in asked):
            raise HTTPException(404)
        return frames(one, asked, request.headers.get("accept", ""))

    def _known(self, project: str) -> str:
        if project not in self.rooms.project_names():
            raise HTTPException(404)
        return project

    def _uids(self, project: str) -> list[str]:
        return self.shelf.studies(self._known(project))

    def _found(
        self, project: str, study: str, series: str | None = None, instance: str | None = None
    ) -> list[Instance]:
        found = self.shelf.instances(self._known(project), study, series)
        chosen = [one for one in found if instance in {None, one.sop_uid}]
        if not chosen:
            raise HTTPException(404)
        return chosen


def _study_row(found: Sequence[Instance]) -> dict[str, Any]:
    return picked(
        found[0].header,
        STUDY,
        ModalitiesInStudy=sorted({str(one.header.get("Modality", "OT")) for one in found}),
        NumberOfStudyRelatedSeries=len({one.series_uid for one in found}),
        NumberOfStudyRelatedInstances=len(found),
    )


def _whole(text: str | None, default: int) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 10 else default
