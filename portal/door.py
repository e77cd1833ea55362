"""The door: who knocks, whether the table of routes lets them in, and whether a form is theirs."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml
from fastapi import APIRouter, FastAPI, HTTPException, Request
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from pipelines.access.people import Person
from pipelines.access.sessions import Sessions
from portal.blinding import Blinding
from portal.guard import is_same_origin
from portal.scope import QUERIED, Scopes

__all__ = [
    "PROGRAMS",
    "VISIT_COOKIE",
    "Door",
    "Rule",
    "demand_table",
    "form_key",
    "person_at",
    "route_rules",
    "session_cookie",
    "session_of",
    "sign_in_first",
]

PROGRAMS = ("/api/", "/dicomweb/")
"""What programs ask with a token; a browser's session does not count there."""

VISIT_COOKIE = "accordage_visit"
"""Binds the form of signing in to a browser that has no session yet."""

_BEARER = "bearer "


@dataclass(frozen=True)
class Rule:
    """Who may use a route: roles, none for anybody, and what else is asked."""

    roles: tuple[str, ...]
    scope: str | None


class _SignInFirst(Exception):
    """A page was asked for by somebody unknown."""


def _is_form(request: Request) -> bool:
    """Return whether a browser sends something; a program proves itself with each request."""
    return request.method not in {"GET", "HEAD"} and not request.url.path.startswith(PROGRAMS)


async def _sent_token(request: Request) -> str:
    """Return the token that came with a form, in its header or in it."""
    given = request.headers.get("x-form-token") or (await request.form()).get("form_token")
    return given if isinstance(given, str) else ""


class Door:
    """Decides on every request before its route does anything.

    Parameters
    ----------
    sessions : Sessions
    scopes : Scopes
    blinding : Blinding
        Makes the token of each session's forms.
    """

    def __init__(self, sessions: Sessions, scopes: Scopes, blinding: Blinding) -> None:
        self._sessions = sessions
        self._scopes = scopes
        self._blinding = blinding

    async def __call__(self, request: Request) -> None:
        """Let a request in, or raise what refuses it; what may wait for a writer has a thread.

        Raises
        ------
        HTTPException
            403: the role may not, or the form is not of this session; 404: not of your projects,
            which looks as if there were none; 401: a program without a token.
        """
        route = request.scope["route"]
        rule = route_rules()[f"{request.method.replace('HEAD', 'GET')} {route.path}"]
        is_program = route.path.startswith(PROGRAMS)
        person = await (self._program(request) if is_program else self._browser(request))
        request.state.person = person
        if rule.roles and person is None:
            raise HTTPException(401) if is_program else _refuse_unknown(request)
        if person is not None and rule.roles and not person.has(*rule.roles):
            raise HTTPException(403)
        if person is not None and not await self._holds(rule.scope, person, request):
            raise HTTPException(404)
        if _is_form(request) and not self._is_own(request, await _sent_token(request)):
            raise HTTPException(403)

    async def _holds(self, scope: str | None, person: Person, request: Request) -> bool:
        if scope not in QUERIED:  # looks at the person alone
            return self._scopes.hold(scope, person, request.path_params)
        return await run_in_threadpool(self._scopes.hold, scope, person, request.path_params)

    async def _browser(self, request: Request) -> Person | None:
        secret = session_of(request)
        person, is_due = self._sessions.look(secret)
        if is_due:
            await run_in_threadpool(self._sessions.touch, secret, person)
        return person

    async def _program(self, request: Request) -> Person | None:
        """Return whose token it is; a browser's session does not count, so no page can use it."""
        given = request.headers.get("authorization", "")
        if not given.lower().startswith(_BEARER):
            return None
        return await run_in_threadpool(self._sessions.program, given[len(_BEARER) :].strip())

    def _is_own(self, request: Request, given: str) -> bool:
        own = self._blinding.form_token(form_key(request))
        return is_same_origin(request) and hmac.compare_digest(own.encode(), given.encode())


def _refuse_unknown(request: Request) -> Exception:
    return _SignInFirst() if request.method == "GET" else HTTPException(403)


def sign_in_first(app: FastAPI) -> None:
    """Lead who asks for a page without a session to the page where one is got."""

    async def lead(request: Request, _error: Exception) -> Response:
        is_page = "text/html" in request.headers.get("accept", "")
        return RedirectResponse("/sign-in", 303) if is_page else Response(status_code=401)

    app.add_exception_handler(_SignInFirst, lead)


def person_at(request: Request) -> Person:
    """Return who was let in."""
    person: Person = request.state.person
    return person


def session_of(request: Request) -> str:
    """Return the secret of the browser's session, empty without one."""
    return request.cookies.get(session_cookie(request), "")


def form_key(request: Request) -> str:
    """Return what a form's token is made from: the session, or before there is one the visit."""
    visit = getattr(request.state, "visit", "") or request.cookies.get(VISIT_COOKIE, "")
    return session_of(request) or visit


def session_cookie(request: Request) -> str:
    """Return the cookie's name; over TLS a browser takes it from this host alone (RFC 6265bis)."""
    return "__Host-accordage" if request.url.scheme == "https" else "accordage_session"


@cache
def route_rules() -> dict[str, Rule]:
    """Return the table of routes: ``METHOD path`` -> rule."""
    text = files(__package__).joinpath("routes.yaml").read_text(encoding="utf-8")
    rows: dict[str, dict[str, Any]] = yaml.safe_load(text)
    return {
        name: Rule(() if row["roles"] == "anybody" else tuple(row["roles"]), row.get("scope"))
        for name, row in rows.items()
    }


def demand_table(routers: Sequence[APIRouter]) -> None:
    """Refuse to start with a route that the table does not name, or a row without a route.

    Raises
    ------
    ValueError
        With the names; a defect of the program.
    """
    made = {
        f"{method} {route.path}"
        for router in routers
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }
    odd = sorted(made ^ set(route_rules()))
    if odd:
        raise ValueError("routes and their table differ: " + ", ".join(odd))
