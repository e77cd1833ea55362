"""What stays under ``unlisted: deny``: technical attributes, and terms of the standard.

Attributes outside Table E.1-1 stay when ``data/allowed_attributes.csv`` has them: what an IOD
requires and is no text, and what display, geometry and the physics of acquisition need. Of their
values, numbers stay as they are; of enumerated and coded ones only what the standard itself
prints, so that nothing a person typed passes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

from pydicom.datadict import tag_for_keyword

from deid.tables import read_csv, read_lines
from deid.values import TEXT_VRS, Element, is_empty, new_text, text_of

__all__ = ["allowed_tags", "only_terms"]

_CHARACTER_SET = re.compile(r"(ISO_IR|ISO 2022 IR) \d{1,3}|GB18030|GBK")  # PS3.3 C.12.1.1.2
_NUMBER = re.compile(r"\d{1,5}")  # template and context group identifiers (PS3.16), lossy 00 or 01
_OTHER = "REMOVED"
_CHARACTER_SET_TAG = 0x00080005
_CODE = frozenset({0x00080100, 0x00080102, 0x00080103, 0x00080104, 0x00080119, 0x00080120})
"""Code Value, Coding Scheme Designator and Version, Code Meaning, Long and URN Code Value (PS3.3
8.8)."""


@cache
def allowed_tags() -> frozenset[int]:
    """Return the tags outside Table E.1-1 that may stay."""
    tags = (tag_for_keyword(row["keyword"]) for row in read_csv("allowed_attributes.csv"))
    return frozenset(tag for tag in tags if tag is not None)


def only_terms(item: Element, vr: str, encodings: Sequence[str]) -> Element:
    """Return an enumerated or coded element with its terms of the standard and nothing else.

    A value that is none becomes ``REMOVED`` in its place; other VRs come back as they are.
    """
    if vr not in TEXT_VRS and vr != "CS":
        return item
    if is_empty(item):
        return item
    known = _codes() if item.tag in _CODE else _terms()
    values = [value.strip() for value in text_of(item, encodings).split("\\")]
    other = "ISO_IR 100" if item.tag == _CHARACTER_SET_TAG else _OTHER
    kept = [value if value in known or _is_plain(value) else other for value in values]
    return item if kept == values else new_text(item.tag, vr, "\\".join(kept), encodings)


def _is_plain(value: str) -> bool:
    return not value or bool(_NUMBER.fullmatch(value) or _CHARACTER_SET.fullmatch(value))


@cache
def _terms() -> frozenset[str]:
    return frozenset(read_lines("standard_terms.txt"))


@cache
def _codes() -> frozenset[str]:
    """Return code values, coding schemes and code meanings that PS3.16 prints."""
    from pydicom.sr._concepts_dict import concepts
    from pydicom.sr._snomed_dict import mapping

    schemes: dict[str, Any] = dict(concepts)
    found = {"SRT", "SNM3", "99SDM", *schemes, *_terms()}
    for by_keyword in schemes.values():
        for by_code in by_keyword.values():
            for code, (meaning, _) in by_code.items():
                found |= {code, meaning}
    for table in mapping.values():
        found |= {*table, *table.values()}
    return frozenset(found)
