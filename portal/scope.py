"""What a person belongs to: the projects they read for, what they asked for, what they receive."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from pipelines.access.people import Person
from pipelines.catalogue.database import Catalogue
from pipelines.catalogue.research import RequestEntry
from pipelines.requests.expiry import has_access

__all__ = ["QUERIED", "Scopes"]

QUERIED = frozenset({"request", "receives"})
"""Scopes for which the catalogue is asked."""


class Scopes:
    """Answers whether an address is of a person's own."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def hold(self, scope: str | None, person: Person, path: Mapping[str, Any]) -> bool:
        """Return whether the person belongs to what the address names."""
        if scope is None:
            return True
        if scope == "reads":
            return person.reads(str(path["project"]))
        if scope == "request":
            return person.has("officer", "engineer") or self._asked(person, str(path["name"]))
        if scope == "receives":
            return str(path["project"]) in self.received(person, (str(path["project"]),))
        raise ValueError(f"no such scope: {scope}")

    def received(self, person: Person, projects: tuple[str, ...]) -> set[str]:
        """Return the projects whose releases a person may have."""
        if person.has("officer", "engineer"):
            return set(projects)
        chosen = select(RequestEntry).where(RequestEntry.requester == person.name)
        with self._catalogue.session() as session:
            today = datetime.now(UTC).date()
            own = [r for r in session.scalars(chosen) if has_access(r, today)]
            return {str(r.content["criteria"]["collection"]) for r in own} & set(projects)

    def _asked(self, person: Person, name: str) -> bool:
        with self._catalogue.session() as session:
            entry = session.get(RequestEntry, name)
            return entry is not None and entry.requester == person.name
