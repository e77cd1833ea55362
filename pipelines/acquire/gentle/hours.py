"""A calendar's hours as instants: open now, open next, and which night it is.

Hours are wall-clock times of the site; a night in which clocks change is an hour longer or shorter.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from config.calendar import WEEKDAYS, Calendar, Opening

__all__ = ["closes_at", "is_holiday", "next_opening", "night_start"]

_HORIZON_DAYS = 60
"""How far ahead an opening is looked for."""


def next_opening(calendar: Calendar | None, now: float) -> float | None:
    """Return when images may next be fetched: ``now`` itself when they may; None when never.

    Parameters
    ----------
    calendar : Calendar, optional
        None is always open.
    now : float
        Seconds since 1970.
    """
    if calendar is None:
        return now
    for start, end in _openings(calendar, now):
        if now < end:
            return max(start, now)
    return None


def closes_at(calendar: Calendar | None, now: float) -> float | None:
    """Return when the hours that are running end; None when there is no end or they do not run."""
    if calendar is None:
        return None
    end_of_run: float | None = None
    for start, end in _openings(calendar, now):
        if end_of_run is None and start <= now < end:
            end_of_run = end
        elif end_of_run is not None and start <= end_of_run:
            end_of_run = max(end_of_run, end)  # the next day's hours follow without a gap
    return end_of_run


def night_start(calendar: Calendar | None, now: float) -> float:
    """Return the start of the night that ``now`` belongs to: the last noon, local time.

    Budgets are counted from it. A site without a calendar counts in UTC.
    """
    zone = ZoneInfo(calendar.timezone) if calendar else UTC
    local = datetime.fromtimestamp(now, zone)
    day = local.date() if local.hour >= 12 else local.date() - timedelta(days=1)
    return datetime.combine(day, time(12), zone).timestamp()


def is_holiday(calendar: Calendar, day: date) -> bool:
    """Tell whether a day is a public holiday where the PACS is."""
    if calendar.public_holidays is None:
        return False
    import holidays

    country, _, part = calendar.public_holidays.partition(":")
    return day in holidays.country_holidays(country, subdiv=part or None, years=day.year)


def _openings(calendar: Calendar, now: float) -> Iterator[tuple[float, float]]:
    """Yield the hours around and after ``now`` as instants, in order."""
    zone = ZoneInfo(calendar.timezone)
    today = datetime.fromtimestamp(now, zone).date()
    for ahead in range(-1, _HORIZON_DAYS):
        day = today + timedelta(days=ahead)
        for one in sorted(_hours_of(calendar, day), key=lambda o: o.start_min):
            yield _instant(day, one.start_min, zone), _instant(day, one.end_min, zone)


def _hours_of(calendar: Calendar, day: date) -> tuple[Opening, ...]:
    if day.isoformat() in calendar.closed:
        return ()
    if is_holiday(calendar, day):
        return calendar.week.get("holiday", calendar.week.get("sun", ()))
    return calendar.week.get(WEEKDAYS[day.weekday()], ())  # type: ignore[call-overload,no-any-return]


def _instant(day: date, minutes: int, zone: ZoneInfo) -> float:
    """Return a wall-clock time as an instant; minutes over 1440 lie on the next day."""
    whole = day + timedelta(days=minutes // 1440)
    wall = time((minutes % 1440) // 60, minutes % 60)
    return datetime.combine(whole, wall, zone).timestamp()
