"""What programs ask: requests, counts, steps and gates as JSON, by a token of a user's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Body, HTTPException, Request

from config.errors import ConfigurationError
from pipelines.catalogue.database import Catalogue
from pipelines.cohort.review import project_gate
from pipelines.requests.book import show_request
from portal.door import person_at
from portal.requests import Book
from portal.rooms import Rooms

__all__ = ["api_router"]


def api_router(book: Book, catalogue: Catalogue, rooms: Rooms) -> APIRouter:
    """Return the routes of programs."""
    router = APIRouter(prefix="/api")
    api = _Api(book, catalogue, rooms)
    router.add_api_route("/requests", api.listing, methods=["GET"])
    router.add_api_route("/requests", api.file, methods=["POST"])
    router.add_api_route("/requests/{name}", api.show, methods=["GET"])
    router.add_api_route("/requests/{name}/count", api.count, methods=["GET"])
    router.add_api_route("/requests/{name}/step", api.step, methods=["POST"])
    router.add_api_route("/projects/{project}/gate", api.gate, methods=["GET"])
    return router


@dataclass(frozen=True)
class _Api:
    book: Book
    catalogue: Catalogue
    rooms: Rooms

    def listing(self, request: Request) -> list[dict[str, str]]:
        return self.book.listing(person_at(request))

    def file(self, request: Request, content: dict[str, Any] = Body()) -> dict[str, str]:  # noqa: B008
        return {"name": self.book.file(person_at(request), content), "state": "draft"}

    def show(self, name: str) -> dict[str, Any]:
        return self._found(name)

    def count(self, request: Request, name: str) -> dict[str, Any]:
        self._found(name)
        return self.book.count(person_at(request), name)

    def step(self, request: Request, name: str, content: dict[str, str] = Body()) -> dict[str, str]:  # noqa: B008
        self._found(name)
        note = " ".join(content.get("note", "").split())
        state = self.book.step(person_at(request), name, content.get("step", ""), note)
        return {"name": name, "state": state}

    def gate(self, project: str) -> dict[str, Any]:
        known = self.rooms.project(project)
        if known is None:
            raise HTTPException(404)
        return dict(project_gate(self.catalogue, known).as_json())

    def _found(self, name: str) -> dict[str, Any]:
        try:
            return show_request(self.book.catalogue, name)[1]
        except ConfigurationError:
            raise HTTPException(404) from None
