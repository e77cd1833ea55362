"""Dates written as a count of seconds or milliseconds since 1 January 1970."""

from __future__ import annotations

import math
import struct
from calendar import timegm
from datetime import date
from functools import lru_cache

from deid.sequences import Tokens

__all__ = ["NUMBER_VRS", "epochs_in", "is_epoch", "shift_numbers"]

DAY_S = 86_400
_MILLI = 1_000
_LENGTHS = (9, 10, 12, 13)
"""Digits of seconds and of milliseconds between 1973 and 2286."""
_BINARY = {"UL": "L", "SL": "l", "UV": "Q", "SV": "q", "FD": "d"}
"""VRs of binary numbers that can hold such a count (PS3.5 6.2), with their struct letters."""
NUMBER_VRS = frozenset(_BINARY) | {"DS", "IS"}
_GE_BIAS, _HIGHEST_B = 1_000_000_000, 20_000
"""GE adds the first to b-values (GEMS_PARM_01 39); as seconds, one night of 2001."""
_MOST_VALUES = 64
"""Numbers in one element; a table of more holds measurements."""
_EARLIEST, _LATEST = 10 * 365, 40_000
"""Days since 1970: what a vendor's date may be (1980 to 2079)."""

Span = tuple[int, int]


@lru_cache(maxsize=256)
def _days(dates: frozenset[str]) -> frozenset[int]:
    """Return the days since 1970 of ``dates`` (YYYYMMDD), and the days before and after them."""
    found: set[int] = set()
    for text in dates:
        try:
            day = date(int(text[:4]), int(text[4:6]), int(text[6:8]))
        except ValueError:
            continue
        number = timegm(day.timetuple()) // DAY_S
        if number > 1:  # a count near zero is any small number
            found |= {number - 1, number, number + 1}
    return frozenset(found)


def is_epoch(value: float, dates: frozenset[str] | None) -> int:
    """Return the units per second (1 or 1000) in which ``value`` counts one of ``dates``, else 0.

    A day before and a day after count too: the clock may have run in another time zone. Without
    dates, any day from 1980 to 2079 counts.
    """
    if value < DAY_S * 1_000 or _GE_BIAS <= value <= _GE_BIAS + _HIGHEST_B:
        return 0
    for per_second in (1, _MILLI):
        day = int(value // (DAY_S * per_second))
        if day in _days(dates) if dates is not None else _EARLIEST <= day <= _LATEST:
            return per_second
    return 0


def epochs_in(tokens: Tokens, dates: frozenset[str]) -> list[Span]:
    """Return where a text holds a number that counts one of ``dates``."""
    return [
        (start, end)
        for run, start, end in tokens.runs
        if len(run) in _LENGTHS and run.isascii() and run.isdigit() and is_epoch(int(run), dates)
    ]


def shift_numbers(
    value: bytes, vr: str, dates: frozenset[str] | None, days_back: int, *, little_endian: bool
) -> bytes | None:
    """Return the numbers of an element with those moved that count one of ``dates``.

    None when there is none of them, which is nearly always: the caller leaves the bytes alone.

    Parameters
    ----------
    value : bytes
        As it lies in the file.
    vr : str
        One of :data:`NUMBER_VRS`.
    dates : frozenset of str, optional
        The study's own dates, YYYYMMDD; None where the element is known to be a date.
    days_back : int
        The patient's shift in days.
    little_endian : bool
        The byte order of ``value``.
    """
    if vr in {"DS", "IS"}:
        return _shift_text(value, dates, days_back)
    letter = _BINARY[vr]
    count, rest = divmod(len(value), struct.calcsize("=" + letter))
    if rest or not 0 < count <= _MOST_VALUES:
        return None
    form = f"{'<' if little_endian else '>'}{count}{letter}"
    numbers = struct.unpack(form, value)
    steps = [_step(number, dates, days_back) for number in numbers]
    if all(step is None for step in steps):
        return None
    return struct.pack(form, *(n - (step or 0) for n, step in zip(numbers, steps, strict=True)))


def _step(number: float, dates: frozenset[str] | None, days_back: int) -> int | None:
    """Return how far a number moves back; None when it is no date."""
    if not math.isfinite(number):
        return None
    per_second = is_epoch(number, dates)
    return days_back * DAY_S * per_second if per_second else None


def _shift_text(value: bytes, dates: frozenset[str] | None, days_back: int) -> bytes | None:
    parts = value.split(b"\\")
    if len(parts) > _MOST_VALUES:
        return None
    moved = [_moved_text(part, dates, days_back) for part in parts]
    if all(text is None for text in moved):
        return None
    joined = b"\\".join(
        part if text is None else text for text, part in zip(moved, parts, strict=True)
    )
    return joined + b" " * (len(joined) % 2)


def _moved_text(part: bytes, dates: frozenset[str] | None, days_back: int) -> bytes | None:
    whole, point, rest = part.strip(b" \0").partition(b".")
    if not whole.isdigit() or len(whole) not in _LENGTHS or (point and not rest.isdigit()):
        return None
    step = _step(int(whole), dates, days_back)
    return None if step is None else str(int(whole) - step).encode() + point + rest
