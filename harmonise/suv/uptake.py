"""Uptake time: from administration to the moment the pixels are decay-corrected to."""

from __future__ import annotations

from config.errors import UnknownUnits
from harmonise.suv.facts import Dose
from harmonise.suv.moment import DAY_S, Moment

__all__ = ["uptake_s"]

LONGEST_HALF_LIVES = 10.0
"""Nothing is left to see after a thousandth of the dose."""
MIDNIGHT_HALF_LIVES = 6.0
LONGEST_NIGHT_S = DAY_S / 2
"""A start time without a date that is later than the scan was on the day before, if the uptake this
gives is below both; else one of the clocks is wrong."""
SHORT_LIVED_S = DAY_S / 2
"""A nuclide of a longer half-life may be scanned days later: a start without a date does not do."""
SAME_TIME_S = 60.0


def uptake_s(dose: Dose, scan: Moment, half_life_s: float) -> tuple[float, tuple[str, ...]]:
    """Return the seconds from administration to ``scan``, and flags.

    (0018,1078) goes before (0018,1072), which has no date and is read on the day of the scan, or
    the day before when that would put it after the scan.

    Raises
    ------
    UnknownUnits
        ``PT_NO_START_TIME``, ``PT_TIME_NEGATIVE``, ``PT_UPTAKE_IMPLAUSIBLE``,
        ``PT_DATE_SHIFT_INCONSISTENT``, ``PT_START_DATE_UNKNOWN``.
    """
    if dose.started is not None and dose.started.day is not None and scan.day is not None:
        seconds = _dated(dose.started, scan, half_life_s)
        return seconds, _agree(dose)
    start, tag = dose.start_time, "(0018,1072)"
    if dose.started is not None:
        start, tag = dose.started, "(0018,1078)"
    if start is None:
        raise UnknownUnits("PT_NO_START_TIME", "no (0018,1078) and no (0018,1072)")
    if half_life_s > SHORT_LIVED_S:
        detail = f"{tag} without a date and (0018,1075) {half_life_s:g} s"
        raise UnknownUnits("PT_START_DATE_UNKNOWN", detail)
    return _undated(start, scan, half_life_s, tag), ()


def _dated(start: Moment, scan: Moment, half_life_s: float) -> float:
    seconds = scan.seconds - start.seconds
    if -SHORT_LIVED_S < seconds < 0:
        raise UnknownUnits("PT_TIME_NEGATIVE", f"(0018,1078) {-seconds:.0f} s after the scan")
    if 0 <= seconds <= LONGEST_HALF_LIVES * half_life_s:
        return seconds
    days = round(seconds / DAY_S)
    detail = f"(0018,1078) {seconds:.0f} s before the scan"
    if days:
        raise UnknownUnits("PT_DATE_SHIFT_INCONSISTENT", f"{detail}, {days} days by their dates")
    raise UnknownUnits("PT_UPTAKE_IMPLAUSIBLE", f"{detail}, half-life {half_life_s:g} s")


def _undated(start: Moment, scan: Moment, half_life_s: float, tag: str) -> float:
    seconds = scan.second - start.second
    if seconds < 0:
        night = seconds + DAY_S
        if night > min(MIDNIGHT_HALF_LIVES * half_life_s, LONGEST_NIGHT_S):
            raise UnknownUnits("PT_TIME_NEGATIVE", f"{tag} {-seconds:.0f} s after the scan")
        return night
    if seconds > LONGEST_HALF_LIVES * half_life_s:
        detail = f"{tag} {seconds:.0f} s before the scan, half-life {half_life_s:g} s"
        raise UnknownUnits("PT_UPTAKE_IMPLAUSIBLE", detail)
    return seconds


def _agree(dose: Dose) -> tuple[str, ...]:
    """Flag a start time that is not the time of day of the start date and time."""
    if dose.started is None or dose.start_time is None:
        return ()
    apart = abs(dose.started.second - dose.start_time.second)
    return ("PT_START_TIMES_DIFFER",) if min(apart, DAY_S - apart) > SAME_TIME_S else ()
