"""Elements as they lie in a dataset: read without decoding where it can be, written as bytes."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pydicom.charset import convert_encodings, decode_bytes, encode_string, python_encoding
from pydicom.datadict import dictionary_has_tag, dictionary_keyword, dictionary_VR
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.tag import BaseTag
from pydicom.valuerep import STANDARD_VR
from pydicom.values import convert_SQ

from config.errors import UnreadableObject

__all__ = [
    "CHARSET_VRS", "DEEPEST", "TEXT_VRS", "Element", "encodings_of", "is_empty", "items_of",
    "keyword_of", "new_text", "safe_item", "text_of", "vr_of",
]  # fmt: skip

Element = DataElement | RawDataElement
CHARSET_VRS = frozenset({"LO", "LT", "PN", "SH", "ST", "UC", "UT"})
"""VRs written in the Specific Character Set (PS3.5 6.1.2.2)."""
TEXT_VRS = CHARSET_VRS | {"AE", "UR"}
_BINARY_VRS = frozenset({
    "AT", "FD", "FL", "OB", "OD", "OF", "OL", "OV", "OW", "SL", "SS", "SV", "UL", "US", "UV",
    "OB or OW", "US or SS", "US or OW", "US or SS or OW",
})  # fmt: skip
DEEPEST = 32
"""Sequences inside one another; the deepest content tree of PS3.16 has about ten."""
_UNDEFINED_LENGTH = 0xFFFFFFFF
_MULTI_BYTE = frozenset({
    "UTF8", "GB18030", "GBK", "GB2312", "shift_jis", "euc_kr", "iso2022_jp", "iso2022_jp_2",
    "iso_ir_58",
})  # fmt: skip
"""Python's names for character sets of which a letter may be several bytes (PS3.3 C.12.1.1.2)."""


def encodings_of(ds: Dataset, parent: Sequence[str]) -> Sequence[str]:
    """Return Python's names for the dataset's Specific Character Set, or its parent's.

    A term that PS3.3 C.12.1.1.2 does not have counts as Latin-1, in which no byte is lost; Python
    would take its own names for character sets too, under which a name reads as something else.
    """
    if "SpecificCharacterSet" not in ds:
        return parent
    text = text_of(ds.get_item(BaseTag(0x00080005)), ())
    if not text:
        return parent
    terms = [re.sub(r"^ISO[-. ]IR", "ISO_IR", term.strip()) for term in text.split("\\")]
    return convert_encodings([term if term in python_encoding else "" for term in terms])


def safe_item(ds: Dataset, tag: BaseTag) -> Element:
    """Return the element as it lies; what its own header contradicts is refused.

    Raises
    ------
    UnreadableObject
        ``DEID_TRUNCATED`` (value shorter than its length) or ``DEID_BAD_VR`` (none of PS3.5 6.2),
        with the tag.
    """
    item: Element = ds.get_item(tag)
    if isinstance(item, RawDataElement):
        allowed_lengths = {len(item.value or b""), _UNDEFINED_LENGTH}
        if item.length not in allowed_lengths:
            raise UnreadableObject("DEID_TRUNCATED", str(tag))
        if item.VR is not None and item.VR not in STANDARD_VR:
            raise UnreadableObject("DEID_BAD_VR", str(tag))
    return item


def items_of(ds: Dataset, item: Element, encodings: Sequence[str]) -> list[Dataset]:
    """Return the items of a sequence.

    A sequence that travelled as UN is implicit VR little endian inside (PS3.5 6.2.2).

    Raises
    ------
    UnreadableObject
        ``DEID_SEQUENCE`` with the tag, when the value is no sequence.
    """
    is_unnamed = item.VR == "UN" or (item.VR is None and item.tag.is_private)
    if item.is_raw and is_unnamed:
        value = convert_SQ(item.value or b"", True, True, list(encodings))
    else:
        value = ds[item.tag].value
    if value is None or value == b"":
        return []
    if isinstance(value, DicomSequence):
        return list(value)
    raise UnreadableObject("DEID_SEQUENCE", str(item.tag))


def vr_of(item: Element) -> str:
    """Return the element's VR; for implicit VR and UN the dictionary's, "" when it has none."""
    written = item.VR
    if written and written != "UN":
        return written
    return str(dictionary_VR(item.tag)) if dictionary_has_tag(item.tag) else ""


def keyword_of(tag: BaseTag) -> str:
    """Return the keyword of a standard tag, or its eight hexadecimal digits."""
    return str(dictionary_keyword(tag)) if dictionary_has_tag(tag) else f"{tag:08X}"


def is_empty(item: Element) -> bool:
    """Tell whether the element holds no value; blanks are none in text, zero is one in numbers."""
    if isinstance(item, RawDataElement):
        value = item.value or b""
        return not (value if vr_of(item) in _BINARY_VRS else value.strip(b" \0"))
    return bool(item.is_empty)


def text_of(item: Element, encodings: Sequence[str]) -> str:
    """Return the value as one string, values joined by a backslash, padding gone."""
    if isinstance(item, RawDataElement):
        return _decoded(item.value or b"", encodings).strip(" \0")
    value = item.value
    if isinstance(value, bytes):
        return value.decode("latin-1").strip(" \0")
    if isinstance(value, str) or not isinstance(value, Sequence):
        return "" if value is None else str(value).strip(" \0")
    return "\\".join(str(part) for part in value)


def _decoded(value: bytes, encodings: Sequence[str]) -> str:
    """Return text as its character set says, unless its bytes say otherwise.

    UTF-8 written under a one-byte character set, and one-byte text under UTF-8, are both common; a
    name decoded the wrong way would not be found.
    """
    if (value.isascii() and b"\x1b" not in value) or not encodings:
        return value.decode("latin-1")
    if len(encodings) == 1:
        try:
            if encodings[0] not in _MULTI_BYTE:
                return value.decode("utf-8")
            return value.decode(encodings[0])
        except (UnicodeDecodeError, LookupError):
            if encodings[0] == "UTF8":
                return value.decode("latin-1")
    return str(decode_bytes(value, encodings, {0x0A, 0x0C, 0x0D, 0x5C}))


def new_text(tag: BaseTag, vr: str, text: str, encodings: Sequence[str] = ()) -> RawDataElement:
    """Return an element that will be written with ``text``, padded to even length (PS3.5 6.2)."""
    if text.isascii() or vr not in CHARSET_VRS:
        value = text.encode("ascii", "replace")
    else:
        value = encode_string(text, encodings or ["iso8859"])
    if len(value) % 2:
        value += b"\0" if vr == "UI" else b" "
    return RawDataElement(tag, vr, len(value), value, 0, False, True, True)
