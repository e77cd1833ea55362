"""Dates and times moved back by whole days: valid in, valid out, intervals kept."""

from __future__ import annotations

import re
from datetime import date, timedelta

from deid.writtendates import one_date

__all__ = [
    "shift_date",
    "shift_datetime",
    "shift_text",
    "valid_day",
    "valid_time",
    "valid_timezone",
]

_DATE = re.compile(r"(\d{4})(\d\d)(\d\d)|(\d{4})\.(\d\d)\.(\d\d)")  # the dots are ACR-NEMA's
_DATETIME = re.compile(
    r"(\d{4})(\d\d)?(\d\d)?"
    r"((?:[01]\d|2[0-3])(?:[0-5]\d(?:(?:[0-5]\d|60)(?:\.\d{1,6})?)?)?)?([+-]\d{4})?"
)
_TIME = re.compile(r"(?:[01]\d|2[0-3])(?::?[0-5]\d(?::?(?:[0-5]\d|60)(?:\.\d{1,6})?)?)?")
_AFTER_DATE = re.compile(r"(?:[ T]?\d\d:?\d\d(?::?\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?|\.0*)?")
_ZONE = re.compile(r"[+-](?:0\d|1[0-4])[0-5]\d")


def shift_date(value: str, days: int) -> str | None:
    """Return a DA (PS3.5 6.2) moved ``days`` back, always YYYYMMDD; None when it is no date."""
    match = _DATE.fullmatch(value)
    if match is None:
        return None
    year, month, day = (int(part) for part in match.groups() if part is not None)
    return _moved(year, month, day, days)


def shift_datetime(value: str, days: int) -> str | None:
    """Return a DT (PS3.5 6.2) moved ``days`` back, to the precision it had; None when invalid.

    Time of day and zone stay as they are. A year or month alone is moved from its first day.
    """
    match = _DATETIME.fullmatch(value)
    if match is None:
        return None
    year, month, day, time, zone = match.groups()
    if (time and not day) or (zone and not valid_timezone(zone)):
        return None
    moved = _moved(int(year), int(month or 1), int(day or 1), days)
    if moved is None:
        return None
    precision = 8 if day else 6 if month else 4
    return moved[:precision] + (time or "") + (zone or "")


def shift_text(value: str, days: int) -> str | None:
    """Return a text that is one date, year first, moved ``days`` back; None when it is not.

    A time of day after it stays. Day-first and month-first forms cannot be told apart, so they are
    no dates here.
    """
    found = one_date(value)
    if found is None:
        return None
    digits, between, rest = found
    moved = shift_date(digits, days)
    if moved is None or not _AFTER_DATE.fullmatch(rest):
        return None
    return between.join((moved[:4], moved[4:6], moved[6:])) + rest


def valid_day(digits: str) -> bool:
    """Tell whether eight digits (YYYYMMDD) are a day of the calendar."""
    return bool(_DATE.fullmatch(digits)) and shift_date(digits, 0) == digits


def valid_time(value: str) -> bool:
    """Tell whether a TM (PS3.5 6.2) is a time and nothing else."""
    return _TIME.fullmatch(value) is not None


def valid_timezone(value: str) -> bool:
    """Tell whether a Timezone Offset From UTC (PS3.3 C.12.1.1.8) is one."""
    return _ZONE.fullmatch(value) is not None


def _moved(year: int, month: int, day: int, days: int) -> str | None:
    try:
        moved = date(year, month, day) - timedelta(days=days)
    except (ValueError, OverflowError):
        return None
    return f"{moved.year:04d}{moved.month:02d}{moved.day:02d}"
