"""A project's page: rows by outcome, refusals, the gate by group; an officer's release."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from fastapi import APIRouter, HTTPException, Request
from starlette.responses import RedirectResponse, Response

from config.project import Project
from config.settings import Settings
from pipelines.access.log import note_act
from pipelines.catalogue.database import Catalogue
from pipelines.cohort.accounts import account_of
from pipelines.cohort.actions import actions
from pipelines.cohort.agreement import agreement
from pipelines.cohort.release import release
from pipelines.cohort.review import project_gate
from pipelines.store import ResearchStore
from pipelines.workspace import open_workspace
from portal.door import person_at
from portal.pages import Pages
from portal.rooms import Rooms

__all__ = ["projects_router"]


def projects_router(
    settings: Settings, catalogue: Catalogue, rooms: Rooms, pages: Pages
) -> APIRouter:
    """Return the pages of projects."""
    router = APIRouter(default_response_class=Response)
    desk = _Desk(settings, catalogue, rooms, pages)
    router.add_api_route("/projects/{project}", desk.show, methods=["GET"])
    router.add_api_route("/projects/{project}/agreement", desk.agreement, methods=["GET"])
    router.add_api_route("/projects/{project}/release", desk.release, methods=["POST"])
    return router


@dataclass(frozen=True)
class _Desk:
    settings: Settings
    catalogue: Catalogue
    rooms: Rooms
    pages: Pages

    def show(self, request: Request, project: str) -> Response:
        known = self._project(project)
        account = account_of(self.catalogue, known.name)
        refusals = Counter(r.code for r in account.rows if not r.volumes)
        for row in account.rows:
            refusals.update(row.refused_series)
        return self.pages.page(
            request,
            "project",
            project=known,
            outcomes=sorted(Counter(r.outcome for r in account.rows).items()),
            refusals=sorted(refusals.items()),
            gate=project_gate(self.catalogue, known),
            limit=known.review.max_reject_rate,
            actions=actions(ResearchStore(self.settings), self.catalogue, known.name),
        )

    def agreement(self, request: Request, project: str) -> Response:
        known = self._project(project)
        found = agreement(self.catalogue, known.name)
        return self.pages.page(request, "agreement", project=known, found=found)

    def release(self, request: Request, project: str) -> Response:
        """Release the next version; refused with the gate's reasons unless it is green."""
        known = self._project(project)
        with open_workspace(self.settings, sweep=False) as ws:
            made = release(ws, known)
        with self.catalogue.session() as session:
            note_act(session, person_at(request).name, "release", f"{known.name} v{made.version}")
        return RedirectResponse(f"/releases/{known.name}/{made.version}", 303)

    def _project(self, name: str) -> Project:
        found = self.rooms.project(name)
        if found is None:
            raise HTTPException(404)
        return found
