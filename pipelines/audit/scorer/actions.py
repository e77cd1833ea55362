"""The ten actions of MIDI-B, as pure functions of a check, a value and the maps.

Beyond MIDI: words are compared without case and accents, and a short word counts only where it
stands alone; a moved date must be a date; how far it moved is compared over the whole patient by
:mod:`pipelines.audit.scorer.cohort`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from pipelines.audit.scorer.key import Check
from pipelines.audit.text import fold

__all__ = ["JUDGES", "Maps", "judge"]

_STOP = frozenset(
    {"a", "an", "and", "are", "as", "at", "be", "by", "for", "from", "in", "is", "it", "of", "on",
     "or", "that", "the", "this", "to", "was", "with", "de", "du", "des", "la", "le", "les", "et",
     "en", "un", "une", "par", "pour", "au", "aux", "mme", "mr", "dr", "pr", "ne", "nee", "vu",
     "avec"}
)  # fmt: skip
"""English and French words that say nothing."""
_SUBSTRING_FROM = 5
"""Letters from which a word is also searched inside other words."""
_MISSING_PASSES = frozenset(
    {"<text_removed>", "<date_shifted>", "<uid_changed>", "<pixels_hidden>"}
)


@dataclass(frozen=True)
class Maps:
    """Old -> new, for UIDs and for patients, as the tool under test delivers them."""

    uids: Mapping[str, str]
    patients: Mapping[str, str]


Judge = Callable[[Check, str | None, Maps], float]


def judge(check: Check, value: str | None, maps: Maps, *, missing: bool = False) -> float:
    """Return 1.0 for passed, 0.0 for failed, or the share of words kept.

    ``value`` is None when the attribute is absent; ``missing`` when the whole file is.
    """
    if missing:
        return float(check.action in _MISSING_PASSES)
    return JUDGES[check.action](check, value, maps)


def words_of(text: str) -> list[str]:
    """Return the folded words of a text, without stop words and punctuation."""
    found = re.split(r"[^\w.]+", fold(text).replace("^", " "))
    words = (word.strip("._") for word in found)
    return [word for word in words if word and word not in _STOP]


def tag_retained(_check: Check, value: str | None, _maps: Maps) -> float:
    """Pass when the attribute is there."""
    return float(value is not None)


def text_notnull(_check: Check, value: str | None, _maps: Maps) -> float:
    """Pass when the attribute is there with a value."""
    return float(bool(value))


def text_retained(check: Check, value: str | None, _maps: Maps) -> float:
    """Return the share of the words that are still there; numbers are compared as numbers."""
    if value is None:
        return 0.0
    wanted, got = check.action_text.split("\\"), value.split("\\")
    if all(map(_is_number, wanted)):
        same = len(wanted) == len(got) and all(
            _is_number(b) and _equal(float(a), float(b)) for a, b in zip(wanted, got, strict=True)
        )
        return float(same)
    words = words_of(check.action_text)
    kept = words_of(value)
    return sum(word in kept for word in words) / len(words) if words else 1.0


def text_removed(check: Check, value: str | None, _maps: Maps) -> float:
    """Pass when no word is left; a short one is left only where it stands alone."""
    if not value:
        return 1.0
    folded, alone = fold(value), set(words_of(value))
    for word in words_of(check.action_text):
        found = word in folded if len(word) >= _SUBSTRING_FROM else word in alone
        if found:
            return 0.0
    return 1.0


def date_shifted(check: Check, value: str | None, _maps: Maps) -> float:
    """Pass when the day is another and valid, or gone."""
    if not value:
        return 1.0
    old, new = check.value[:8], value[:8]
    return float(old not in value and is_day(new))


def uid_changed(check: Check, value: str | None, _maps: Maps) -> float:
    """Pass when the old UID is nowhere in the value."""
    return float(not value or check.value not in value)


def uid_consistent(check: Check, value: str | None, maps: Maps) -> float:
    """Pass when the UID is the one the map gives; absence passes, a UID of nobody does not."""
    if not value:
        return 1.0
    known = maps.uids.get(check.value)
    return float(known is None or value == known) if known else float(value != check.value)


def patid_consistent(check: Check, value: str | None, maps: Maps) -> float:
    """Pass when the patient is the one the map gives."""
    if not value:
        return 1.0
    return float(value == maps.patients.get(check.value))


def is_day(text: str) -> bool:
    """Tell whether eight digits are a day since 1900."""
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:8])).year >= 1900
    except ValueError:
        return False


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", text.strip()) is not None


def _equal(one: float, two: float) -> bool:
    return abs(one - two) <= 1e-6 * max(abs(one), abs(two), 1e-12)


JUDGES: dict[str, Judge] = {
    "<tag_retained>": tag_retained,
    "<text_notnull>": text_notnull,
    "<text_retained>": text_retained,
    "<text_removed>": text_removed,
    "<date_shifted>": date_shifted,
    "<uid_changed>": uid_changed,
    "<uid_consistent>": uid_consistent,
    "<patid_consistent>": patid_consistent,
    "<private_safe_kept>": text_retained,
}
"""Actions that one value decides; those of pixels and of whole objects are in other modules."""
