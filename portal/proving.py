"""Signing in through the identity provider: a browser goes there, and comes back proven."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from config.errors import AccordageError, RejectedError
from config.oidc import Oidc
from pipelines.access.log import note_act
from pipelines.access.proven import admit
from pipelines.access.provider import Attempt, Provider
from pipelines.access.sessions import Sessions
from pipelines.catalogue.database import Catalogue
from portal.blinding import Blinding
from portal.door import session_cookie
from portal.pages import Pages
from portal.signing import keep_cookie, sign_in_page

__all__ = ["ATTEMPT_S", "proving_router"]

ATTEMPT_S = 600
"""How long a browser may take at the provider."""

_PATH = "/sign-in/oidc"


def proving_router(
    oidc: Oidc | None,
    catalogue: Catalogue,
    sessions: Sessions,
    blinding: Blinding,
    pages: Pages,
    now_s: Callable[[], float] = time.time,
) -> APIRouter:
    """Return the routes of signing in elsewhere; without a provider they say there is none."""
    router = APIRouter(default_response_class=Response)
    provider = Provider(oidc) if oidc else None
    desk = _Desk(oidc, provider, catalogue, sessions, blinding, pages, now_s)
    router.add_api_route(_PATH, desk.send, methods=["GET"])
    router.add_api_route(f"{_PATH}/return", desk.take_back, methods=["GET"])
    return router


@dataclass(frozen=True)
class _Desk:
    oidc: Oidc | None
    provider: Provider | None
    catalogue: Catalogue
    sessions: Sessions
    blinding: Blinding
    pages: Pages
    now_s: Callable[[], float]

    def send(self, request: Request) -> Response:
        if self.provider is None:
            return self.pages.problem(request, 404)
        begun = f"{int(self.now_s())}.{secrets.token_urlsafe(32)}"
        try:
            there = self.provider.address(self._attempt(begun))
        except AccordageError as error:
            return sign_in_page(self.pages, request, error.code, 503)
        response = RedirectResponse(there, 303)
        self._keep(request, response, begun)
        return response

    def take_back(self, request: Request) -> Response:
        if self.provider is None or self.oidc is None:
            return self.pages.problem(request, 404)
        begun = request.cookies.get(_cookie(request), "")
        try:
            self._demand_fresh(begun)
            proven = self.provider.identity(dict(request.query_params), self._attempt(begun))
            secret = self.sessions.begin(admit(self.catalogue, self.oidc, proven))
        except AccordageError as error:
            is_ours = isinstance(error, RejectedError)
            response = sign_in_page(self.pages, request, error.code, 403 if is_ours else 503)
            if is_ours:
                with self.catalogue.session() as session:
                    note_act(session, "unknown", "sign-in refused", error.code)
        else:
            # A page, not a redirect: the session's cookie is kept from whatever another site began.
            response = self.pages.page(request, "entered")
            keep_cookie(request, response, session_cookie(request), secret)
        self._keep(request, response, None)
        return response

    def _demand_fresh(self, begun: str) -> None:
        at_s, _, rest = begun.partition(".")
        is_fresh = at_s.isdecimal() and 0 <= self.now_s() - int(at_s) <= ATTEMPT_S
        if not rest or not is_fresh:
            raise RejectedError("OIDC_REFUSED", "not begun here, or too long ago")

    def _attempt(self, begun: str) -> Attempt:
        """Return what was sent with the browser that holds this cookie, and only with it."""
        sealed = self.blinding.sealed
        return Attempt(*(sealed(f"oidc {part}", begun) for part in ("state", "nonce", "verifier")))

    @staticmethod
    def _keep(request: Request, response: Response, begun: str | None) -> None:
        # Lax: the browser comes back from another site, and must bring it (RFC 6265bis 5.6.7.1).
        keep_cookie(
            request,
            response,
            _cookie(request),
            begun,
            path=_PATH,
            samesite="lax",
            max_age_s=ATTEMPT_S,
        )


def _cookie(request: Request) -> str:
    return "__Secure-accordage_oidc" if request.url.scheme == "https" else "accordage_oidc"
