"""Moments of a PET header: DA, TM and DT to fractions of a second, with a date if there is one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

__all__ = ["DAY_S", "Moment", "date_and_time", "date_time"]

DAY_S = 86_400.0

_TIME = re.compile(r"(\d{2}):?(\d{2})(?::?(\d{2})(\.\d{1,6})?)?")
"""TM: HHMM or HHMMSS.FFFFFF (PS3.5 6.2), colons as ACR-NEMA wrote them; an hour alone is no time
that a decay can be computed from."""

_ZONE = re.compile(r"([+-])(\d{2})(\d{2})$")
"""Offset from UTC at the end of a DT, or (0008,0201)."""


@dataclass(frozen=True)
class Moment:
    """A time of day in seconds, and the day's ordinal number where the header has a date."""

    second: float
    day: int | None = None

    @property
    def seconds(self) -> float:
        """Seconds on a line that all moments of the same kind (dated or not) share."""
        return (self.day or 0) * DAY_S + self.second


def date_and_time(day: str, time: str) -> Moment | None:
    """Return the moment of a DA and a TM; None without a time, undated without a date."""
    second = _second(time)
    return None if second is None else Moment(second, _ordinal(day))


def date_time(stamp: str, zone: str = "") -> Moment | None:
    """Return the moment of a DT that names at least the minute; None for a coarser one.

    A DT with an offset from UTC is brought to the object's own, ``zone`` (0008,0201), the clock
    of its DA and TM; without one of the two it is taken as of that clock (PS3.3 C.12.1.1.8).
    """
    text = stamp.strip(" \0")
    day, second = _ordinal(text[:8]), _second(_ZONE.sub("", text)[8:])
    if day is None or second is None:
        return None
    own, other = _offset_s(zone.strip(" \0")), _offset_s(text[8:])
    if own is None or other is None:
        return Moment(second, day)
    days, second = divmod(second + own - other, DAY_S)
    return Moment(second, day + int(days))


def _offset_s(text: str) -> float | None:
    match = _ZONE.search(text)
    if match is None:
        return None
    seconds = int(match[2]) * 3600.0 + int(match[3]) * 60.0
    return -seconds if match[1] == "-" else seconds


def _second(text: str) -> float | None:
    match = _TIME.fullmatch(text.strip(" \0"))
    if match is None:
        return None
    hour, minute, whole = (int(match[part] or 0) for part in (1, 2, 3))
    if hour > 23 or minute > 59 or whole > 60:
        return None
    return hour * 3600.0 + minute * 60.0 + whole + float(match[4] or 0.0)


def _ordinal(text: str) -> int | None:
    digits = text.strip(" \0").replace(".", "")
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:8])).toordinal()
    except ValueError:
        return None
