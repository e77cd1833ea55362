"""Signing in and out, opening an account by its link, tokens of programs, one's own acts."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from config.errors import ConfigurationError, RejectedError
from pipelines.access.log import acts, verify_acts
from pipelines.access.people import People
from pipelines.access.sessions import TOKEN_DAYS, Sessions
from pipelines.catalogue.database import Catalogue
from portal.door import VISIT_COOKIE, person_at, session_cookie, session_of
from portal.pages import Pages

__all__ = ["keep_cookie", "sign_in_page", "signing_router"]


def signing_router(
    catalogue: Catalogue, people: People, sessions: Sessions, pages: Pages
) -> APIRouter:
    """Return the routes of signing in and of one's own account."""
    router = APIRouter(default_response_class=Response)
    desk = _Desk(catalogue, people, sessions, pages)
    router.add_api_route("/sign-in", desk.ask, methods=["GET"])
    router.add_api_route("/sign-in", desk.sign_in, methods=["POST"])
    router.add_api_route("/sign-out", desk.sign_out, methods=["POST"])
    router.add_api_route("/invitation/{secret}", desk.invited, methods=["GET"])
    router.add_api_route("/invitation/{secret}", desk.accept, methods=["POST"])
    router.add_api_route("/account", desk.account, methods=["GET"])
    router.add_api_route("/account/tokens", desk.make_token, methods=["POST"])
    router.add_api_route("/account/tokens/end", desk.end_token, methods=["POST"])
    router.add_api_route("/log", desk.log, methods=["GET"])
    return router


@dataclass(frozen=True)
class _Desk:
    catalogue: Catalogue
    people: People
    sessions: Sessions
    pages: Pages

    def ask(self, request: Request) -> Response:
        return sign_in_page(self.pages, request)

    def sign_in(
        self,
        request: Request,
        name: Annotated[str, Form()] = "",
        password: Annotated[str, Form()] = "",
    ) -> Response:
        address = request.client.host if request.client else ""
        try:
            secret = self.sessions.sign_in(name.strip(), password, address)
        except RejectedError as error:
            status = 429 if error.code == "SIGN_IN_TOO_OFTEN" else 403
            return sign_in_page(self.pages, request, error.code, status)
        return _seated(request, secret)

    def sign_out(self, request: Request) -> Response:
        self.sessions.end(session_of(request))
        response = RedirectResponse("/sign-in", 303)
        keep_cookie(request, response, session_cookie(request), None)
        # Frames are kept for the next pair; they leave the machine's cache with the reader.
        response.headers["clear-site-data"] = '"cache"'
        return response

    def invited(self, request: Request, secret: str) -> Response:
        return self._invited_page(request, secret)

    def accept(
        self, request: Request, secret: str, password: Annotated[str, Form()] = ""
    ) -> Response:
        try:
            name = self.people.accept(secret, password)
        except ConfigurationError as error:
            return self._invited_page(request, secret, error.code)
        return _seated(request, self.sessions.begin(name))

    def account(self, request: Request) -> Response:
        return self._account_page(request)

    def make_token(
        self,
        request: Request,
        label: Annotated[str, Form()] = "",
        days: Annotated[int, Form()] = TOKEN_DAYS,
    ) -> Response:
        made = self.sessions.make_token(person_at(request), label.strip(), days)
        return self._account_page(request, made)

    def end_token(self, request: Request, label: Annotated[str, Form()] = "") -> Response:
        self.sessions.end_token(person_at(request).name, label)
        return RedirectResponse("/account", 303)

    def log(self, request: Request) -> Response:
        person = person_at(request)
        whose = None if person.has("officer") else person.name
        chain = verify_acts(self.catalogue) if whose is None else None
        return self.pages.page(request, "log", acts=acts(self.catalogue, whose), chain=chain)

    def _invited_page(self, request: Request, secret: str, code: str | None = None) -> Response:
        status = 400 if code else 200
        return _visited(self.pages, request, "invitation", status, code=code, secret=secret)

    def _account_page(self, request: Request, made: str | None = None) -> Response:
        tokens = [
            (label, f"{datetime.fromtimestamp(until_s, UTC):%Y-%m-%d}")
            for label, until_s in self.sessions.tokens(person_at(request).name)
        ]
        return self.pages.page(request, "account", tokens=tokens, made=made, days=TOKEN_DAYS)


def sign_in_page(
    pages: Pages, request: Request, code: str | None = None, status: int = 200
) -> Response:
    """Return the page where people sign in, with what was refused before."""
    return _visited(pages, request, "sign-in", status, code=code)


def _visited(pages: Pages, request: Request, page: str, status: int, **values: object) -> Response:
    """Return a page with a form for a browser that has no session yet."""
    visit = request.cookies.get(VISIT_COOKIE) or secrets.token_hex(16)
    request.state.visit = visit
    response = pages.page(request, page, status=status, **values)
    keep_cookie(request, response, VISIT_COOKIE, visit)
    return response


def _seated(request: Request, secret: str) -> Response:
    """Give the browser its new session; whatever it brought is not taken over."""
    response = RedirectResponse("/", 303)
    keep_cookie(request, response, session_cookie(request), secret)
    return response


def keep_cookie(
    request: Request,
    response: Response,
    name: str,
    value: str | None,
    *,
    path: str = "/",
    samesite: Literal["strict", "lax"] = "strict",
    max_age_s: int | None = None,
) -> None:
    """Set a cookie that no script reads and no other site's page sends; None takes it away."""
    response.set_cookie(
        name,
        value or "",
        max_age=max_age_s if value else 0,
        path=path,
        httponly=True,
        samesite=samesite,
        secure=request.url.scheme == "https",
    )
