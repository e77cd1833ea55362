"""A request goes from state to state by the right people only, and nobody approves their own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from config.errors import ConfigurationError
from config.request import CohortRequest
from config.settings import load_settings
from pipelines.catalogue.database import Catalogue, open_research
from pipelines.requests.approval import approvals_needed
from pipelines.requests.book import Author, file_request, requests, show_request, take_step
from pipelines.requests.states import ROLES, next_state, state_name, steps

LATER = (datetime.now(UTC).date() + timedelta(days=365)).isoformat()
MARTIN, OFFICER = Author("martin", "requester"), Author("officer-1", "officer")
ENGINEER = Author("eng", "engineer")


def wanted(**facts: Any) -> CohortRequest:
    return CohortRequest.model_validate({
        "name": "prostate-t2", "title": "Prostate T2 of three hospitals",
        "purpose": "To train and to test a detector of lesions.", "lead": "Dr Martin",
        "legal_basis": "public-interest", "ethics_reference": "CER-2026-17",
        "ethics_until": LATER, "retention_until": LATER, "destination": "project space 4",
        "criteria": {"collection": "prostate-mpmri", "roles": ["t2w_ax", "adc"],
                     "sites": ["a", "b"], "field_strengths_t": [1.5, 3.0]},
    } | facts)  # fmt: skip


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Catalogue]:
    catalogue = open_research(load_settings(tmp_path / "home", {}))
    file_request(catalogue, wanted(), MARTIN)
    yield catalogue
    catalogue.close()


def test_the_whole_way_from_draft_to_expired(book: Catalogue) -> None:
    way = [("submit", MARTIN), ("count", OFFICER), ("approve", OFFICER), ("prepare", ENGINEER),
           ("review", ENGINEER), ("release", OFFICER), ("expire", OFFICER)]  # fmt: skip
    states = [take_step(book, "prostate-t2", step, who) for step, who in way]
    assert states == [
        "submitted", "feasible", "approved", "preparing", "in_review", "released", "expired",
    ]  # fmt: skip
    told = show_request(book, "prostate-t2")[1]
    assert [(s["step"], s["who"]) for s in told["steps"]] == [
        ("new", "martin"), *((step, who.name) for step, who in way),
    ]  # fmt: skip


def test_nobody_approves_their_own_request_whatever_role_they_also_have(book: Catalogue) -> None:
    take_step(book, "prostate-t2", "submit", MARTIN)
    take_step(book, "prostate-t2", "count", OFFICER)
    for step in ("approve", "decline"):
        with pytest.raises(ConfigurationError, match="REQUEST_STEP_NOT_YOURS"):
            take_step(book, "prostate-t2", step, Author("martin", "officer"))
    assert take_step(book, "prostate-t2", "approve", OFFICER) == "approved"


def test_a_large_request_waits_for_a_second_officer_and_a_new_count_asks_both_again(
    book: Catalogue,
) -> None:
    second = Author("officer-2", "officer")
    for step, who in (("submit", MARTIN), ("count", OFFICER)):
        take_step(book, "prostate-t2", step, who)
    assert take_step(book, "prostate-t2", "approve", OFFICER, approvals=2) == "feasible"
    with pytest.raises(ConfigurationError, match="REQUEST_APPROVED_BY_YOU"):
        take_step(book, "prostate-t2", "approve", OFFICER, approvals=2)
    for step, who in (("return", second), ("submit", MARTIN), ("count", OFFICER)):
        take_step(book, "prostate-t2", step, who)
    assert take_step(book, "prostate-t2", "approve", second, approvals=2) == "feasible"
    assert take_step(book, "prostate-t2", "approve", OFFICER, approvals=2) == "approved"


def test_two_officers_are_asked_from_the_count_on_that_everybody_is_told(
    book: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {"at_least": 200}
    monkeypatch.setattr("pipelines.requests.approval.counted", lambda *_: told)
    settings, today = load_settings(tmp_path / "home", {}), date(2026, 1, 1)
    needed = [
        approvals_needed(
            settings.model_copy(update={"two_officers_from": limit}), book, "prostate-t2", today
        )
        for limit in (None, 201, 200, 1)
    ]
    assert needed == [1, 1, 2, 2]


def test_every_step_is_for_one_role_after_the_states_of_the_table() -> None:
    for name, step in steps().items():
        for role in ROLES:
            for state in {s for one in steps().values() for s in (*one.follows, one.to)}:
                for own in (True, False):
                    right = (role == step.role and state in step.follows
                             and step.own in {None, own})  # fmt: skip
                    try:
                        allowed = next_state(state, name, role=role, own=own) == step.to
                    except ConfigurationError:
                        allowed = False
                    assert allowed is right, (name, role, state, own)


def test_every_state_has_a_name_in_both_languages() -> None:
    for one in steps().values():
        for state in (*one.follows, one.to):
            assert state_name(state, "en")
            assert state_name(state, "fr")


def test_a_request_that_was_submitted_is_not_changed_under_the_officers_eyes(
    book: Catalogue,
) -> None:
    file_request(book, wanted(title="A better title"), MARTIN)
    take_step(book, "prostate-t2", "submit", MARTIN)
    with pytest.raises(ConfigurationError, match="REQUEST_STEP_NOT_NOW"):
        file_request(book, wanted(title="Another title"), MARTIN)
    assert requests(book)[0]["title"] == "A better title"


def test_anothers_draft_is_not_overwritten(book: Catalogue) -> None:
    with pytest.raises(ConfigurationError, match="REQUEST_STEP_NOT_YOURS"):
        file_request(book, wanted(), Author("durand", "requester"))
    assert requests(book, "durand") == []
    assert [r["name"] for r in requests(book, "martin")] == ["prostate-t2"]


def test_the_criteria_are_told_in_plain_words(book: Catalogue) -> None:
    told = show_request(book, "prostate-t2")[1]
    assert told["criteria_en"].startswith("Subjects of the collection prostate-mpmri who have ")
    assert told["criteria_en"].endswith(" seen at a or b of 1.5 or 3 T.")
    assert told["criteria_fr"].endswith(" vus à a ou b de 1,5 ou 3 T.")


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"ethics_until": "2020-01-01"}, "retention_until is after ethics_until"),
        ({"purpose": "research"}, "purpose"),
        ({"legal_basis": "because"}, "legal_basis"),
        ({"criteria": {"collection": "x", "patient": "y"}}, "patient"),
    ],
)
def test_a_request_without_its_grounds_is_none(facts: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        wanted(**facts)


def test_a_request_whose_time_is_past_is_not_kept(book: Catalogue) -> None:
    past = {"ethics_until": "2020-01-01", "retention_until": "2020-01-01", "name": "late"}
    with pytest.raises(ConfigurationError, match="REQUEST_RETENTION_PAST"):
        file_request(book, wanted(**past), MARTIN)


def test_a_step_of_no_request_is_refused(book: Catalogue) -> None:
    with pytest.raises(ConfigurationError, match="REQUEST_UNKNOWN"):
        take_step(book, "none", "submit", MARTIN)
    with pytest.raises(ConfigurationError, match="REQUEST_STEP_UNKNOWN"):
        take_step(book, "prostate-t2", "hurry", MARTIN)
