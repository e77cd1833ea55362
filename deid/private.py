"""Private elements of one dataset: kept when their creator's table says so, else gone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from deid.actions import dummy, emptied, kept_value, moved_count, moved_date, replaced
from deid.epoch import NUMBER_VRS
from deid.safe_private import Disposition, SafePrivate, block_of, creators_of, safe_private
from deid.shape import fits
from deid.tally import Context, Tally
from deid.values import TEXT_VRS, Element, is_empty, new_text, safe_item

__all__ = ["treat_private"]

_ITEM = b"\xfe\xff\x00\xe0"
"""First bytes of a sequence's value in little endian (PS3.5 7.5)."""
_DECLARED: dict[str, Disposition] = {"Z": "empty", "D": "dummy", "U": "uid"}
_DATE_VRS = frozenset({"DA", "DT", "TM"})
_HOLDS_UID = frozenset({"UI", "LO", "LT", "ST", "UT", "UC", "OB", "UN"})


def treat_private(
    ds: Dataset,
    context: Context,
    tally: Tally,
    walk_sequence: Callable[[Element], Element],
    encodings: Sequence[str],
) -> dict[BaseTag, Element]:
    """Return the private elements that stay, with the creators of their blocks (PS3.5 7.8.1).

    ``walk_sequence`` treats a private sequence: what it holds meets the same policy.
    """
    kept: dict[BaseTag, Element] = {}
    private = [tag for tag in sorted(ds.keys()) if tag.is_private]
    creators = creators_of(ds) if private else {}
    for tag in private:
        if tag.is_private_creator or tag.element <= 0xFF:
            continue
        creator = creators.get(block_of(tag), "")
        row = _row(ds, tag, creator, context)
        element = None
        if row is not None and "113111" in context.rules.options:
            element = _value(ds, tag, row, context, tally, walk_sequence, encodings)
        if element is None:
            tally.count("X")
            continue
        replaced_value = row is not None and row.disposition in {"empty", "dummy"}
        tally.count("safe_private", "" if replaced_value else "113111")
        kept[tag] = element
        own = BaseTag(tag.group << 16 | tag.element >> 8)
        kept[own] = new_text(own, "LO", creator)
    return kept


def _row(ds: Dataset, tag: BaseTag, creator: str, context: Context) -> SafePrivate | None:
    """Return what is known of an element: its creator's own word first (PS3.15 E.3.10).

    An element declared safe is kept by its VR; one whose VR nobody says is not.
    """
    key = (tag.group, creator, tag.element & 0xFF)
    row, word = safe_private(*key), context.declared.word(*key)
    if word is None or (word == "safe" and row is not None):
        return row
    if word == "X" or context.hunter.clean(creator) != creator:
        return None
    vr = context.declared.vr(*key)
    if word == "safe":
        is_named = vr or ds.get_item(tag).VR not in {None, "UN"}
        return SafePrivate(vr, "keep") if is_named else None
    return SafePrivate(vr, _DECLARED[word])


def _value(
    ds: Dataset,
    tag: BaseTag,
    row: SafePrivate,
    context: Context,
    tally: Tally,
    walk_sequence: Callable[[Element], Element],
    encodings: Sequence[str],
) -> Element | None:
    """Return what stays of a private value; a value the table's word does not fit goes."""
    item = safe_item(ds, tag)
    vr = str(item.VR) if item.VR not in {None, "UN"} else row.vr or "UN"
    if vr == "SQ" or (item.is_raw and bytes(item.value or b"").startswith(_ITEM)):
        return None if row.disposition in {"empty", "dummy"} else walk_sequence(item)
    if is_empty(item) or row.disposition == "empty":
        return emptied(item, vr)
    if row.disposition == "dummy":
        return dummy(item, vr, context, encodings)
    if row.disposition == "date" or vr in _DATE_VRS:
        return _date(item, vr, context, tally) if context.rules.date_option else None
    if row.disposition == "uid" or vr == "UI":
        return replaced(item, context, tally, vr) if vr in _HOLDS_UID else None
    names_someone = vr in {"PN", "AE", "UR"}
    is_kept = fits(item, vr) and not names_someone
    return kept_value(item, vr, context, tally, encodings) if is_kept else None


def _date(item: Element, vr: str, context: Context, tally: Tally) -> Element | None:
    """Return a vendor's date moved, in whatever VR it wrote it; None when it can be no date."""
    if vr in NUMBER_VRS:
        return moved_count(item, vr, context, tally)
    moved = moved_date(item, vr if vr in _DATE_VRS else "DT", context, tally)
    if moved is None and vr in TEXT_VRS:
        moved = moved_date(item, "LO", context, tally)
    if moved is None or vr in _DATE_VRS:
        return moved
    return moved._replace(VR=vr) if isinstance(moved, RawDataElement) else None
