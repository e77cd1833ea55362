"""The guard around every answer: what a browser may do with it, and what may be sent here."""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["SECURITY_HEADERS", "Guard", "is_same_origin"]

SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        "object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
    ),
    "x-content-type-options": "nosniff",
    # `no-referrer` would make browsers send `Origin: null` with our own forms.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}

LARGEST_BODY_BYTES = 64 * 1024
"""A verdict is a few hundred bytes; nothing is uploaded here."""


class Guard:
    """ASGI middleware: security headers on every answer, a bound on every body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse its body."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("cache-control", "no-store")
            await send(message)

        refusal = _refusal(scope["method"], Headers(scope=scope))
        await (refusal or self._app)(scope, receive, send_guarded)


def is_same_origin(request: Request) -> bool:
    """Return whether a form comes from our own page.

    Every browser sends Origin with a POST (RFC 6454 section 7); a request without it is refused.
    """
    own = f"{request.url.scheme}://{request.headers.get('host', '')}"
    return request.headers.get("origin") == own


def _refusal(method: str, headers: Headers) -> PlainTextResponse | None:
    if method in {"GET", "HEAD"}:
        return None
    length = headers.get("content-length", "")
    if not length.isdigit():
        return PlainTextResponse("Length Required", status_code=411)
    if int(length) > LARGEST_BODY_BYTES:
        return PlainTextResponse("Content Too Large", status_code=413)
    return None
