"""Whether a value is what its VR says (PS3.5 6.2); one that is not may hold anything."""

from __future__ import annotations

import re

from pydicom.datadict import dictionary_has_tag, dictionary_VM
from pydicom.dataelem import RawDataElement
from pydicom.tag import BaseTag

from deid.values import TEXT_VRS, Element, keyword_of

__all__ = ["fits", "is_bulk", "is_code_string", "padded"]

_LETTERS = {  # what a value may be written with, several values and padding included
    "AS": re.compile(rb"[0-9DWMY\\ \0]*"),
    "DA": re.compile(rb"[0-9.\\ \0-]*"),
    "DS": re.compile(rb"[0-9+\-.eE\\ \0]*"),
    "DT": re.compile(rb"[0-9+\-.\\ \0]*"),
    "IS": re.compile(rb"[0-9+\-.eE\\ \0]*"),
    "TM": re.compile(rb"[0-9.:\\ \0-]*"),
    "UI": re.compile(rb"[0-9.\\ \0]*"),
}
_SIZES_BYTES = {
    "AT": 4, "FD": 8, "FL": 4, "SL": 4, "SS": 2, "SV": 8, "UL": 4, "US": 2, "UV": 8,
}  # fmt: skip
_BULK = frozenset({
    "ChannelMaximumValue", "ChannelMinimumValue", "FillPattern", "ICCProfile", "WaveformData",
    "WaveformPaddingValue", "WeightingLookupTableData",
})  # fmt: skip
"""Attributes of bytes (OB) that are measurements or colours; any other may be a text or a file."""
_CODE_STRING = re.compile(r"[A-Z0-9_ ]{0,16}")


def fits(item: Element, vr: str) -> bool:
    """Tell whether a value can be one of ``vr``; of text, anything can.

    A number of another size than its multiplicity (PS3.6 6) allows is none: the rest of it would
    be bytes that no reader looks at.
    """
    if not isinstance(item, RawDataElement):
        return item.VR != "SQ" or vr == "SQ"
    if item.VR == "SQ" and vr != "SQ":
        return False
    value = item.value or b""
    if vr in _LETTERS:
        return _LETTERS[vr].fullmatch(value) is not None
    size = _SIZES_BYTES.get(vr.partition(" or ")[0])
    if size is None or "OW" in vr:
        return True
    vm = str(dictionary_VM(item.tag)) if _is_plain(item.tag) else "1-n"
    return len(value) % size == 0 if not vm.isdigit() else len(value) == int(vm) * size


def is_code_string(text: str) -> bool:
    """Tell whether every value is written as a CS may be."""
    return all(_CODE_STRING.fullmatch(value) for value in text.split("\\"))


def padded(item: Element, vr: str) -> Element:
    """Return text that its writer filled up with zeros filled up with blanks (PS3.5 6.2)."""
    is_text = vr in TEXT_VRS or vr in {"AS", "CS", "DS", "IS"}
    if not is_text or not isinstance(item, RawDataElement) or item.VR == "UN":
        return item
    value = item.value or b""
    kept = value.rstrip(b"\0")
    return item if kept == value else item._replace(value=kept.ljust(len(value)))


def is_bulk(item: Element) -> bool:
    """Tell whether an attribute of bytes may stay; an ICC profile must be one (ICC.1 7.2)."""
    keyword = keyword_of(item.tag)
    if keyword != "ICCProfile":
        return keyword in _BULK
    value = bytes(item.value or b"")
    size = int.from_bytes(value[:4], "big")
    return value[36:40] == b"acsp" and 0 <= len(value) - size <= 1


def _is_plain(tag: BaseTag) -> bool:
    return not tag.is_private and dictionary_has_tag(tag)
