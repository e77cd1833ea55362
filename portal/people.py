"""The officer's list of accounts: invite, send a new link, close."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from config.errors import ConfigurationError
from pipelines.access.people import INVITATION_S, People, Person
from pipelines.requests.states import ROLES
from portal.door import person_at
from portal.pages import Pages
from portal.rooms import Rooms

__all__ = ["people_router"]


def people_router(people: People, rooms: Rooms, pages: Pages) -> APIRouter:
    """Return the routes of the accounts."""
    router = APIRouter(default_response_class=Response)
    office = _Office(people, rooms, pages)
    router.add_api_route("/people", office.listing, methods=["GET"])
    router.add_api_route("/people", office.invite, methods=["POST"])
    router.add_api_route("/people/{name}/link", office.link, methods=["POST"])
    router.add_api_route("/people/{name}/close", office.close, methods=["POST"])
    router.add_api_route("/people/{name}/open", office.open_again, methods=["POST"])
    return router


@dataclass(frozen=True)
class _Office:
    people: People
    rooms: Rooms
    pages: Pages

    def listing(self, request: Request) -> Response:
        return self._page(request)

    def invite(
        self,
        request: Request,
        name: Annotated[str, Form()] = "",
        display: Annotated[str, Form()] = "",
        roles: Annotated[tuple[str, ...], Form()] = (),
        projects: Annotated[tuple[str, ...], Form()] = (),
        senior: Annotated[bool, Form()] = False,  # noqa: FBT002, a box of the form
    ) -> Response:
        known = set(self.rooms.project_names())
        reads = tuple(p for p in projects if p in known)
        person = Person(name.strip(), " ".join(display.split()), roles, reads, senior)
        try:
            secret = self.people.invite(person, person_at(request).name)
        except ConfigurationError as error:
            return self._page(request, code=error.code, detail=error.detail)
        return self._page(request, invited=person.name, link=_link(request, secret))

    def link(self, request: Request, name: str) -> Response:
        secret = self.people.invite_again(name, person_at(request).name)
        return self._page(request, invited=name, link=_link(request, secret))

    def close(self, request: Request, name: str) -> Response:
        self.people.close(name, person_at(request).name)
        return RedirectResponse("/people", 303)

    def open_again(self, request: Request, name: str) -> Response:
        self.people.open_again(name, person_at(request).name)
        return RedirectResponse("/people", 303)

    def _page(
        self,
        request: Request,
        *,
        code: str | None = None,
        detail: str = "",
        invited: str = "",
        link: str = "",
    ) -> Response:
        return self.pages.page(
            request,
            "people",
            status=400 if code else 200,
            people=self.people.all(),
            all_roles=ROLES,
            all_projects=self.rooms.project_names(),
            code=code,
            detail=detail,
            invited=invited,
            link=link,
            hours=INVITATION_S // 3600,
        )


def _link(request: Request, secret: str) -> str:
    return f"{request.url.scheme}://{request.headers['host']}/invitation/{secret}"
