"""Dates as people write them in text: numeric, with the month in words, day or month first."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from deid.tables import read_lines

__all__ = ["any_dates", "date_spellings", "dates_in", "one_date"]

_NUMERIC = re.compile(
    r"(?<!\d)(?<!\d\.)(?:"
    r"(?P<y>(?:1[89]|20)\d\d)(?P<s>[/.\-_ ]?)(?P<m>\d\d)(?P=s)(?P<d>\d\d)(?!\d[/.\-]\d)"
    r"|(?P<d2>\d{1,2})(?P<s2> ?[/.\-_] ?| )(?P<m2>\d{1,2})(?P=s2)"
    r"(?P<y2>(?:1[89]|20)\d\d|\d\d)(?!\d)(?!\.\d)"
    r"|(?P<d3>\d\d)(?P<m3>\d\d)(?P<y3>(?:1[89]|20)\d\d)(?!\d)"
    r")"
)
_UNAMBIGUOUS = re.compile(r"((?:19|20)\d\d)([/.-]?)(\d\d)\2(\d\d)(?=$|[ T]?\d\d:?\d\d|\.0*$)")

_SHORT_MONTHS = frozenset({"mars", "mai", "juin", "aout", "june", "july"})


def dates_in(folded: str, wanted: frozenset[str]) -> Iterator[re.Match[str]]:
    """Yield where one of ``wanted`` (YYYYMMDD) is written, in any of the usual orders."""
    if wanted:
        for match in _all_dates(folded):
            if not wanted.isdisjoint(_readings(match)):
                yield match


def any_dates(folded: str) -> Iterator[re.Match[str]]:
    """Yield where any date is written.

    Three small numbers are a date only with ``/``, ``.`` or ``-`` between them, and with two
    digits each where the year has two: ``b 10 10 20`` and ``1.5.10`` are none.
    """
    for match in _all_dates(folded):
        if any(_readings(match)) and (match.re is not _NUMERIC or _is_plain(match)):
            yield match
    if any(character.isdigit() for character in folded):
        yield from _month_of_a_year().finditer(folded)
        yield from _day_of_a_month().finditer(folded)


def one_date(text: str) -> tuple[str, str, str] | None:
    """Return (YYYYMMDD, separator, rest) of a text that opens with a date, year first; else None.

    Day-first and month-first forms are ambiguous, so they are never moved, only cut.
    """
    match = _UNAMBIGUOUS.match(text)
    if match is None or not _date(match[1], match[3], match[4]):
        return None
    return match[1] + match[3] + match[4], match[2], text[match.end() :]


def date_spellings(date: str) -> tuple[str, ...]:
    """Return the forms in which a byte search looks for a date given as YYYYMMDD."""
    year, month, day = date[:4], date[4:6], date[6:]
    return (date, f"{day}/{month}/{year}", f"{year}-{month}-{day}", f"{day}{month}{year}")


def _all_dates(folded: str) -> Iterator[re.Match[str]]:
    if any(character.isdigit() for character in folded):
        yield from _NUMERIC.finditer(folded)
        yield from _day_first().finditer(folded)
        yield from _month_first().finditer(folded)


def _readings(match: re.Match[str]) -> set[str]:
    """Return the dates (YYYYMMDD) a match may mean, day first and month first."""
    found = match.groupdict()
    if match.re is not _NUMERIC:
        number = f"{_months()[found['word']]:02d}"
        return {_date(year, number, found["day"]) for year in _years(found["year"])} - {""}
    if found["y"]:
        both = {
            _date(found["y"], found["m"], found["d"]),
            _date(found["y"], found["d"], found["m"]),
        }
        if not found["s"]:
            digits = match[0][:8]
            both |= {
                _date(digits[4:], digits[2:4], digits[:2]),
                _date(digits[4:], digits[:2], digits[2:4]),
            }
        return both - {""}
    suffix = "2" if found["y2"] else "3"
    day, month, year = (found[part + suffix] or "" for part in "dmy")
    return {_date(y, m, d) for y in _years(year) for m, d in ((month, day), (day, month))} - {""}


def _is_plain(match: re.Match[str]) -> bool:
    found = match.groupdict()
    if not found["y2"] or len(found["y2"]) == 4:
        return True
    if found["s2"].strip() == "/":
        return True
    return bool(found["s2"].strip()) and len(found["d2"]) == len(found["m2"]) == 2


def _years(text: str) -> list[str]:
    return [text] if len(text) == 4 else ["19" + text, "20" + text]


def _date(year: str, month: str, day: str) -> str:
    valid = len(year) == 4 and 1 <= int(month) <= 12 and 1 <= int(day) <= 31 and year != "0000"
    return f"{year}{int(month):02d}{int(day):02d}" if valid else ""


@cache
def _months() -> dict[str, int]:
    """Return the number of each month by its name or abbreviation."""
    rows = (line.split() for line in read_lines("months.txt"))
    return {word: int(number) for number, *words in rows for word in words}


@cache
def _names() -> str:
    return "|".join(sorted(_months(), key=lambda word: (-len(word), word)))


@cache
def _day_first() -> re.Pattern[str]:
    """``12 mars 1957``, ``1er avril 2020``, ``12-MAR-57``, ``12th of March, 1957``."""
    return re.compile(
        rf"(?<!\d)(?<!\d[.,])(?P<day>\d{{1,2}})(?:er|e|st|nd|rd|th)?[ .\-/_]*(?:of )?"
        rf"(?P<word>{_names()})\.?(?:[ ,\-/_]*)(?P<year>(?:1[89]|20)\d\d|\d\d)(?!\d)(?![.,]\d)"
    )


@cache
def _month_first() -> re.Pattern[str]:
    """``March 12, 1957``, ``Mar 12th 1957``."""
    return re.compile(
        rf"(?<![^\W\d_])(?P<word>{_names()})\.?[ \-]+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?[ ,\-]+"
        rf"(?P<year>(?:1[89]|20)\d\d)(?!\d)"
    )


@cache
def _month_of_a_year() -> re.Pattern[str]:
    """``mars 1957``: no day, but more than a year."""
    return re.compile(rf"(?<![^\W\d_])(?:{_names()})\.?[ \-/_]+(?:1[89]|20)\d\d(?!\d)")


@cache
def _day_of_a_month() -> re.Pattern[str]:
    """``jeudi 5 avril``: no year, but a day; month names in full only."""
    full = "|".join(sorted(word for word in _months() if len(word) > 4 or word in _SHORT_MONTHS))
    days = "lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche"
    return re.compile(
        rf"(?:(?<![^\W_])(?:{days}) )?(?<!\d)(?<!\d[.,])(?:[1-9]|[12]\d|3[01])(?:er)?"
        rf" (?:{full})(?![^\W_])"
    )
