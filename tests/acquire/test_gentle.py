"""Hours, budgets, places, pace and breaker of a PACS, on a simulated clock."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError
from sqlalchemy import select

from config.calendar import Calendar
from config.errors import TransientError
from config.kindness import Budget, Limits
from config.settings import load_settings
from config.site import PacsNode
from pipelines.acquire.clock import SimulatedClock
from pipelines.acquire.gentle import Guard
from pipelines.acquire.gentle.breaker import Breaker
from pipelines.acquire.gentle.hours import closes_at, is_holiday, next_opening, night_start
from pipelines.acquire.gentle.leases import take_lease
from pipelines.acquire.gentle.pace import Pace
from pipelines.catalogue.database import Catalogue, open_identified
from pipelines.catalogue.identified import PacsEvent, PacsLease

PARIS = ZoneInfo("Europe/Paris")
NIGHTS = Calendar(
    week=dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), ("20:00-06:00",))
    | {"sat": ("00:00-24:00",), "sun": ("00:00-24:00",)}
)  # type: ignore[arg-type]


def paris(text: str) -> float:
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=PARIS).timestamp()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Catalogue]:
    opened = open_identified(load_settings(tmp_path, {}))
    yield opened
    opened.close()


def node(**values: object) -> PacsNode:
    return PacsNode.model_validate({"ae_title": "X", "host": "h", "port": 104, **values})


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        ("2026-03-03 21:30", "2026-03-03 21:30"),  # a Tuesday night
        ("2026-03-04 05:59", "2026-03-04 05:59"),  # the same night, after midnight
        ("2026-03-04 06:00", "2026-03-04 20:00"),  # closed at six sharp
        ("2026-03-07 12:00", "2026-03-07 12:00"),  # a Saturday, all day
    ],
)
def test_a_night_belongs_to_the_day_it_begins_on(now: str, opens: str) -> None:
    assert next_opening(NIGHTS, paris(now)) == paris(opens)


def test_whole_days_that_follow_each_other_close_once() -> None:
    assert closes_at(NIGHTS, paris("2026-03-07 10:00")) == paris("2026-03-09 00:00")


def test_bastille_day_counts_as_a_sunday() -> None:
    """14 July 2026 is a Tuesday; the law of 1880 made it a holiday."""
    assert is_holiday(NIGHTS, date(2026, 7, 14))
    assert next_opening(NIGHTS, paris("2026-07-14 10:00")) == paris("2026-07-14 10:00")
    assert next_opening(NIGHTS, paris("2026-07-15 10:00")) == paris("2026-07-15 20:00")


def test_good_friday_is_a_holiday_in_moselle_only() -> None:
    """3 April 2026; local law of Alsace-Moselle."""
    day = date(2026, 4, 3)
    assert not is_holiday(NIGHTS, day)
    assert is_holiday(NIGHTS.model_copy(update={"public_holidays": "FR:57"}), day)


def test_a_holiday_may_have_hours_of_its_own() -> None:
    calendar = Calendar(week={**NIGHTS.week, "holiday": ()})
    assert next_opening(calendar, paris("2026-07-14 10:00")) == paris("2026-07-15 20:00")


def test_a_closed_day_has_no_hours() -> None:
    calendar = NIGHTS.model_copy(update={"closed": ("2026-03-03",)})
    assert next_opening(calendar, paris("2026-03-03 21:00")) == paris("2026-03-04 20:00")


def test_the_night_in_which_clocks_go_back_is_an_hour_longer() -> None:
    """25 October 2026, 03:00 becomes 02:00: from Saturday 20:00 to Sunday 06:00 are 11 hours."""
    calendar = Calendar(week={"sat": ("20:00-06:00",)})  # type: ignore[dict-item]
    opens = paris("2026-10-24 20:00")
    assert closes_at(calendar, opens) == opens + 11 * 3600


def test_a_calendar_that_never_opens_says_so() -> None:
    assert next_opening(Calendar(week={}), paris("2026-03-03 21:30")) is None
    assert closes_at(Calendar(week={}), 0) is None


def test_a_night_lasts_from_noon_to_noon() -> None:
    assert night_start(NIGHTS, paris("2026-03-04 03:00")) == paris("2026-03-03 12:00")
    assert night_start(NIGHTS, paris("2026-03-04 12:00")) == paris("2026-03-04 12:00")


@pytest.mark.parametrize("hours", ["20-06", "25:00-06:00", "20:60-06:00", "20:00-24:30"])
def test_hours_that_are_none_are_refused(hours: str) -> None:
    with pytest.raises(ValidationError):
        Calendar.model_validate({"week": {"mon": [hours]}})


def test_a_country_nobody_knows_is_refused() -> None:
    with pytest.raises(ValidationError, match="country"):
        Calendar.model_validate({"week": {}, "public_holidays": "XX"})


def test_no_more_places_than_the_pacs_has_are_held_and_each_comes_back(ledger: Catalogue) -> None:
    held = [take_lease(ledger, "s", 2, 1000, 60) for _ in range(3)]
    assert [one is not None for one in held] == [True, True, False]
    assert held[0] is not None
    held[0].give_back()
    assert take_lease(ledger, "s", 2, 1001, 60) is not None
    assert take_lease(ledger, "other", 1, 1001, 60) is not None


def test_a_place_of_a_host_that_died_is_free_again_once_it_expires(ledger: Catalogue) -> None:
    with ledger.session() as session:
        session.add(PacsLease(site="s", slot=0, holder="another-host-1-x", until=1060))
    assert take_lease(ledger, "s", 1, 1059, 60) is None
    assert take_lease(ledger, "s", 1, 1060, 60) is not None


def test_a_place_of_a_process_of_this_host_that_is_gone_is_free_at_once(ledger: Catalogue) -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    with ledger.session() as session:
        holder = f"{platform.node()}-{child}-x"
        session.add(PacsLease(site="s", slot=0, holder=holder, until=9e9))
    assert take_lease(ledger, "s", 1, 1000, 60) is not None


def test_a_lease_that_is_renewed_does_not_expire_and_a_lost_one_says_so(ledger: Catalogue) -> None:
    lease = take_lease(ledger, "s", 1, 1000, 60)
    assert lease is not None
    assert lease.renew(1100)
    assert take_lease(ledger, "s", 1, 1090, 60) is None
    assert take_lease(ledger, "s", 1, 1100, 60) is not None
    assert not lease.renew(1200)


def test_at_twice_the_usual_time_the_pacs_rests_as_long_as_it_worked() -> None:
    pace = Pace()
    for _ in range(8):
        pace.note("CT", 0.1)
    assert pace.pause_s("CT", 5.0, 2.0, 600) == 0
    for _ in range(40):
        pace.note("CT", 0.2)
    assert pace.ratio("CT") == pytest.approx(2.0, abs=0.05)
    assert pace.pause_s("CT", 5.0, 1.9, 600) == pytest.approx(5.0, abs=0.3)
    assert pace.pause_s("CT", 5000.0, 1.9, 600) == 600, "no longer than agreed"


def test_a_pacs_that_recovers_is_not_held_back_and_modalities_are_apart() -> None:
    pace = Pace()
    for _ in range(8):
        pace.note("CT", 0.1)
        pace.note("MG", 5.0)
    for _ in range(10):
        pace.note("CT", 0.5)
    assert pace.ratio("CT") > 4
    assert pace.ratio("MG") == pytest.approx(1.0)
    again = Pace(pace.as_text())
    for _ in range(12):
        again.note("CT", 0.1)
    assert again.pause_s("CT", 5.0, 2.0, 600) == 0


def test_three_failures_in_a_row_open_the_breaker_and_one_try_ends_or_renews_the_pause() -> None:
    breaker = Breaker(Limits())
    assert [breaker.failed("PACS_TIMEOUT", t) for t in (1.0, 2.0, 3.0)] == [False, False, True]
    assert breaker.is_open(902.9)
    assert not breaker.is_open(903.0)
    assert breaker.failed("PACS_TIMEOUT", 903.0), "the one try failed"
    assert breaker.is_open(1800.0)
    breaker.worked()
    assert not breaker.is_open(1800.0)
    assert not breaker.failed("PACS_TIMEOUT", 1801.0)


def test_a_night_takes_no_more_than_its_budget_also_after_a_kill(ledger: Catalogue) -> None:
    """0.001 GB are 1,000,000 bytes; a study of 400,000 reserves 440,000, killed or not."""
    clock = SimulatedClock(paris("2026-03-03 21:00"))
    pacs = node(calendar=NIGHTS, budget=Budget(gb_per_night=0.001))
    guard = Guard(ledger, "s", pacs, clock)
    assert guard.stop(400_000) is None
    with guard.turn("p", 400_000) as turn:
        assert not turn.meter(100_000)
    with ledger.session() as session:  # what a kill -9 leaves: only the reservation
        event = session.scalars(select(PacsEvent)).one()
        event.bytes, event.code = 440_000, "OPEN"
    assert guard.left().bytes == 560_000
    assert guard.stop(600_000) is not None
    assert guard.stop(500_000) is None
    clock.wait(16 * 3600)  # Wednesday, 13:00: another night, not yet open
    assert guard.left().bytes == 1_000_000
    stop = guard.stop(100)
    assert stop is not None
    assert (stop.code, stop.until) == ("PACS_CLOSED", paris("2026-03-04 20:00"))


def test_the_meter_says_stop_while_two_more_objects_still_fit(ledger: Catalogue) -> None:
    guard = Guard(ledger, "s", node(budget=Budget(gb_per_night=0.001)), SimulatedClock(1e9))
    with guard.turn("p", 100_000) as turn:
        assert [turn.meter(200_000) for _ in range(4)] == [False, False, False, True]
    assert guard.left().bytes == 200_000


def test_a_budget_of_studies_ends_with_the_last(ledger: Catalogue) -> None:
    guard = Guard(ledger, "s", node(budget=Budget(studies_per_night=2)), SimulatedClock(1e9))
    for _ in range(2):
        assert guard.stop() is None
        with guard.turn("p"):
            pass
    stop = guard.stop()
    assert stop is not None
    assert stop.code == "PACS_BUDGET_SPENT"
    assert guard.left().spent


def test_a_study_that_could_not_even_be_asked_for_is_not_counted(ledger: Catalogue) -> None:
    guard = Guard(ledger, "s", node(budget=Budget(studies_per_night=2)), SimulatedClock(1e9))
    for code, left in (("PACS_REFUSED", 2), ("PACS_TIMEOUT", 1)):
        with pytest.raises(TransientError), guard.turn("p"):
            raise TransientError(code)
        assert guard.left().studies == left


def test_a_rate_is_held_by_pauses(ledger: Catalogue) -> None:
    clock = SimulatedClock(1e9)
    guard = Guard(ledger, "s", node(budget=Budget(mb_per_s=1)), clock)
    with guard.turn("p") as turn:
        turn.meter(5_000_000)
        clock.wait(2)
    guard.worked("CT", 2.0, turn)
    assert clock.now() == 1e9 + 5


def test_a_place_that_is_never_free_is_waited_for_and_then_named(ledger: Catalogue) -> None:
    clock = SimulatedClock(1e9)
    with ledger.session() as session:
        session.add(PacsLease(site="s", slot=0, holder="another-host-1-x", until=9e9))
    guard = Guard(ledger, "s", node(), clock)
    with pytest.raises(TransientError, match="PACS_BUSY"), guard.turn("p"):
        pass
    assert clock.now() >= 1e9 + 900


def test_a_breaker_that_is_open_stops_queries_too_and_is_logged(ledger: Catalogue) -> None:
    clock = SimulatedClock(1e9)
    guard = Guard(ledger, "s", node(), clock)
    assert [guard.failed("PACS_TIMEOUT") for _ in range(3)] == [False, False, True]
    stop = guard.stop(images=False)
    assert stop is not None
    assert (stop.code, stop.until) == ("PACS_BREAKER_OPEN", 1e9 + 900)
    with ledger.session() as session:
        (event,) = session.scalars(select(PacsEvent).where(PacsEvent.kind == "breaker"))
        assert event.code == "PACS_TIMEOUT"


def test_without_a_calendar_every_hour_is_open() -> None:
    assert next_opening(None, 5.0) == 5.0
    assert closes_at(None, 5.0) is None
    noon = datetime(2026, 3, 3, 12, tzinfo=UTC).timestamp()
    assert night_start(None, noon + 3600) == noon
