"""What can be said of a released file without its original: marks, meta, UIDs, dates, patterns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from pipelines.audit.against import text_at
from pipelines.audit.french import identifiers
from pipelines.audit.part10 import Part10
from pipelines.audit.regions import Region
from pipelines.audit.text import decode
from pipelines.audit.walker import Leaf, walk

__all__ = ["claimed_codes", "structure"]

_METHODS = frozenset(str(code) for code in range(113100, 113113))
"""CID 7050 (PS3.16)."""
_META = frozenset({0x00020000, 0x00020001, 0x00020002, 0x00020003, 0x00020010, 0x00020012})
_META_ALLOWED = _META | {0x00020013}
_FIRST_YEAR = 1900
_CLASS_TAGS = frozenset({0x0008010C, 0x0008010D, 0x00080016, 0x00081150, 0x00080117, 0x00080118})
"""UIDs of coding schemes, context groups and classes: whoever made them, they name no one."""
_CODE_VALUE = "<(0008,0100)>"


def claimed_codes(part: Part10, found: Sequence[Leaf]) -> set[str]:
    """Return the codes of De-identification Method Code Sequence (0012,0064)."""
    return {
        decode(part.body[leaf.start : leaf.end], leaf.charset).strip(" \0")
        for leaf in found
        if leaf.path.startswith("<(0012,0064)>") and leaf.path.endswith(_CODE_VALUE)
    }


def structure(
    part: Part10, found: Sequence[Leaf], codes: set[str], looked_at: Sequence[Region]
) -> Iterator[tuple[str, str]]:
    """Yield (place, kind) of what no released file may show."""
    yield from _head(part, found)
    if text_at(part, found, "<(0012,0062)>") != "YES":
        yield "<(0012,0062)>", "identity not said to be removed"
    if not codes:
        yield "<(0012,0064)>", "no method codes"
    if codes - _METHODS:
        yield "<(0012,0064)>", "a code that is not in CID 7050"
    burned = text_at(part, found, "<(0028,0301)>") == "YES"
    if burned and "113101" not in codes:
        yield "<(0028,0301)>", "burned-in annotation"
    for leaf in found:
        yield from _element(part, leaf, codes)
    for region in looked_at:
        if region.manner in {"text", "bytes"}:
            for kind in dict.fromkeys(k for text in region.texts for k in identifiers(text)):
                yield region.place, kind


def _head(part: Part10, found: Sequence[Leaf]) -> Iterator[tuple[str, str]]:
    start, end = part.meta
    if start == 0:
        yield "byte 0", "no preamble"
    elif any(part.file[:128]):
        yield "byte 0", "preamble not zero"
    for leaf in walk(part.file, start, end, implicit=False):
        if leaf.tag not in _META_ALLOWED:
            yield leaf.path, "file meta names its sender"
        value = bytes(part.file[leaf.start : leaf.end]).strip(b" \0").decode("latin-1")
        if leaf.tag == 0x00020003 and value != text_at(part, found, "<(0008,0018)>"):
            yield leaf.path, "file meta names another instance"


def _element(part: Part10, leaf: Leaf, codes: set[str]) -> Iterator[tuple[str, str]]:
    group = leaf.tag >> 16
    if group & 1 and "113111" not in codes:
        yield leaf.path, "private element"
    if group & 0xFF00 == 0x5000:
        yield leaf.path, "curve"
    if leaf.tag == 0xFFFCFFFC:
        yield leaf.path, "trailing padding"
    if leaf.vr not in {"DA", "DT", "UI", "PN"} or leaf.end - leaf.start > 1024:
        return
    raw = bytes(part.body[leaf.start : leaf.end])
    for value in decode(raw, leaf.charset).split("\\"):
        text = value.strip(" \0")
        instance = leaf.vr == "UI" and leaf.tag not in _CLASS_TAGS and "113110" not in codes
        if instance and text and not _uid_fine(text):
            yield leaf.path, "UID of another root"
        if leaf.vr in {"DA", "DT"} and text and not _date_fine(text, leaf.vr):
            yield leaf.path, "date that is none"
        if leaf.vr == "PN" and "^" in text.strip("^ "):
            yield leaf.path, "person name"


def _uid_fine(uid: str) -> bool:
    return uid.startswith(("2.25.", "1.2.840.10008."))


def _date_fine(text: str, vr: str) -> bool:
    """Tell whether a DA or DT is a day since 1900 that has been (PS3.5 6.2)."""
    digits = text[:8] if vr == "DA" else (text[:4] + text[4:8].ljust(4, "0"))
    if vr == "DA" and len(text) != 8:
        return False
    try:
        month, day = int(digits[4:6] or 1) or 1, int(digits[6:8] or 1) or 1
        value = date(int(digits[:4]), month, day)
    except ValueError:
        return False
    return value.year >= _FIRST_YEAR
