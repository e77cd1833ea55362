"""The portal's application: a small FastAPI app over one research zone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.staticfiles import StaticFiles

from config.codes import codes
from config.errors import AccordageError, EnvironmentFault, TransientError
from config.settings import Settings
from pipelines.access.log import note_act
from pipelines.access.people import People
from pipelines.access.sessions import Sessions
from pipelines.catalogue.database import Catalogue, open_research
from portal.api import api_router
from portal.blinding import Blinding, blinding_key, commitment
from portal.dicomweb.routes import dicomweb_router
from portal.dicomweb.shelf import Shelf
from portal.door import PROGRAMS, Door, demand_table, form_key, sign_in_first
from portal.guard import Guard
from portal.pages import Pages
from portal.people import people_router
from portal.projects import projects_router
from portal.proving import proving_router
from portal.reading import reading_router
from portal.releases import releases_router
from portal.requests import Book, requests_router
from portal.rooms import Rooms
from portal.scope import Scopes
from portal.signing import signing_router

__all__ = ["LOOPBACK_HOSTS", "create_app"]

LOOPBACK_HOSTS = ("127.0.0.1", "localhost")
"""Host names answered to; another name is a page elsewhere that points its name at us."""


def create_app(
    settings: Settings, *, secret: bytes | None = None, hosts: Sequence[str] = ()
) -> FastAPI:
    """Return the portal of one installation.

    Parameters
    ----------
    settings : Settings
    secret : bytes, optional
        Key of tokens and sides; by default the installation's own.
    hosts : sequence of str
        Names by which other machines may call this one.

    Raises
    ------
    EnvironmentFault
        ``CATALOGUE_UNUSABLE`` when the research catalogue cannot be opened.
    """
    catalogue = open_research(settings)
    blinding = Blinding(secret or _key(settings, catalogue))
    people, sessions = People(catalogue), Sessions(catalogue)
    scopes, rooms = Scopes(catalogue), Rooms(settings, catalogue, blinding)
    book = Book(settings, catalogue)
    label = settings.oidc.label if settings.oidc else None
    pages = Pages(lambda request: blinding.form_token(form_key(request)), label)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        catalogue.close()

    # No generated API pages: they load scripts from another host.
    app = FastAPI(
        title="Accordage",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    door = Depends(Door(sessions, scopes, blinding))
    routers = (
        signing_router(catalogue, people, sessions, pages),
        proving_router(settings.oidc, catalogue, sessions, blinding, pages),
        people_router(people, rooms, pages),
        reading_router(rooms, catalogue, blinding, pages),
        requests_router(book, rooms, pages),
        releases_router(settings, catalogue, rooms, scopes, pages),
        projects_router(settings, catalogue, rooms, pages),
        api_router(book, catalogue, rooms),
        dicomweb_router(rooms, catalogue, Shelf(settings, catalogue)),
    )
    demand_table(routers)
    for router in routers:
        app.include_router(router, dependencies=[door])
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"), name="static")
    _add_problems(app, pages)
    sign_in_first(app)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=[*LOOPBACK_HOSTS, *hosts])
    app.add_middleware(Guard)
    return app


def _key(settings: Settings, catalogue: Catalogue) -> bytes:
    """Return the installation's key; the log says its digest before anything was read under it."""
    path = settings.research_root / "portal" / "blinding.key"
    is_new = not path.exists()
    key = blinding_key(path)
    if is_new:
        with catalogue.session() as session:
            note_act(session, "portal", "blinding key", commitment(key))
    return key


def _add_problems(app: FastAPI, pages: Pages) -> None:
    """Turn every error into a page that says what to do, and nothing of the inside."""

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return said(request, error.status_code)

    def said(request: Request, status: int, code: str | None = None) -> Response:
        if not request.url.path.startswith(PROGRAMS):
            return pages.problem(request, status, code)
        words = codes().get(code or "")
        told = {"status": status, "code": code, "en": words.en if words else None}
        return JSONResponse(told, status_code=status)

    async def malformed(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        in_path = any(problem["loc"][0] == "path" for problem in error.errors())
        return said(request, 404 if in_path else 400)

    async def ours(request: Request, error: Exception) -> Response:
        assert isinstance(error, AccordageError)
        unavailable = isinstance(error, EnvironmentFault | TransientError)
        return said(request, 503 if unavailable else 409, error.code)

    async def defect(request: Request, _error: Exception) -> Response:
        return said(request, 500)

    app.add_exception_handler(HTTPException, refused)
    app.add_exception_handler(RequestValidationError, malformed)
    app.add_exception_handler(AccordageError, ours)
    app.add_exception_handler(Exception, defect)
