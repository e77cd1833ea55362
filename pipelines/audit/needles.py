"""What is searched: one needle is a text that may not be found, and where finding it counts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from pipelines.audit.text import fold, squeeze

__all__ = ["Kind", "Needle", "date_spellings", "needles_for"]

Kind = Literal["name", "name part", "number", "place", "device", "birth date", "date", "UID"]
_SHORTEST_NUMBER = 5
_SHORTEST_PART = 4
_SHORTEST_UID = 9
"""Characters; the shortest roots in use (1.2.3.4.5) are as long."""
_MONTHS = (
    ("janvier", "january", "jan"), ("fevrier", "february", "feb"), ("mars", "march", "mar"),
    ("avril", "april", "apr"), ("mai", "may"), ("juin", "june", "jun"),
    ("juillet", "july", "jul"), ("aout", "august", "aug"), ("septembre", "september", "sep"),
    ("octobre", "october", "oct"), ("novembre", "november", "nov"),
    ("decembre", "december", "dec"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Needle:
    """A folded text. ``squeezed``: separators do not count; ``bounded``: it stands alone.

    ``owner`` is the original patient's number, for what says nothing of another patient (a date);
    ``date`` is the date it spells; ``unless`` the CID 7050 code under which a file may keep it.
    """

    kind: Kind
    text: str
    squeezed: bool = False
    bounded: bool = False
    owner: int | None = None
    unless: str = ""
    date: str = ""


def needles_for(kind: Kind, value: str, owner: int, unless: str = "") -> Iterator[Needle]:
    """Yield every needle that one harvested value gives."""
    if kind == "name":
        yield from _name(value)
    elif kind in {"date", "birth date"}:
        whose = owner if kind == "date" else None
        for text in date_spellings(value):
            yield Needle(kind, text, bounded=True, owner=whose, unless=unless, date=value)
    elif kind == "UID":
        if len(value) >= _SHORTEST_UID and not value.startswith("1.2.840.10008."):
            yield Needle(kind, value, bounded=True, unless=unless)
    elif kind in {"place", "device"}:
        yield from _words(kind, value, unless)
    else:
        yield from _number(value, unless)


def date_spellings(date: str) -> Iterator[str]:
    """Yield a date (YYYYMMDD) as people and programs write it, folded."""
    year, month, day = date[:4], date[4:6], date[6:8]
    if not (date.isdigit() and len(date) == 8 and 1 <= int(month) <= 12):
        return
    yield from {date, date[::-1], day + month + year, month + day + year}
    short_day, short_month = str(int(day)), str(int(month))
    for s in "/-. _:":
        yield from {f"{year}{s}{month}{s}{day}", f"{day}{s}{month}{s}{year}"}
        yield from {f"{month}{s}{day}{s}{year}", f"{day}{s}{month}{s}{year[2:]}"}
        if s != " ":
            yield from {f"{short_day}{s}{short_month}{s}{year}"}
    for word in _MONTHS[int(month) - 1]:
        for d in {day, short_day, "1er"} if day == "01" else {day, short_day}:
            yield from {f"{d} {word} {year}", f"{d}-{word}-{year}", f"{d}{word}{year}"}
            yield from {f"{word} {d}, {year}", f"{word} {d} {year}"}


def _name(value: str) -> Iterator[Needle]:
    for group in fold(value).split("="):
        components = [part.strip() for part in re.split(r"[\^,]", group)]
        family, given = [*components, ""][:2]
        if not given and " " in family:
            family, _, given = family.partition(" ")
        pair = squeeze(family), squeeze(given)
        if all(pair) and _long_enough("".join(pair), 6):
            yield Needle("name", "".join(pair), squeezed=True)
            yield Needle("name", "".join(pair[::-1]), squeezed=True)
        elif _long_enough(pair[0], 6) and pair[0] not in _common():
            yield Needle("name part", pair[0], squeezed=True)
        for word in re.split(r"[\s'.-]+", f"{family} {given}"):
            if _long_enough(word, _SHORTEST_PART) and word.isalpha() and word not in _common():
                yield Needle("name part", word, bounded=len(word) < 7)


def _number(value: str, unless: str) -> Iterator[Needle]:
    text = squeeze(fold(value))
    if len(text) < _SHORTEST_NUMBER or text in _common() or not any(c.isdigit() for c in text):
        return
    yield Needle("number", fold(value).strip(), bounded=True, unless=unless)
    if len(text) >= 7:
        yield Needle("number", text, squeezed=True, unless=unless)


def _words(kind: Kind, value: str, unless: str) -> Iterator[Needle]:
    whole = squeeze(fold(value))
    words = [word for word in re.split(r"[\W_]+", fold(value)) if word]
    if len(whole) >= 6 and not {*words} <= _common():
        yield Needle(kind, whole, squeezed=True, unless=unless)


def _long_enough(text: str, letters: int) -> bool:
    if len(set(text)) < 2:
        return False  # XXXXXX stands for a name that was taken out before
    ideographs = sum(ord(character) > 0x2E80 for character in text)
    return len(text) >= letters or ideographs >= 2


@cache
def _common() -> frozenset[str]:
    """Return folded words that name no one: a patient called Petit must not find every pelvis."""
    text = (files(__package__) / "data" / "common_words.txt").read_text(encoding="utf-8")
    return frozenset(word for word in text.split() if not word.startswith("#"))
