"""The last look before release: the study's identity searched in the bytes that would go out.

Every byte of the file but the pixel values is searched, in Latin-1, UTF-8 and UTF-16, for whole
names in both orders, numbers, dates in four spellings and the original UIDs. Text elements are
searched again by the hunter, which folds accents and knows parts of names. A date that this very
release wrote as a moved date is not a finding in a date element; in text it still is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache

from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from config.errors import IdentityLeak
from deid.actions import is_exempt
from deid.fold import fold
from deid.hunt import LONG_ID, Hunter
from deid.names import not_names, written_forms
from deid.patterns import date_spellings
from deid.stamp import OWN_TAGS
from deid.tally import Context, Tally
from deid.values import TEXT_VRS, Element, encodings_of, text_of, vr_of

__all__ = ["any_original", "check_leaks", "holds_needle", "uids_in"]

_ENCODINGS = ("latin-1", "utf-8", "utf-16-le", "utf-16-be")
_UID_LIKE = re.compile(rb"[0-9][0-9.]{9,}")
_SHORT_BYTES = 256
_SHORTEST_NAME = 6
"""Letters of a whole name searched in every byte; a shorter one (``LI^AN``) only in text."""


def check_leaks(out: Dataset, searchable: bytes, context: Context, tally: Tally) -> None:
    """Raise when anything of the study's identity is left.

    Raises
    ------
    IdentityLeak
        ``IDENTITY_LEAK`` with the tag, or ``bytes`` where no element holds the finding.
    """
    hunter = context.hunter
    for tag, item, encodings in _elements(out):
        if _names_someone(tag, item, encodings, hunter):
            raise IdentityLeak("IDENTITY_LEAK", str(tag))
    lowered = searchable.lower()
    if holds_needle(lowered, hunter):
        raise IdentityLeak("IDENTITY_LEAK", _where(out, _needles(hunter)))
    _check_dates(out, lowered, context, tally)
    if "113110" not in context.rules.options:
        _check_uids(lowered, tally)


def _names_someone(tag: BaseTag, item: Element, encodings: Sequence[str], hunter: Hunter) -> bool:
    vr = vr_of(item)
    if (vr not in TEXT_VRS and vr != "CS") or tag in OWN_TAGS:
        return False
    folded = fold(text_of(item, encodings))
    if folded in not_names():
        return False
    return bool(hunter.whole_spans(folded) if is_exempt(tag, vr) else hunter.spans(folded))


def uids_in(lowered: bytes) -> frozenset[bytes]:
    """Return what may be a UID in lowered bytes."""
    return frozenset(run.rstrip(b".") for run in _UID_LIKE.findall(lowered))


def any_original(runs: AbstractSet[bytes], originals: AbstractSet[bytes]) -> bool:
    """Tell whether one of the original UIDs stands among ``runs``, or inside them if long."""
    if not runs.isdisjoint(originals):
        return True
    joined = b" ".join(sorted(runs))
    return any(len(uid) >= 24 and uid in joined for uid in originals)


def holds_needle(lowered: bytes, hunter: Hunter) -> bool:
    """Tell whether a whole name or a long number stands in lowered bytes, in any encoding."""
    if len(lowered) <= _SHORT_BYTES:
        return _any_needle(hunter).search(lowered) is not None
    return any(needle in lowered for needle in _needles(hunter))


@lru_cache(maxsize=64)
def _any_needle(hunter: Hunter) -> re.Pattern[bytes]:
    """Return a pattern of all needles: in short bytes the fastest way to find none."""
    return re.compile(b"|".join(map(re.escape, _needles(hunter))) or rb"(?!)")


def _check_dates(out: Dataset, lowered: bytes, context: Context, tally: Tally) -> None:
    """Search the dates as bytes, then decide by the element that holds one."""
    if context.rules.date_option == "113106":
        return
    dates = context.hunter.dates - tally.written_dates
    for date in sorted(dates):
        if any(form.encode() in lowered for form in date_spellings(date)):
            tag = _date_in(out, date)
            if tag is not None:
                raise IdentityLeak("IDENTITY_LEAK", str(tag))


def _date_in(out: Dataset, date: str) -> BaseTag | None:
    """Return the date element, or the element of bytes, that holds ``date``.

    Digits of a UID, a decimal string or sample values may read as a date by chance; text has been
    searched before.
    """
    for tag, item, _ in _elements(out):
        vr = vr_of(item) or "UN"
        value = item.value if isinstance(item.value, bytes) else str(item.value).encode()
        if vr in {"DA", "DT"} and value.startswith(date.encode()):
            return tag
        if vr in {"OB", "UN"}:
            alone = rb"(?<![0-9.])(?:%s)(?![0-9])"
            forms = b"|".join(re.escape(form.encode()) for form in date_spellings(date))
            if re.search(alone % forms, value):
                return tag
    return None


def _check_uids(lowered: bytes, tally: Tally) -> None:
    if any_original(uids_in(lowered), {uid.encode() for uid in tally.original_uids}):
        raise IdentityLeak("IDENTITY_LEAK", "an original UID")


@lru_cache(maxsize=64)
def _needles(hunter: Hunter) -> tuple[bytes, ...]:
    """Return whole names and long numbers as lowered bytes, in every encoding."""
    texts = {number for number in hunter.ids if len(number) >= LONG_ID}
    for one, two in hunter.forms.pairs:
        if len(one) + len(two) >= _SHORTEST_NAME:
            texts |= {a + between + b for a, b in ((one, two), (two, one)) for between in "^ ,"}
    texts |= {n for n in written_forms(hunter.written_names) if len(n) >= _SHORTEST_NAME}
    texts = {text for text in texts if text.lower() not in not_names()}
    found = set()
    for text in texts:
        for encoding in _ENCODINGS:
            try:
                found.add(text.encode(encoding).lower())
            except UnicodeEncodeError:
                continue  # a name that Latin-1 cannot write is not there in Latin-1
    return tuple(sorted(found))


def _where(out: Dataset, needles: tuple[bytes, ...]) -> str:
    for tag, item, _ in _elements(out):
        value = item.value if isinstance(item.value, bytes) else str(item.value).encode()
        if any(needle in value.lower() for needle in needles):
            return str(tag)
    return "bytes"


def _elements(
    ds: Dataset, parent: tuple[str, ...] = ("iso8859",)
) -> Iterator[tuple[BaseTag, Element, tuple[str, ...]]]:
    encodings = tuple(encodings_of(ds, parent))
    for tag in ds.keys():  # noqa: SIM118, a Dataset iterates over decoded elements
        item = ds.get_item(tag)
        if tag.group == 0x7FE0:
            continue
        if item.VR == "SQ" and not item.is_raw:
            for nested in item.value:
                yield from _elements(nested, encodings)
        else:
            yield tag, item, encodings
