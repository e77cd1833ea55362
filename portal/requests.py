"""Requests for a cohort: the form, the list, one request with its count and what may follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, HTTPException, Request
from pydantic import ValidationError
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from config.errors import ConfigurationError
from config.request import CohortRequest
from config.settings import Settings
from pipelines.access.log import note_act
from pipelines.access.people import Person
from pipelines.catalogue.database import Catalogue
from pipelines.requests.approval import approvals_needed
from pipelines.requests.book import (
    Author,
    file_request,
    requests,
    show_request,
    steps_for,
    take_step,
)
from pipelines.requests.expiry import REMINDERS_DAYS, days_left
from pipelines.requests.feasibility import counted
from pipelines.requests.states import state_name
from portal.door import person_at
from portal.language import language_of
from portal.pages import Pages
from portal.rooms import Rooms

__all__ = ["Book", "requests_router"]

_LISTS = ("roles", "sites", "vendors", "field_strengths_t")


@dataclass(frozen=True)
class Book:
    """The book of requests as pages and programs use it; every count and step is an act."""

    settings: Settings
    catalogue: Catalogue

    def listing(self, person: Person) -> list[dict[str, str]]:
        """Return every request to officers and engineers, to others their own."""
        whose = None if person.has("officer", "engineer") else person.name
        return requests(self.catalogue, whose)

    def file(self, person: Person, content: dict[str, Any]) -> str:
        """Keep a request as a draft; return its name.

        Raises
        ------
        ConfigurationError
            ``CONFIG_INVALID`` with a line a problem, or what `file_request` raises.
        """
        try:
            request = CohortRequest.model_validate(content)
        except ValidationError as error:
            lines = [
                f"{'.'.join(str(part) for part in row['loc'])}: {row['msg']}"
                for row in error.errors()
            ]
            raise ConfigurationError("CONFIG_INVALID", "\n".join(lines)) from None
        file_request(self.catalogue, request, Author(person.name, "requester"))
        return request.name

    def count(self, person: Person, name: str) -> dict[str, Any]:
        """Return the count of a request; that it was asked is kept."""
        request, _ = show_request(self.catalogue, name)
        today = datetime.now(UTC).date()
        answer = counted(self.settings, self.catalogue, request.criteria, today)
        with self.catalogue.session() as session:
            note_act(session, person.name, "count", name)
        return answer

    def step(self, person: Person, name: str, step: str, note: str) -> str:
        """Take a step in the role it needs; return the new state.

        Raises
        ------
        ConfigurationError
            What `take_step` raises; no role of the person's that may take it counts as none.
        """
        may = dict(steps_for(self.catalogue, name, person.name, person.roles))
        role = may.get(step, person.roles[0])
        today = datetime.now(UTC).date()
        wanted = approvals_needed(self.settings, self.catalogue, name, today)
        author = Author(person.name, role)
        state = take_step(self.catalogue, name, step, author, note[:500], approvals=wanted)
        with self.catalogue.session() as session:
            note_act(session, person.name, f"request {step}", name)
        return state


def requests_router(book: Book, rooms: Rooms, pages: Pages) -> APIRouter:
    """Return the pages of requests."""
    router = APIRouter(default_response_class=Response)
    desk = _Desk(book, rooms, pages)
    router.add_api_route("/requests", desk.listing, methods=["GET"])
    router.add_api_route("/requests/new", desk.blank, methods=["GET"])
    router.add_api_route("/requests/new", desk.file, methods=["POST"])
    router.add_api_route("/requests/{name}", desk.show, methods=["GET"])
    router.add_api_route("/requests/{name}/step", desk.step, methods=["POST"])
    return router


async def _form(request: Request) -> FormData:
    return await request.form()


Given = Annotated[FormData, Depends(_form)]


@dataclass(frozen=True)
class _Desk:
    book: Book
    rooms: Rooms
    pages: Pages

    def listing(self, request: Request) -> Response:
        language = language_of(request)
        rows = [
            {**row, "state_name": state_name(row["state"], language)}
            for row in self.book.listing(person_at(request))
        ]
        return self.pages.page(request, "requests", requests=rows)

    def blank(self, request: Request) -> Response:
        return self._form(request, {}, ())

    def file(self, request: Request, given: Given) -> Response:
        content = _content(given)
        try:
            name = self.book.file(person_at(request), content)
        except ConfigurationError as error:
            said = error.detail.splitlines() or [""]
            shown = {key: str(value) for key, value in given.items()}
            return self._form(request, shown, said, error.code)
        return RedirectResponse(f"/requests/{name}", 303)

    def show(self, request: Request, name: str) -> Response:
        person = person_at(request)
        asked, facts = self._found(name)
        return self.pages.page(
            request,
            "request",
            wish=asked,
            facts=facts,
            ending=self._ending(asked, facts["state"]),
            count=self.book.count(person, name) if facts["state"] != "draft" else None,
            steps=steps_for(self.book.catalogue, name, person.name, person.roles),
        )

    def step(
        self,
        request: Request,
        name: str,
        step: Annotated[str, Form()] = "",
        note: Annotated[str, Form()] = "",
    ) -> Response:
        self._found(name)
        self.book.step(person_at(request), name, step, " ".join(note.split()))
        return RedirectResponse(f"/requests/{name}", 303)

    def _found(self, name: str) -> tuple[CohortRequest, dict[str, Any]]:
        try:
            return show_request(self.book.catalogue, name)
        except ConfigurationError:
            raise HTTPException(404) from None

    @staticmethod
    def _ending(asked: CohortRequest, state: str) -> int | None:
        """Return the days until a released request ends, when that is to be said."""
        left = days_left(asked.model_dump(mode="json"), datetime.now(UTC).date())
        return left if state == "released" and left <= max(REMINDERS_DAYS) else None

    def _form(
        self,
        request: Request,
        given: dict[str, str],
        problems: Sequence[str],
        code: str | None = None,
    ) -> Response:
        return self.pages.page(
            request,
            "request-new",
            status=400 if code else 200,
            given=given,
            problems=problems,
            code=code,
            collections=self.rooms.project_names(),
        )


def _content(given: FormData) -> dict[str, Any]:
    """Return a filled form as the data of a request; lists are written with commas."""
    fields = {key: str(value).strip() for key, value in given.items() if key != "form_token"}
    criteria: dict[str, Any] = {"collection": fields.pop("collection", "")}
    criteria |= {key: _split(fields.pop(key, "")) for key in _LISTS}
    people = _split(fields.pop("people", ""))
    formats = [str(one) for one in given.getlist("formats")]
    fields.pop("formats", None)
    return {**fields, "criteria": criteria, "people": people, "formats": formats}


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
