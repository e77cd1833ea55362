"""The book of requests: kept, counted and moved from state to state, every step with its author."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from config.errors import ConfigurationError
from config.request import CohortRequest
from pipelines.catalogue.database import Catalogue
from pipelines.catalogue.research import RequestEntry, RequestEvent
from pipelines.requests.states import next_state, state_name, steps
from pipelines.requests.wording import criteria_in_words

__all__ = ["Author", "file_request", "requests", "show_request", "steps_for", "take_step"]


@dataclass(frozen=True)
class Author:
    """Who takes a step, and as what."""

    name: str
    role: str


def file_request(catalogue: Catalogue, request: CohortRequest, author: Author) -> None:
    """Keep a request as a draft; its requester may file it again while it is one.

    Raises
    ------
    ConfigurationError
        ``REQUEST_STEP_NOT_YOURS``: another's name, or no requester; ``REQUEST_STEP_NOT_NOW``: it is
        no draft any more; ``REQUEST_RETENTION_PAST``.
    """
    if author.role != "requester":
        raise ConfigurationError("REQUEST_STEP_NOT_YOURS", f"new as {author.role}")
    if request.retention_until <= datetime.now(UTC).date():
        raise ConfigurationError("REQUEST_RETENTION_PAST", request.retention_until.isoformat())
    with catalogue.session() as session:
        entry = session.get(RequestEntry, request.name)
        if entry is not None and entry.requester != author.name:
            raise ConfigurationError("REQUEST_STEP_NOT_YOURS", request.name)
        if entry is not None and entry.state != "draft":
            raise ConfigurationError("REQUEST_STEP_NOT_NOW", f"new after {entry.state}")
        entry = entry or RequestEntry(name=request.name, requester=author.name, state="draft")
        entry.content = request.model_dump(mode="json")
        session.add_all([entry, _event(request.name, author, "new", "")])


def take_step(
    catalogue: Catalogue,
    name: str,
    step: str,
    author: Author,
    note: str = "",
    *,
    approvals: int = 1,
) -> str:
    """Move a request on; return its new state, the same while it wants more approvals.

    Parameters
    ----------
    approvals : int
        How many officers approve it; see `pipelines.requests.approval`.

    Raises
    ------
    ConfigurationError
        ``REQUEST_UNKNOWN``, ``REQUEST_APPROVED_BY_YOU``, or what `next_state` raises.
    """
    with catalogue.session() as session:
        entry = session.get(RequestEntry, name)
        if entry is None:
            raise ConfigurationError("REQUEST_UNKNOWN", name)
        own = entry.requester == author.name
        state = next_state(entry.state, step, role=author.role, own=own)
        if step != "approve" or _approves_last(session, name, author.name, approvals):
            entry.state = state
        session.add(_event(name, author, step, note))
        return entry.state


def _approves_last(session: Session, name: str, officer: str, approvals: int) -> bool:
    """Return whether an officer's approval is the last one wanted since the request was counted."""
    chosen = select(RequestEvent).where(RequestEvent.name == name)
    officers: set[str] = set()
    for event in session.scalars(chosen.order_by(RequestEvent.event_id)):
        if event.step == "count":
            officers = set()
        elif event.step == "approve":
            officers.add(event.who)
    if officer in officers:
        raise ConfigurationError("REQUEST_APPROVED_BY_YOU", name)
    return len(officers) + 1 >= approvals


def requests(catalogue: Catalogue, requester: str | None = None) -> list[dict[str, str]]:
    """Return every request, or those of one requester, with its state."""
    chosen = select(RequestEntry).order_by(RequestEntry.name)
    if requester is not None:
        chosen = chosen.where(RequestEntry.requester == requester)
    with catalogue.session() as session:
        return [
            {"name": r.name, "title": r.content["title"], "requester": r.requester,
             "state": r.state}
            for r in session.scalars(chosen)
        ]  # fmt: skip


def show_request(catalogue: Catalogue, name: str) -> tuple[CohortRequest, dict[str, Any]]:
    """Return a request and what a person reads of it: words, state, who has it since when, steps.

    Raises
    ------
    ConfigurationError
        ``REQUEST_UNKNOWN``.
    """
    with catalogue.session() as session:
        entry = session.get(RequestEntry, name)
        if entry is None:
            raise ConfigurationError("REQUEST_UNKNOWN", name)
        request = CohortRequest.model_validate(entry.content)
        chosen = select(RequestEvent).where(RequestEvent.name == name)
        events = session.scalars(chosen.order_by(RequestEvent.event_id)).all()
        english, french = criteria_in_words(request.criteria)
        return request, {
            "name": name,
            "title": request.title,
            "requester": entry.requester,
            "state": entry.state,
            "state_en": state_name(entry.state, "en"),
            "state_fr": state_name(entry.state, "fr"),
            "criteria_en": english,
            "criteria_fr": french,
            "steps": [
                {"at": f"{e.at:%Y-%m-%d %H:%M}", "who": e.who, "as": e.role, "step": e.step,
                 "note": e.note}
                for e in events
            ],
        }  # fmt: skip


def steps_for(
    catalogue: Catalogue, name: str, person: str, roles: Sequence[str]
) -> list[tuple[str, str]]:
    """Return what somebody may do with a request now: the step, and the role it is taken in."""
    with catalogue.session() as session:
        entry = session.get(RequestEntry, name)
        if entry is None:
            raise ConfigurationError("REQUEST_UNKNOWN", name)
        own, state = entry.requester == person, entry.state
    return [
        (step.name, step.role)
        for step in steps().values()
        if state in step.follows and step.role in roles and step.own in {None, own}
    ]


def _event(name: str, author: Author, step: str, note: str) -> RequestEvent:
    return RequestEvent(
        name=name, at=datetime.now(UTC), who=author.name, role=author.role, step=step, note=note
    )
