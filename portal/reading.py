"""The reading room's routes: the list, a pair, its frames, drafts, the verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, cast

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from config.project import Project
from pipelines.access.log import note_act
from pipelines.catalogue.database import Catalogue
from pipelines.catalogue.research import Draft
from pipelines.cohort.controls import ControlKind, record_control
from pipelines.cohort.frames import Plane, frame_count, pack_codes
from pipelines.cohort.packs import verify_pack
from pipelines.cohort.review import REASONS, record_decision
from portal.blinding import PANES, Blinding, Pane, Shown
from portal.door import person_at
from portal.exams import Hung
from portal.language import asked_language
from portal.pages import Pages
from portal.pairs import Pair
from portal.rooms import Rooms
from portal.verdict import CRITERIA, RATINGS, Answer
from portal.view import fixed_window, planes_of, viewer_data

__all__ = ["reading_router"]

COARSEST = 32
"""Largest step between the pixels of a frame that hangs small."""

KEPT_S = 600
"""How long a browser may keep a frame, so that the next pair is there when it is opened."""


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
    router.add_api_route(f"{pair}/draft", room.draft, methods=["POST"])
    router.add_api_route(f"{pair}/{{pane}}/{{plane}}/{{index}}", room.frame, methods=["GET"])
    return router


async def _answer(request: Request) -> Answer:
    form = await request.form()

    def text(name: str) -> str:
        return str(form.get(name) or "")[:64]

    seconds = text("seconds")
    return Answer(
        text("verdict"),
        tuple(sorted({str(one)[:64] for one in form.getlist("reasons")})),
        text("preferred"),
        text("confidence"),
        text("only_on"),
        text("mark"),
        text("guessed"),
        text("like"),
        float(seconds) if seconds.replace(".", "", 1).isdecimal() else 0.0,
        {name: text(name) for name in RATINGS if text(name)},
    )


Given = Annotated[Answer, Depends(_answer)]


@dataclass(frozen=True)
class _ReadingRoom:
    rooms: Rooms
    catalogue: Catalogue
    blinding: Blinding
    pages: Pages

    def home(self, request: Request) -> Response:
        return self.pages.page(request, "home", cards=self.rooms.cards(person_at(request)))

    def listing(self, request: Request, project: str, saved: int = 0) -> Response:
        known = self._project(project)
        mine = [p for p in self.rooms.pairs(known, person_at(request)) if p.open or p.done]
        return self.pages.page(request, "listing", project=known, pairs=mine, saved=bool(saved))

    def pair(self, request: Request, project: str, token: str, saved: int = 0) -> Response:
        known, pair = self._pair(request, project, token)
        if not pair.open:
            raise HTTPException(404)
        return self._pair_page(request, known, pair, self._drafted(token), saved=bool(saved))

    async def frame(
        self,
        request: Request,
        project: str,
        token: str,
        pane: Pane,
        plane: Plane,
        index: int,
        every: Annotated[int, Query(ge=1, le=COARSEST)] = 1,
    ) -> Response:
        # On the loop: threads that wait for each other's turn would cost three times the work.
        person = person_at(request)
        shown = self.rooms.seen(project, person, token) or await run_in_threadpool(
            self.rooms.shown, project, person, token
        )
        if shown is None:
            raise HTTPException(404)
        pack = self.rooms.pack(shown.sha256)
        if not 0 <= index < frame_count(pack.header, plane):
            raise HTTPException(404)
        codes = pack_codes(pack, self.blinding.side(shown, pane), plane, index, every)
        headers = {"cache-control": f"private, max-age={KEPT_S}, immutable"}
        return Response(codes, media_type="application/octet-stream", headers=headers)

    def draft(self, request: Request, project: str, token: str, given: Given) -> Response:
        self._pair(request, project, token)
        with self.catalogue.session() as session:
            session.merge(Draft(item=token, project=project, answers=_plain(given)))
        return Response(status_code=204)

    def decide(self, request: Request, project: str, token: str, answer: Given) -> Response:
        known, pair = self._pair(request, project, token)
        if not pair.open:
            raise HTTPException(404)
        is_match = pair.shown.kind == "match"
        wrong = answer.like_problem() if is_match else answer.problem(rated=known.review.ratings)
        if wrong:
            return self._pair_page(request, known, pair, answer, wrong=wrong)
        verify_pack(self.rooms.packs_root, pair.shown.sha256)
        self._keep(request, pair, answer)
        return self._go_on(request, known)

    def _keep(self, request: Request, pair: Pair, answer: Answer) -> None:
        person, shown = person_at(request), pair.shown
        if pair.reference is not None:
            kept = answer.kept_like(self.blinding, shown, pair.reference)
            verdict = str(kept["like"])
        else:
            kept, verdict = answer.kept(self.blinding, shown), answer.verdict
        if shown.kind == "pair":
            record_decision(
                self.catalogue,
                shown.project,
                shown.sha256,
                reader=person.name,
                verdict=cast("Literal['accept', 'reject']", answer.verdict),
                reasons=answer.reasons if answer.verdict == "reject" else (),
                answers=kept,
                settles=pair.settles,
            )
        else:
            record_control(
                self.catalogue,
                shown.project,
                cast("ControlKind", shown.kind),
                shown.sha256,
                reader=person.name,
                verdict=verdict,
                answers=kept,
            )
        with self.catalogue.session() as session:
            # The log of acts says no more of a control than of a pair.
            note_act(session, person.name, "read", f"{shown.project} {pair.token}")
            drafted = session.get(Draft, pair.token)
            if drafted is not None:
                session.delete(drafted)

    def _go_on(self, request: Request, project: Project) -> Response:
        """Lead to the next pair this reader has not read, else to the list."""
        waiting = [p for p in self.rooms.pairs(project, person_at(request)) if p.waits]
        target = f"/review/{project.name}" + (f"/{waiting[0].token}" if waiting else "")
        language = asked_language(request)
        kept = f"&lang={language}" if language else ""
        return RedirectResponse(f"{target}?saved=1{kept}", status_code=303)

    def _pair_page(
        self,
        request: Request,
        project: Project,
        pair: Pair,
        answer: Answer,
        *,
        saved: bool = False,
        wrong: str = "",
    ) -> Response:
        header = self.rooms.pack(pair.shown.sha256).header
        pairs = self.rooms.pairs(project, person_at(request))
        tokens = [p.token for p in pairs if p.open or p.done]
        waiting = [p for p in pairs if p.waits and p.token != pair.token]
        return self.pages.page(
            request,
            "pair" if pair.reference is None else "match",
            status=400 if wrong else 200,
            project=project,
            token=pair.token,
            number=tokens.index(pair.token) + 1,
            pairs=len(tokens),
            role=header.role,
            panes=PANES,
            planes=planes_of(header),
            data=self._wall(pair) | {"next": self._next(project, waiting)},
            all_reasons=REASONS,
            criteria=CRITERIA if project.review.ratings else (),
            saved=saved,
            settles=pair.settles,
            answer=answer,
            wrong=wrong,
        )

    def _wall(self, pair: Pair) -> dict[str, Any]:
        """Return what the viewer must know of a pair and of all that hangs with it."""
        columns, wall = self.rooms.wall(pair)
        hung = wall or [Hung("", pair.shown)]
        views = [self._view(one.place, one.shown) for one in hung]
        read = [one.shown for one in hung].index(pair.shown)
        found: dict[str, Any] = {"views": views, "read": read, "columns": columns}
        if pair.reference is None:
            return found | {"reference": None, "fixed": None}
        fixed = fixed_window(self.rooms.pack(pair.shown.sha256).header)
        return found | {"reference": self._view("", pair.reference), "fixed": fixed}

    def _view(self, place: str, shown: Shown) -> dict[str, Any]:
        header = self.rooms.pack(shown.sha256).header
        sides = self.blinding.side(shown, "left"), self.blinding.side(shown, "right")
        base = f"/review/{shown.project}/{self.blinding.token(shown)}"
        return {"place": place, "base": base, **viewer_data(header, sides)}

    def _next(self, project: Project, waiting: list[Pair]) -> list[str]:
        """Return the addresses of the frames the next pair begins with."""
        if not waiting:
            return []
        base = f"/review/{project.name}/{waiting[0].token}"
        middle = self.rooms.pack(waiting[0].shown.sha256).header.shape[0] // 2
        return [f"{base}/{pane}/slice/{middle}" for pane in PANES]

    def _drafted(self, token: str) -> Answer:
        with self.catalogue.session() as session:
            found = session.get(Draft, token)
            kept = dict(found.answers) if found else {}
        kept["reasons"] = tuple(kept.get("reasons", ()))
        return Answer(**kept)

    def _project(self, name: str) -> Project:
        project = self.rooms.project(name)
        if project is None:
            raise HTTPException(404)
        return project

    def _pair(self, request: Request, project: str, token: str) -> tuple[Project, Pair]:
        known = self._project(project)
        pair = self.rooms.find(known, person_at(request), token)
        if pair is None:
            raise HTTPException(404)
        return known, pair


def _plain(answer: Answer) -> dict[str, Any]:
    return {**vars(answer), "reasons": list(answer.reasons)}
