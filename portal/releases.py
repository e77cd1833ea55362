"""Releases: the list, a version, its report, its files, and what changed since another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from sqlalchemy import select
from starlette.responses import FileResponse, Response, StreamingResponse

from config.settings import Settings
from pipelines.access.log import note_act
from pipelines.catalogue.database import Catalogue
from pipelines.catalogue.research import Release
from pipelines.cohort.archive import archive_of
from pipelines.cohort.diff import diff
from portal.door import person_at
from portal.pages import Pages
from portal.rooms import Rooms
from portal.scope import Scopes

__all__ = ["releases_router"]

REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; "
    "frame-ancestors 'none'; sandbox"
)
"""A report is a page that may also be sent by mail; here it shows itself and does nothing."""


def releases_router(
    settings: Settings, catalogue: Catalogue, rooms: Rooms, scopes: Scopes, pages: Pages
) -> APIRouter:
    """Return the pages of releases."""
    router = APIRouter(default_response_class=Response)
    shelf = _Shelf(settings, catalogue, rooms, scopes, pages)
    version = "/releases/{project}/{version}"
    router.add_api_route("/releases", shelf.listing, methods=["GET"])
    router.add_api_route(version, shelf.show, methods=["GET"])
    router.add_api_route(f"{version}/report", shelf.report, methods=["GET"])
    router.add_api_route(f"{version}/archive", shelf.archive, methods=["GET"])
    router.add_api_route(f"{version}/since/{{former}}", shelf.since, methods=["GET"])
    return router


@dataclass(frozen=True)
class _Version:
    project: str
    version: int
    folder: Path
    released_at: datetime
    gate: dict[str, Any]
    simulated: bool
    closed: bool

    @property
    def largest_share(self) -> float:
        """The bound of the worst group that was read."""
        return max((one["largest_share"] for one in self.gate.get("groups", [])), default=1.0)


@dataclass(frozen=True)
class _Shelf:
    settings: Settings
    catalogue: Catalogue
    rooms: Rooms
    scopes: Scopes
    pages: Pages

    def listing(self, request: Request) -> Response:
        names = tuple(self.rooms.project_names())
        mine = self.scopes.received(person_at(request), names)
        found = [one for one in self._versions() if one.project in mine]
        return self.pages.page(request, "releases", releases=found)

    def show(self, request: Request, project: str, version: int) -> Response:
        one = self._version(project, version)
        others = [
            v.version for v in self._versions() if v.project == project and v.version != version
        ]
        return self.pages.page(request, "release", release=one, others=others)

    def report(self, project: str, version: int) -> Response:
        path = self._open(project, version).folder / "report.html"
        if not path.is_file():
            raise HTTPException(404)
        headers = {"content-security-policy": REPORT_POLICY}
        return FileResponse(path, media_type="text/html; charset=utf-8", headers=headers)

    def archive(self, request: Request, project: str, version: int) -> Response:
        one = self._open(project, version)
        name = f"{project}-v{version}"
        with self.catalogue.session() as session:
            note_act(session, person_at(request).name, "download", f"{project} v{version}")
        headers = {"content-disposition": f'attachment; filename="{name}.tar"'}
        return StreamingResponse(
            archive_of(one.folder, name), media_type="application/x-tar", headers=headers
        )

    def since(self, request: Request, project: str, version: int, former: int) -> Response:
        later, before = self._open(project, version), self._open(project, former)
        found = diff(before.folder, later.folder)
        return self.pages.page(request, "since", later=later, former=before, diff=found)

    def _versions(self) -> list[_Version]:
        with self.catalogue.session() as session:
            rows = session.scalars(select(Release).order_by(Release.project, Release.version))
            return [self._read(row) for row in rows]

    def _version(self, project: str, version: int) -> _Version:
        with self.catalogue.session() as session:
            row = session.get(Release, (project, version))
            if row is None:
                raise HTTPException(404)
            return self._read(row)

    def _read(self, row: Release) -> _Version:
        return _Version(
            row.project,
            row.version,
            self.settings.research_root / row.folder,
            row.released_at,
            row.gate,
            row.simulated,
            row.closed_at is not None,
        )

    def _open(self, project: str, version: int) -> _Version:
        """Return a version that still has its files; one that was closed is gone."""
        one = self._version(project, version)
        if one.closed:
            raise HTTPException(410)
        return one
