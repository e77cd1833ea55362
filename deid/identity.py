"""The study's own identity: names, numbers, places and dates, harvested before any change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from functools import cache

from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from config.errors import UnreadableObject
from deid.dates import valid_day
from deid.tables import read_csv
from deid.values import DEEPEST, encodings_of, items_of, safe_item, text_of, vr_of

__all__ = ["Identity", "concept_code", "harvest_identity", "harvest_one", "may_identify"]

Strings = frozenset[str]
# Publication dates of context groups and templates (PS3.3 8.6, C.18.8): they date no one's study.
_CONCEPT, _CODE = BaseTag(0x0040A043), BaseTag(0x00080100)
_CONTENT = frozenset({0x0040A120, 0x0040A121, 0x0040A123, 0x0040A160})
"""Values of a content item: date-time, date, person name, text (PS3.3 C.17.3)."""
_FIRST_NOT_HARVESTED = 0x5400
_BY_VR = {"PN": "names", "DA": "dates", "DT": "dates"}
_VERSIONS = frozenset({0x00080106, 0x00080107, 0x0040DB06, 0x0040DB07})


@dataclass(frozen=True)
class Identity:
    """What may not be found in the result; values as written, dates as YYYYMMDD."""

    names: Strings = field(default=frozenset(), repr=False)
    ids: Strings = field(default=frozenset(), repr=False)
    institutions: Strings = field(default=frozenset(), repr=False)
    places: Strings = field(default=frozenset(), repr=False)
    birth_dates: Strings = field(default=frozenset(), repr=False)
    dates: Strings = field(default=frozenset(), repr=False)
    exam_dates: Strings = field(default=frozenset(), repr=False)
    """Those of ``dates`` on which the patient was imaged: ages are counted from them."""

    def __or__(self, other: Identity) -> Identity:
        """Return what either holds."""
        return Identity(*(getattr(self, f.name) | getattr(other, f.name) for f in fields(self)))

    def covers(self, other: Identity) -> bool:
        """Tell whether this holds all of ``other``."""
        return all(getattr(self, f.name) >= getattr(other, f.name) for f in fields(self))


_LONGEST_CHARACTERS = 2048
"""Twice the longest value of PS3.5 6.2 that names a person or a place (ST); more is no name."""


def harvest_identity(datasets: Iterable[Dataset]) -> Identity:
    """Return the identity found in ``datasets`` (one patient's), at every level of nesting.

    An object that cannot be read to its end adds nothing: its own release refuses it, and it must
    not cost the study the others.
    """
    identity = Identity()
    for ds in datasets:
        try:
            identity = identity | harvest_one(ds)
        except Exception:  # noqa: BLE001, S112 - release meets the same error and refuses the object
            continue
    return identity


def harvest_one(ds: Dataset) -> Identity:
    """Return the identity found in one object; an element that cannot be read raises."""
    found: dict[str, set[str]] = {f.name: set() for f in fields(Identity)}
    _harvest(ds, ["iso8859"], found)
    found["dates"] -= found["birth_dates"]
    return Identity(**{name: frozenset(values) for name, values in found.items()})


def may_identify(tag: int, vr: str) -> bool:
    """Tell whether an attribute at the top of an object can add to its identity."""
    if tag & 0x10000 or tag >> 16 >= _FIRST_NOT_HARVESTED:
        return False
    return vr == "SQ" or vr in _BY_VR or tag in _sources()


@cache
def _sources() -> dict[int, str]:
    rows = read_csv("identity_attributes.csv")
    return {
        tag: row["kind"]
        for row in rows
        if (tag := tag_for_keyword(row["keyword"])) is not None and not row["within"]
    }


@cache
def _inside() -> dict[tuple[int, int], str]:
    """Return the kind of an attribute that names somebody only inside one sequence."""
    tags = (
        (tag_for_keyword(row["within"]), tag_for_keyword(row["keyword"]), row["kind"])
        for row in read_csv("identity_attributes.csv")
        if row["within"]
    )
    return {(outer, tag): kind for outer, tag, kind in tags if outer and tag}


@cache
def _concepts() -> dict[str, str]:
    return {row["code"]: row["kind"] for row in read_csv("identity_concepts.csv")}


def _harvest(
    ds: Dataset,
    parent: Sequence[str],
    found: dict[str, set[str]],
    within: int = 0,
    depth: int = 0,
) -> None:
    if depth > DEEPEST:
        raise UnreadableObject("DEID_TOO_DEEP", f"more than {DEEPEST} levels")
    encodings = encodings_of(ds, parent)
    concept = _concepts().get(concept_code(ds, encodings))
    for tag in list(ds.keys()):
        if tag.is_private or tag.group >= _FIRST_NOT_HARVESTED:
            continue  # pixels and waveforms; private copies repeat the public ones
        item = safe_item(ds, tag)
        vr = vr_of(item)
        if vr == "SQ":
            for nested in items_of(ds, item, encodings):
                _harvest(nested, encodings, found, int(tag), depth + 1)
            continue
        kind = _sources().get(tag) or _inside().get((within, tag)) or _BY_VR.get(vr)
        if concept and tag in _CONTENT:
            kind = concept
        if kind and tag not in _VERSIONS:
            _add(kind, text_of(item, encodings).split("\\"), found)


def _add(kind: str, values: Iterable[str], found: dict[str, set[str]]) -> None:
    for value in values:
        text = _as_date(value) if kind.endswith("dates") else value.strip(" \0")
        if len(text) > _LONGEST_CHARACTERS:
            raise UnreadableObject("DEID_TOO_LARGE", "a name or number without end")
        if text:
            found[kind].add(text)
            if kind == "exam_dates":
                found["dates"].add(text)


def concept_code(item: Dataset, encodings: Sequence[str]) -> str:
    """Return the code of what a content item is about (PS3.3 C.17.3), "" where it does not say."""
    if _CONCEPT not in item:
        return ""
    names = items_of(item, safe_item(item, _CONCEPT), encodings)
    return text_of(names[0].get_item(_CODE), ()) if names and _CODE in names[0] else ""


def _as_date(value: str) -> str:
    digits = value.strip().replace(".", "")[:8] if "." in value[:8] else value.strip()[:8]
    return digits if valid_day(digits) else ""
