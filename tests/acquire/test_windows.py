"""A PACS that caps its answers, with or without a word, loses us no study."""

from __future__ import annotations

import random
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.errors import TransientError
from config.site import PacsNode
from pipelines.acquire.archive import Archive, Faults
from pipelines.acquire.archive.synthetic import SyntheticStudy, entries_of
from pipelines.acquire.pacs import find_instances
from pipelines.acquire.pacs.objects import FoundStudy
from pipelines.acquire.pacs.windows import Sweep, Window, sweep

FIRST, LAST = date(2020, 1, 1), date(2020, 12, 31)


def study(number: int, day: date, time: str) -> FoundStudy:
    return FoundStudy(
        f"1.2.{number}", "", "", "", f"{day:%Y%m%d}", "", ("CT",), None, None, study_time=time
    )


class Pacs:
    """Answers windows out of a list of studies, like an archive with a cap."""

    def __init__(self, studies: list[FoundStudy], cap: int | None, *, tells: bool = False) -> None:
        self.studies, self.cap, self.tells, self.asked = studies, cap, tells, 0

    def __call__(self, window: Window) -> list[FoundStudy]:
        self.asked += 1
        found = [s for s in self.studies if window.holds(s)]
        if self.cap is not None and len(found) > self.cap:
            if self.tells:
                raise TransientError("PACS_OUT_OF_RESOURCES", "status 0xA700")
            return found[: self.cap]
        return found


def year(number: int, seed: int = 1) -> list[FoundStudy]:
    rng = random.Random(seed)
    return [
        study(n, FIRST + timedelta(days=rng.randrange(366)), f"{rng.randrange(24):02}{n % 60:02}00")
        for n in range(number)
    ]


def ask(pacs: Pacs, cap: int | None = None) -> Sweep:
    return sweep(Window(FIRST, LAST), pacs, cap)


@pytest.mark.parametrize("cap", [9, 50, 64, 100, 137])
@pytest.mark.parametrize("tells", [False, True])
def test_every_study_is_found_whatever_the_cap(cap: int, tells: bool) -> None:
    studies = year(1000)
    found = ask(Pacs(studies, cap, tells=tells))
    assert set(found.studies) == {s.study_uid for s in studies}
    assert found.short == []
    assert found.cap == (None if tells else cap)


def test_a_pacs_without_a_cap_costs_two_more_queries() -> None:
    pacs = Pacs(year(1000), None)
    found = ask(pacs)
    assert (len(found.studies), pacs.asked, found.cap) == (1000, 3, None)


def test_few_answers_are_believed_at_once() -> None:
    pacs = Pacs(year(7), None)
    assert len(ask(pacs).studies) == 7
    assert pacs.asked == 1


def test_a_declared_cap_needs_no_finding_out() -> None:
    pacs = Pacs(year(90), 100)
    assert len(ask(pacs, cap=100).studies) == 90
    assert pacs.asked == 1


def test_a_day_over_the_cap_is_split_by_its_hours_across_no_midnight() -> None:
    day = date(2020, 5, 4)
    studies = [study(n, day, f"{n // 60:02}{n % 60:02}30") for n in range(900)]
    studies += [study(1000 + n, day + timedelta(days=1), "000000") for n in range(5)]
    found = ask(Pacs(studies, 100))
    assert set(found.studies) == {s.study_uid for s in studies}
    assert found.short == []


def test_one_half_without_studies_proves_nothing_and_is_looked_into() -> None:
    """All studies lie in one week: halving the year gives the same 20 answers again and again."""
    studies = [study(n, date(2020, 9, 1) + timedelta(days=n % 7), "101500") for n in range(60)]
    assert len(ask(Pacs(studies, 20)).studies) == 60


def test_a_half_that_holds_just_the_cap_does_not_vouch_for_the_other() -> None:
    early = [study(n, date(2020, 1, 1) + timedelta(days=8 * n), "101500") for n in range(20)]
    late = [study(100 + n, date(2020, 7, 3) + timedelta(days=5 * n), "101500") for n in range(30)]
    found = ask(Pacs(late + early, 20))
    assert set(found.studies) == {s.study_uid for s in early + late}
    assert found.cap == 20


@given(st.integers(0, 300), st.integers(8, 60), st.integers(0, 10_000), st.booleans())
def test_no_cap_and_no_order_of_answers_loses_a_study(
    number: int, cap: int, seed: int, tells: bool
) -> None:
    studies = year(number, seed)
    found = ask(Pacs(studies, cap, tells=tells))
    named = [s.study_uid for s in studies if any(w.holds(s) for w in found.short)]
    assert {s.study_uid for s in studies} - set(named) <= set(found.studies)


def test_a_second_with_more_studies_than_the_cap_is_named_as_short() -> None:
    studies = year(300) + [study(5000 + n, date(2020, 6, 1), "080000") for n in range(40)]
    found = ask(Pacs(studies, 25))
    second = Window(date(2020, 6, 1), date(2020, 6, 1), 8 * 3600, 8 * 3600)
    assert found.short == [second]


def test_a_capped_day_with_studies_without_a_time_is_named_as_short() -> None:
    studies = [study(n, date(2020, 6, 1), "" if n == 0 else f"{n // 60:02}{n % 60:02}00")
               for n in range(80)]  # fmt: skip
    found = ask(Pacs(studies, 30))
    assert [w.first for w in found.short] == [date(2020, 6, 1)]
    assert len(found.studies) == 80


def test_a_pacs_that_ignores_the_time_is_named_as_short_and_not_asked_for_ever() -> None:
    day = date(2020, 6, 1)
    studies = [study(n, day, f"{n // 60:02}{n % 60:02}00") for n in range(80)]
    asked: list[Window] = []

    def ignoring(window: Window) -> list[FoundStudy]:
        asked.append(window)
        whole_days = Window(window.first, window.last)
        return [s for s in studies if whole_days.holds(s)][:50]

    found = sweep(Window(FIRST, LAST), ignoring, 50)
    assert found.short
    assert len(asked) < 60


def test_a_pacs_that_refuses_every_question_is_an_error_after_a_while() -> None:
    asked: list[Window] = []

    def refusing(window: Window) -> list[FoundStudy]:
        asked.append(window)
        raise TransientError("PACS_OUT_OF_RESOURCES")

    with pytest.raises(TransientError, match="PACS_OUT_OF_RESOURCES"):
        sweep(Window(FIRST, LAST), refusing)
    assert len(asked) < 100


def test_a_series_over_the_cap_is_listed_by_its_instance_numbers() -> None:
    """120 images, 50 answers a query: the first 50 and 70 more, one by one."""
    made = SyntheticStudy("2.25.700", "P", "A", "20200101", instances=120)
    for faults in (Faults(max_answers=50), Faults(max_answers=50, tells_max_answers=True)):
        with Archive([], "CAP", faults=faults, entries=entries_of(made, with_pixels=False)) as pacs:
            node = PacsNode(ae_title="CAP", host="127.0.0.1", port=pacs.port)
            assert {one.sop_uid for one in find_instances(node, made.study_uid)} == {
                made.sop_uid(n) for n in range(1, 121)
            }


@settings(max_examples=60, deadline=None)
@given(
    times=st.lists(st.integers(0, 366 * 86400 - 1), max_size=120, unique=True),
    cap=st.integers(8, 60),
)
def test_no_cap_and_no_spread_of_studies_loses_one(times: list[int], cap: int) -> None:
    """Studies at distinct seconds: every one can be told apart by date and time."""
    studies = [
        study(n, FIRST + timedelta(days=t // 86400),
              f"{t % 86400 // 3600:02}{t // 60 % 60:02}{t % 60:02}")
        for n, t in enumerate(times)
    ]  # fmt: skip
    found = ask(Pacs(studies, cap))
    assert set(found.studies) == {s.study_uid for s in studies}
    assert found.short == []
