from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from config.errors import ConfigurationError
from config.settings import load_settings
from pipelines.catalogue.database import Catalogue, open_research
from pipelines.catalogue.research import RequestEntry
from pipelines.requests.book import Author, take_step
from pipelines.requests.expiry import due, has_access

TODAY = date(2026, 6, 1)


def entry(state: str, ends: str, name: str = "r") -> RequestEntry:
    return RequestEntry(name=name, requester="t", content={"retention_until": ends}, state=state)


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    opened = open_research(load_settings(tmp_path, {}))
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("state", "ends", "access"),
    [
        ("released", "2026-06-01", True),
        ("released", "2026-05-31", False),
        ("approved", "2030-01-01", False),
        ("expired", "2030-01-01", False),
    ],
)
def test_access_ends_after_the_last_day_whoever_took_a_step(
    state: str, ends: str, access: bool
) -> None:
    assert has_access(entry(state, ends), TODAY) is access


def test_what_is_due_says_the_reminder_that_stands(catalogue: Catalogue) -> None:
    days = {
        "far": "2026-07-02",
        "thirty": "2026-07-01",
        "ten": "2026-06-11",
        "seven": "2026-06-08",
        "tomorrow": "2026-06-02",
        "past": "2026-05-31",
    }
    with catalogue.session() as session:
        session.add_all([entry("released", day, name) for name, day in days.items()])
        session.add(entry("expired", "2026-06-02", "over"))
    assert [(one.name, one.days_left, one.reminder) for one in due(catalogue, TODAY)] == [
        ("past", -1, None),
        ("tomorrow", 1, 1),
        ("seven", 7, 7),
        ("ten", 10, 30),
        ("thirty", 30, 30),
    ]


def test_the_requester_alone_declares_every_copy_deleted(catalogue: Catalogue) -> None:
    with catalogue.session() as session:
        session.add(entry("released", "2026-05-31"))
    with pytest.raises(ConfigurationError, match="REQUEST_STEP_NOT_NOW"):
        take_step(catalogue, "r", "declare", Author("t", "requester"))
    assert take_step(catalogue, "r", "expire", Author("o", "officer")) == "expired"
    with pytest.raises(ConfigurationError, match="REQUEST_STEP_NOT_YOURS"):
        take_step(catalogue, "r", "declare", Author("x", "requester"))
    assert take_step(catalogue, "r", "declare", Author("t", "requester"), "shredded") == "deleted"
