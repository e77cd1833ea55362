"""The end of a request: access ends on its day by itself; reminders before, a statement after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select

from pipelines.catalogue.database import Catalogue
from pipelines.catalogue.research import RequestEntry

__all__ = ["REMINDERS_DAYS", "Due", "days_left", "due", "has_access"]

REMINDERS_DAYS = (30, 7, 1)
"""So many days before the end a reminder is due."""


@dataclass(frozen=True)
class Due:
    """A released request whose end is near or past."""

    name: str
    requester: str
    ends: date
    days_left: int
    reminder: int | None
    """The reminder that stands, in days; None once the end is past."""


def days_left(content: Mapping[str, Any], today: date) -> int:
    """Return the days until a request's images must have been deleted; negative when past."""
    return (date.fromisoformat(str(content["retention_until"])) - today).days


def has_access(entry: RequestEntry, today: date) -> bool:
    """Return whether a request still gives access: released, and its last day not past."""
    return entry.state == "released" and days_left(entry.content, today) >= 0


def due(catalogue: Catalogue, today: date) -> list[Due]:
    """Return the released requests that end within the first reminder, or have ended, by date."""
    chosen = select(RequestEntry).where(RequestEntry.state == "released")
    found = []
    with catalogue.session() as session:
        for entry in session.scalars(chosen):
            left = days_left(entry.content, today)
            if left > max(REMINDERS_DAYS):
                continue
            standing = min((r for r in REMINDERS_DAYS if left <= r), default=None)
            ends = date.fromisoformat(str(entry.content["retention_until"]))
            reminder = standing if left >= 0 else None
            found.append(Due(entry.name, entry.requester, ends, left, reminder))
    return sorted(found, key=lambda one: (one.ends, one.name))
