"""Plain text out of a dataset, without ever raising or warning on a value.

A warning of pydicom quotes the value it complains about, which may be a name. Text is therefore
decoded here from the raw bytes (PS3.5 section 6.1.2); what cannot be decoded is replaced.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from pydicom.charset import decode_bytes, python_encoding
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.valuerep import TEXT_VR_DELIMS

__all__ = ["text", "text_in", "texts"]

_ENCODED_VRS = frozenset({"LO", "LT", "PN", "SH", "ST", "UC", "UT"})
_PADDING = " \0"
_CHARACTER_SET = 0x00080005


def texts(ds: Dataset, keyword: str) -> tuple[str, ...]:
    """Return an attribute's values as text, padding removed; empty when it is absent or empty."""
    tag = tag_for_keyword(keyword)
    if tag is None or tag not in ds:
        return ()
    element: Any = ds.get_item(tag)  # raw as read, or as set
    value = element.value
    if not isinstance(element, RawDataElement):
        many = value if isinstance(value, (list, tuple)) or hasattr(value, "append") else [value]
        found = tuple("" if one is None else str(one).strip(_PADDING) for one in many)
    else:
        encodings = _encodings(ds) if dictionary_VR(tag) in _ENCODED_VRS else ["iso8859"]
        found = _values(value or b"", encodings)
    return found if any(found) else ()


def text(ds: Dataset, keyword: str) -> str:
    """Return the first value of an attribute as text, empty when there is none."""
    return next(iter(texts(ds, keyword)), "")


def text_in(elements: Mapping[int, bytes], keyword: str) -> str:
    """Return what `text` does, of a dataset's encoded values by tag."""
    tag = tag_for_keyword(keyword)
    value = elements.get(tag or 0, b"")
    encodings = ["iso8859"]
    if tag is not None and dictionary_VR(tag) in _ENCODED_VRS and _CHARACTER_SET in elements:
        encodings = _named(elements[_CHARACTER_SET])
    found = _values(value, encodings)
    return found[0] if any(found) else ""


def _values(value: bytes, encodings: list[str]) -> tuple[str, ...]:
    return tuple(part.strip(_PADDING) for part in _decode(value, encodings).split("\\"))


def _encodings(ds: Dataset) -> list[str]:
    """Return Python's names for (0008,0005) Specific Character Set; unknown ones as Latin-1."""
    if "SpecificCharacterSet" not in ds:
        return ["iso8859"]
    value = ds.get_item("SpecificCharacterSet").value  # pydicom keeps this one decoded
    if isinstance(value, bytes):
        return _named(value)
    terms = [value] if isinstance(value, str) else [str(term) for term in value or [""]]
    return _python_names(terms)


def _named(value: bytes) -> list[str]:
    return _python_names(value.decode("ascii", "replace").split("\\"))


def _python_names(terms: list[str]) -> list[str]:
    return [python_encoding.get(term.strip(_PADDING), "iso8859") for term in terms] or ["iso8859"]


def _decode(value: bytes, encodings: list[str]) -> str:
    if len(encodings) == 1:
        return value.decode(encodings[0], "replace")
    try:
        with warnings.catch_warnings():  # a warning would quote the bytes
            warnings.simplefilter("ignore")
            return decode_bytes(value, encodings, TEXT_VR_DELIMS)
    except (LookupError, UnicodeError):
        return value.decode("iso8859")
