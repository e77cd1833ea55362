"""Attribute matching of C-FIND (PS3.4 section C.2.2.2): single value, list, wildcard, range."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["matches"]

_RANGE_VRS = frozenset({"DA", "TM", "DT"})
_OLD_MARKS = {"DA": ".", "TM": ":"}
_WILDCARD_VRS = frozenset({"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"})


def matches(vr: str, asked: Sequence[str], stored: Sequence[str]) -> bool:
    """Say whether stored values match a key.

    Parameters
    ----------
    vr : str
        Value representation of the attribute; decides which kind of matching applies.
    asked : Sequence[str]
        Values of the key. None, or empty ones, match everything (C.2.2.2.3); several match when
        one does (C.2.2.2.2 and C.2.2.2.8).
    stored : Sequence[str]
        Values of the entity; several match when one does (C.2.2.1.2).
    """
    wanted = [value for value in asked if value]
    if not wanted:
        return True
    if vr in _WILDCARD_VRS and all(set(value) == {"*"} for value in wanted):
        return True  # C.2.2.2.4: a lone * is universal matching
    held = [value for value in stored if value]
    return any(_one(vr, key, value) for key in wanted for value in held)


def _one(vr: str, key: str, value: str) -> bool:
    if vr in _OLD_MARKS:  # ACR-NEMA's yyyy.mm.dd and hh:mm:ss (PS3.5 Table 6.2-1, notes)
        key, value = key.replace(_OLD_MARKS[vr], ""), value.replace(_OLD_MARKS[vr], "")
    if vr in _RANGE_VRS and "-" in key:
        return _in_range(key, value)
    if vr == "TM":
        return _padded_time(key) == _padded_time(value)
    if vr == "PN":  # C.2.2.2.1.1: case-insensitive, as most archives do; trailing ^ carry nothing
        key, value = key.casefold().rstrip("^="), value.casefold().rstrip("^=")
    if vr in _WILDCARD_VRS and ("*" in key or "?" in key):
        return _pattern(key).fullmatch(value) is not None
    return key == value


def _in_range(key: str, value: str) -> bool:
    """Match a date or time range, both ends included, either end open (C.2.2.2.5)."""
    first, last = (part.strip() for part in key.split("-", 1))
    # A shorter time stands for its whole interval: 10 as last end means until 10:59:59.999999.
    return (not first or value >= first) and (not last or value[: len(last)] <= last)


def _padded_time(value: str) -> str:
    return value.replace(".", "").ljust(12, "0")  # HHMMSSFFFFFF


def _pattern(key: str) -> re.Pattern[str]:
    parts = {"*": ".*", "?": "."}
    return re.compile("".join(parts.get(char, re.escape(char)) for char in key), re.DOTALL)
