"""The portal's application: a small FastAPI app over one research zone."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from config.errors import AccordageError, EnvironmentFault, TransientError
from config.settings import Settings
from pipelines.catalogue.database import open_research
from portal.blinding import Blinding
from portal.guard import Guard
from portal.pages import Pages
from portal.reading import reading_router
from portal.rooms import Rooms

__all__ = ["LOOPBACK_HOSTS", "create_app"]

LOOPBACK_HOSTS = ("127.0.0.1", "localhost")
"""Host names answered to; another name is a page elsewhere that points its name at us."""


def create_app(settings: Settings, *, secret: bytes | None = None) -> FastAPI:
    """Return the portal of one installation.

    Parameters
    ----------
    settings : Settings
    secret : bytes, optional
        Key of tokens and sides; by default made anew, so that nobody can know it.

    Raises
    ------
    EnvironmentFault
        ``CATALOGUE_UNUSABLE`` when the research catalogue cannot be opened.
    """
    catalogue = open_research(settings)
    blinding = Blinding(secret or secrets.token_bytes(32))
    pages = Pages()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        catalogue.close()

    # No generated API pages: they load scripts from another host.
    app = FastAPI(
        title="Accordage", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None
    )
    rooms = Rooms(settings, catalogue, blinding)
    app.include_router(reading_router(rooms, catalogue, blinding, pages))
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"), name="static")
    _add_problems(app, pages)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(LOOPBACK_HOSTS))
    app.add_middleware(Guard)
    return app


def _add_problems(app: FastAPI, pages: Pages) -> None:
    """Turn every error into a page that says what to do, and nothing of the inside."""

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return pages.problem(request, error.status_code)

    async def malformed(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        in_path = any(problem["loc"][0] == "path" for problem in error.errors())
        return pages.problem(request, 404 if in_path else 400)

    async def ours(request: Request, error: Exception) -> Response:
        assert isinstance(error, AccordageError)
        unavailable = isinstance(error, EnvironmentFault | TransientError)
        return pages.problem(request, 503 if unavailable else 409, error.code)

    async def defect(request: Request, _error: Exception) -> Response:
        return pages.problem(request, 500)

    app.add_exception_handler(HTTPException, refused)
    app.add_exception_handler(RequestValidationError, malformed)
    app.add_exception_handler(AccordageError, ours)
    app.add_exception_handler(Exception, defect)
