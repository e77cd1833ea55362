"""What is done to one element: X, Z, D, U (PS3.15 E.3), a date moved, a text cleaned."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence

from deid.dates import shift_date, shift_datetime, shift_text, valid_time, valid_timezone
from deid.epoch import NUMBER_VRS, shift_numbers
from deid.keys import keyed_text
from deid.specimens import SPECIMEN_NUMBERS, specimen_pseudonym
from deid.tally import Context, Tally, map_uids
from deid.values import TEXT_VRS, Element, keyword_of, new_text, text_of

__all__ = [
    "capped_age",
    "cleaned_text",
    "dummy",
    "dummy_items",
    "emptied",
    "kept_value",
    "moved_count",
    "moved_date",
    "replaced",
    "specimen_number",
]

_KEYED = frozenset({"ClinicalTrialSubjectReadingID"})
"""Identifiers whose different values must stay different."""
_SUBJECT = frozenset({"PatientID", "PatientName", "ClinicalTrialSubjectID"})
_DAY = re.compile(r"(\d{4})[-./]?(\d\d)?[-./]?(\d\d)?")
_PER_YEAR = {"D": 365.25, "W": 52.18, "M": 12.0, "Y": 1.0}
"""Units of an age string (AS, PS3.5 6.2) in a year."""
_EXEMPT = frozenset({0x00080005, 0x00080070, 0x00080102, 0x00080104, 0x00080105, 0x00081090})
"""Character set, Manufacturer, codes and their meaning, Manufacturer's Model Name."""


def emptied(item: Element, vr: str) -> Element:
    """Return the element with no value (action Z)."""
    if vr == "SQ":
        return DataElement(item.tag, "SQ", DicomSequence())
    return new_text(item.tag, _plain(vr), "")


def dummy(item: Element, vr: str, context: Context, encodings: Sequence[str]) -> Element:
    """Return the element with a valid value that says nothing (action D); not for sequences."""
    keyword = keyword_of(item.tag)
    if keyword in _SUBJECT:
        return new_text(item.tag, vr, context.subject)
    if keyword in SPECIMEN_NUMBERS:
        return specimen_number(item, vr, context, encodings)
    if keyword in _KEYED:
        return new_text(item.tag, vr, keyed_text(context.keys, keyword, text_of(item, encodings)))
    value = _dummies().get(_plain(vr), "REMOVED")
    if isinstance(value, str):
        return new_text(item.tag, _plain(vr), value)
    return DataElement(item.tag, vr, bytes(8) if vr.startswith("O") or vr == "UN" else value)


def specimen_number(item: Element, vr: str, context: Context, encodings: Sequence[str]) -> Element:
    """Return a laboratory's number as its pseudonym (:mod:`deid.specimens`)."""
    number = text_of(item, encodings)
    return new_text(item.tag, vr, specimen_pseudonym(context.keys, context.subject, number))


def dummy_items(keyword: str) -> list[Dataset]:
    """Return the one valid item that stands for a removed sequence of Type 1."""
    table = _templates()
    return [Dataset.from_json(table.get(keyword, table["code"]))]


def replaced(item: Element, context: Context, tally: Tally, vr: str = "UI") -> Element:
    """Return the element with its UIDs replaced (action U)."""
    text = map_uids(text_of(item, ()), keyword_of(item.tag), context, tally)
    return new_text(item.tag, vr, text)


def moved_date(item: Element, vr: str, context: Context, tally: Tally) -> Element | None:
    """Return a date moved back or kept, as the policy says; None when it is no valid date.

    Times of day and the time zone stay: the whole day moves. A text that opens with a date, year
    first, is moved in place. A birth date, wherever it stands, and a date so far back that it tells
    an age over the policy's oldest, are none that may stay.
    """
    days = context.shift_days if context.rules.date_option == "113107" else 0
    moved = []
    for value in text_of(item, ()).split("\\"):
        result = _moved(value.strip(), vr, days, _forbidden(item, context))
        if result is None:
            return None
        moved.append(result)
    if vr not in {"TM", "SH"}:
        tally.written_dates.update(_day(text) for text in moved if text)
    return new_text(item.tag, vr, "\\".join(moved))


def _moved(text: str, vr: str, days: int, forbidden: Callable[[str], bool]) -> str | None:
    """Return one value moved, "" for none; None when it may not stay as it is."""
    if not text:
        return ""
    if vr == "TM":
        return text if valid_time(text) else None
    if vr == "SH":
        return text if valid_timezone(text) else None
    if forbidden(_day(text)):
        return None
    if vr == "DA":
        return shift_date(text, days)
    return shift_datetime(text, days) if vr == "DT" else shift_text(text, days)


def _day(text: str) -> str:
    """Return the day a date or date-time begins with as YYYYMMDD, its first where it is cut short.

    "" when it begins with none.
    """
    match = _DAY.match(text)
    return "".join((match[1], match[2] or "01", match[3] or "01")) if match else ""


def _forbidden(item: Element, context: Context) -> Callable[[str], bool]:
    """Return a test for a date that tells a birth or an age, in an element that is not of the exam.

    A newborn's study has its birth date for a study date: the groups of the examination (0008, 0018
    and 0040 below the content trees) are not asked.
    """
    tag = int(item.tag)
    if tag >> 16 in {0x0008, 0x0018} or 0x00400000 <= tag < 0x0040A000:
        return lambda _: False
    births, last = context.hunter.birth_dates, context.hunter.last_exam
    oldest = context.rules.oldest_age_years
    earliest = f"{int(last[:4]) - oldest - 1:04d}{last[4:]}" if last and oldest is not None else ""
    return lambda date: bool(date) and (date in births or date <= earliest)


def cleaned_text(
    item: Element, vr: str, context: Context, encodings: Sequence[str]
) -> Element | None:
    """Return the text without the study's identity, ``item`` itself when there was none of it.

    None when nothing worth keeping is left.
    """
    text = text_of(item, encodings)
    accepted = context.rules.accepted_words
    clean = context.hunter.clean(text, patterns=True, accepted=accepted)
    if clean == text:
        return item
    return new_text(item.tag, vr, clean, encodings) if clean else None


def capped_age(item: Element, oldest_years: int | None = 89) -> Element:
    """Return an age over ``oldest_years`` as one year more, any other as it is (AS, PS3.5 6.2)."""
    text = text_of(item, ())
    number, unit = text[:-1], text[-1:]
    if not (number.isascii() and number.isdigit() and unit in _PER_YEAR):
        return new_text(item.tag, "AS", "")
    too_old = oldest_years is not None and int(number) / _PER_YEAR[unit] >= oldest_years + 1
    return new_text(item.tag, "AS", f"{(oldest_years or 0) + 1:03d}Y") if too_old else item


def kept_value(
    item: Element, vr: str, context: Context, tally: Tally, encodings: Sequence[str]
) -> Element:
    """Return an element that stays, without what of the study's identity stands in it.

    Enumerated values, makes and models, and code meanings lose whole names and numbers only: a
    patient called Philips or Axial must not cost the cohort its vendor or its plane. Other text
    also loses whoever stands after a civil title, mail, telephone and the like. A number that
    counts one of the study's own dates in seconds since 1970 moves with the dates.
    """
    if vr == "AS":
        return capped_age(item, context.rules.oldest_age_years)
    if vr not in TEXT_VRS and vr != "CS":
        return _moved_number(item, vr, context, tally)
    text = text_of(item, encodings)
    whole = is_exempt(item.tag, vr)
    clean = context.hunter.clean(text, whole=whole, persons=not whole)
    if clean == text:
        return item
    tally.count("cut")
    return new_text(item.tag, vr, clean or "REMOVED", encodings)


def _moved_number(item: Element, vr: str, context: Context, tally: Tally) -> Element:
    """Return a number, moved when it is one of the study's dates (:mod:`deid.epoch`)."""
    if vr not in NUMBER_VRS or context.rules.date_option == "113106":
        return item
    if not isinstance(item, RawDataElement):
        return item
    moved = shift_numbers(
        item.value or b"",
        vr,
        context.hunter.dates,
        context.shift_days,
        little_endian=item.is_little_endian,
    )
    if moved is None:
        return item
    tally.count("date", context.rules.date_option or "")
    return item._replace(value=moved, length=len(moved))


def moved_count(item: Element, vr: str, context: Context, tally: Tally) -> Element | None:
    """Return a number that its table calls a date, moved; None when it can be no date."""
    if not isinstance(item, RawDataElement) or vr not in NUMBER_VRS:
        return None
    days = context.shift_days if context.rules.date_option == "113107" else 0
    endian = item.is_little_endian
    moved = shift_numbers(item.value or b"", vr, None, days, little_endian=endian)
    if moved is None:
        return None
    tally.count("date", context.rules.date_option or "")
    return item._replace(value=moved, length=len(moved))


def is_exempt(tag: int, vr: str) -> bool:
    """Tell whether a part of a name may stand in this element by chance."""
    return vr == "CS" or tag in _EXEMPT


def _plain(vr: str) -> str:
    """Return one VR where the dictionary leaves a choice (``US or SS``); UN where it has none."""
    return vr.partition(" or ")[0] or "UN"


@cache
def _dummies() -> dict[str, Any]:
    return dict(json.loads(_data("dummy_values.json")))


@cache
def _templates() -> dict[str, Any]:
    return dict(json.loads(_data("dummy_items.json")))


def _data(name: str) -> str:
    return (files(__package__) / "data" / name).read_text(encoding="utf-8")
