"""Dates move by whole days: valid in gives valid out, and intervals stay to the second."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deid.dates import shift_date, shift_datetime, valid_time, valid_timezone

DAYS = st.integers(min_value=1, max_value=3650)
DATES = st.dates(min_value=date(1900, 1, 1), max_value=date(2100, 12, 31))
TIMES = st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2100, 1, 1))  # noqa: DTZ001


@given(DATES, DAYS)
def test_a_date_moves_back_by_that_many_days(day: date, days: int) -> None:
    moved = shift_date(day.strftime("%Y%m%d"), days)
    assert moved == (day - timedelta(days=days)).strftime("%Y%m%d")


@given(DATES, DATES, DAYS)
def test_the_interval_between_two_dates_stays(one: date, two: date, days: int) -> None:
    moved = [date.fromisoformat(shift_date(d.strftime("%Y%m%d"), days) or "") for d in (one, two)]
    assert moved[1] - moved[0] == two - one


@given(TIMES, DAYS, st.sampled_from(["", "+0100", "-0530"]))
def test_a_datetime_keeps_its_time_and_zone(when: datetime, days: int, zone: str) -> None:
    text = when.strftime("%Y%m%d%H%M%S.%f") + zone
    expected = (when - timedelta(days=days)).strftime("%Y%m%d%H%M%S.%f") + zone
    assert shift_datetime(text, days) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2018", "2017"),
        ("201801", "201712"),
        ("20180101", "20171231"),
        ("2018010112", "2017123112"),
    ],
)
def test_precision_stays(text: str, expected: str) -> None:
    assert shift_datetime(text, 1) == expected


def test_the_dotted_form_of_acr_nema_is_read_and_the_modern_one_written() -> None:
    assert shift_date("2018.01.01", 1) == "20171231"


@pytest.mark.parametrize(
    "text", ["20180231", "2018013", "DUPONT", "00000101", "20181301", "99999999"]
)
def test_what_is_no_date_is_refused(text: str) -> None:
    assert shift_date(text, 10) is None
    assert shift_datetime(text + "120000", 10) is None


@given(st.text(max_size=12))
def test_any_text_gives_a_valid_date_or_none(text: str) -> None:
    moved = shift_date(text, 100)
    assert moved is None or datetime.strptime(moved, "%Y%m%d")  # noqa: DTZ007


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("101112.123456", True),
        ("10:11:12", True),
        ("10", True),
        ("256060", False),
        ("Dr Martin", False),
        ("", False),
    ],
)
def test_a_time_is_a_time_and_nothing_else(text: str, valid: bool) -> None:
    assert valid_time(text) is valid


def test_a_time_zone_is_a_time_zone() -> None:
    assert valid_timezone("+0100")
    assert not valid_timezone("PARIS")
