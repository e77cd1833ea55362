"""The reading room's routes: projects, pairs, pictures, verdicts."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Annotated, Literal, cast
from urllib.parse import quote, unquote

from fastapi import APIRouter, Form, HTTPException, Request
from starlette.responses import RedirectResponse, Response

from config.project import Project
from pipelines.catalogue.database import Catalogue
from pipelines.cohort.frames import Plane, frame_count, linked_window, pack_frame
from pipelines.cohort.packs import verify_pack
from pipelines.cohort.review import REASONS, record_decision
from portal.blinding import PANES, Blinding, Pane
from portal.guard import is_same_origin
from portal.language import asked_language
from portal.pages import Pages
from portal.rooms import Rooms
from portal.verdict import Answer
from portal.view import WINDOWS, View, planes_of, view_of

__all__ = ["reading_router"]

SESSION_COOKIE, READER_COOKIE = "accordage_session", "accordage_reader"


def reading_router(
    rooms: Rooms, catalogue: Catalogue, blinding: Blinding, pages: Pages
) -> APIRouter:
    """Return the routes of the reading room."""
    router = APIRouter(default_response_class=Response)
    room = _ReadingRoom(rooms, catalogue, blinding, pages)
    pair = "/review/{project}/{token}"
    router.add_api_route("/", room.home, methods=["GET"])
    router.add_api_route("/review/{project}", room.listing, methods=["GET"])
    router.add_api_route(pair, room.pair, methods=["GET"])
    router.add_api_route(pair, room.decide, methods=["POST"])
    router.add_api_route(f"{pair}/{{pane}}/{{plane}}/{{index}}", room.frame, methods=["GET"])
    return router


@dataclass(frozen=True)
class _ReadingRoom:
    rooms: Rooms
    catalogue: Catalogue
    blinding: Blinding
    pages: Pages

    def home(self, request: Request) -> Response:
        return self.pages.page(request, "home", cards=self.rooms.cards())

    def listing(self, request: Request, project: str, saved: int = 0) -> Response:
        known = self._project(project)
        return self.pages.page(
            request,
            "listing",
            project=known,
            pairs=self.rooms.pairs(known.name),
            reader=_reader_of(request),
            saved=bool(saved),
        )

    def pair(
        self,
        request: Request,
        project: str,
        token: str,
        plane: str = "slice",
        slice_number: int | None = None,
        window: str = "standard",
        saved: int = 0,
    ) -> Response:
        known, sha256 = self._project(project), self._digest(project, token)
        view = view_of(self.rooms.pack(sha256).header, plane, slice_number, window)
        blank = Answer(reader=_reader_of(request))
        return self._pair_page(request, known, token, sha256, view, blank, saved=bool(saved))

    def frame(
        self, project: str, token: str, pane: Pane, plane: Plane, index: int, window: str
    ) -> Response:
        if window not in WINDOWS:
            raise HTTPException(404)
        sha256 = self._digest(self._project(project).name, token)
        pack = self.rooms.pack(sha256)
        if not 0 <= index < frame_count(pack.header, plane):
            raise HTTPException(404)
        side = self.blinding.side(project, sha256, pane)
        linked = linked_window(pack.header, *WINDOWS[window])
        return Response(pack_frame(pack, side, plane, index, linked), media_type="image/png")

    def decide(
        self,
        request: Request,
        project: str,
        token: str,
        form_token: Annotated[str, Form()] = "",
        reader: Annotated[str, Form()] = "",
        verdict: Annotated[str, Form()] = "",
        reasons: Annotated[tuple[str, ...], Form()] = (),
    ) -> Response:
        known, sha256 = self._project(project), self._digest(project, token)
        session = request.cookies.get(SESSION_COOKIE, "")
        if not is_same_origin(request) or not self.blinding.is_form_token(session, form_token):
            raise HTTPException(403)
        answer = Answer(" ".join(reader.split()), verdict, reasons)
        if answer.problem():
            view = view_of(self.rooms.pack(sha256).header)
            return self._pair_page(request, known, token, sha256, view, answer, wrong=True)
        verify_pack(self.rooms.packs_root, sha256)
        record_decision(
            self.catalogue,
            known.name,
            sha256,
            reader=answer.reader,
            verdict=cast("Literal['accept', 'reject']", verdict),
            reasons=answer.reasons if verdict == "reject" else (),
        )
        return self._go_on(request, known.name, answer.reader)

    def _go_on(self, request: Request, project: str, reader: str) -> Response:
        """Lead to the next pair this reader has not read, else to the list."""
        waiting = [p.token for p in self.rooms.pairs(project) if p.role and reader not in p.readers]
        target = f"/review/{project}" + (f"/{waiting[0]}" if waiting else "")
        language = asked_language(request)
        kept = f"&lang={language}" if language else ""
        response = RedirectResponse(f"{target}?saved=1{kept}", status_code=303)
        # Not marked Secure: the portal speaks plain HTTP and only on the loopback interface.
        response.set_cookie(READER_COOKIE, quote(reader), httponly=True, samesite="strict")
        return response

    def _pair_page(
        self,
        request: Request,
        project: Project,
        token: str,
        sha256: str,
        view: View,
        answer: Answer,
        *,
        saved: bool = False,
        wrong: bool = False,
    ) -> Response:
        header = self.rooms.pack(sha256).header
        tokens = [p.token for p in self.rooms.pairs(project.name)]
        session = request.cookies.get(SESSION_COOKIE) or secrets.token_hex(16)
        response = self.pages.page(
            request,
            "pair",
            status=400 if wrong else 200,
            project=project,
            token=token,
            number=tokens.index(token) + 1,
            pairs=len(tokens),
            role=header.role,
            panes=PANES,
            planes=planes_of(header),
            view=view,
            windows=list(WINDOWS),
            all_reasons=REASONS,
            form_token=self.blinding.form_token(session),
            saved=saved,
            answer=answer,
            wrong=answer.problem() if wrong else "",
        )
        response.set_cookie(SESSION_COOKIE, session, httponly=True, samesite="strict")
        return response

    def _project(self, name: str) -> Project:
        project = self.rooms.project(name)
        if project is None:
            raise HTTPException(404)
        return project

    def _digest(self, project: str, token: str) -> str:
        sha256 = self.rooms.digest(project, token)
        if sha256 is None:
            raise HTTPException(404)
        return sha256


def _reader_of(request: Request) -> str:
    return unquote(request.cookies.get(READER_COOKIE, ""))[:64]
