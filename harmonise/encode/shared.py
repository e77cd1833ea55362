"""What the images of a series share is decoded once and encoded once."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import Any, cast

from pydicom.datadict import dictionary_VR
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import correct_ambiguous_vr, write_data_element
from pydicom.uid import UID

__all__ = ["Shared"]

_MOST_WRITTEN = 1 << 10

Key = tuple[int, str, Any, str]

_SIMPLE = (str, UID, int)
"""Kinds of values that are short, and written alike when they are equal: 0.0 equals -0.0."""


@dataclass
class _Known:
    element: DataElement
    encoded: bytes = b""


class Shared:
    """Elements of one series' headers by their stored bytes; for the writing of that series.

    Headers of a series hold the same bytes in most elements: those are parsed and written once.
    An element lent to an object is a copy; one whose value was set anew is written anew.
    """

    def __init__(self) -> None:
        self._known: dict[Key, _Known] = {}
        self._put: dict[str, _Known] = {}
        self._written: dict[tuple[int, str, type, Any, str], bytes] = {}
        self._lent: dict[int, tuple[DataElement, _Known]] = {}

    def begin(self) -> None:
        """Start another object: nothing is lent yet."""
        self._lent = {}

    def element(self, source: Dataset, tag: int, character_set: str) -> DataElement:
        """Return an element of a header, a copy of its own without private parts.

        Parameters
        ----------
        source : Dataset
        tag : int
        character_set : str
            What the header says in (0008,0005): the same bytes may be other text.
        """
        stored = _stored(source.get_item(tag))
        if stored is None:
            return without_private(source[tag])
        key = (tag, *stored, character_set)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = _Known(without_private(source[tag]))
        mine = copy(known.element)
        self._lent[tag] = (mine, known)
        return mine

    def put(self, ds: Dataset, keyword: str, make: Callable[[], Any]) -> None:
        """Give an object an attribute whose value, in ASCII, every object of the series has."""
        known = self._put.get(keyword)
        if known is None:
            setattr(ds, keyword, make())
            known = self._put[keyword] = _Known(ds[keyword])
        else:
            ds[known.element.tag] = known.element
        self._lent[int(known.element.tag)] = (known.element, known)

    def encode(self, ds: Dataset) -> bytes:
        """Return a data set in Explicit VR Little Endian (PS3.5 A.2), as pydicom writes it."""
        encodings = ds.get("SpecificCharacterSet", "iso8859")
        elements = [ds[e.tag] if e.is_raw else cast(DataElement, e) for e in ds.elements()]
        if any(" or " in element.VR for element in elements):
            correct_ambiguous_vr(ds, is_little_endian=True)
        parts = []
        for element in elements:
            lent = self._lent.get(int(element.tag))
            if lent is None or element is not lent[0] or _is_changed(*lent):
                parts.append(self._new(element, encodings))
                continue
            known = lent[1]
            known.encoded = known.encoded or _encoded(element, encodings)
            parts.append(known.encoded)
        return b"".join(parts)

    def _new(self, element: DataElement, encodings: str | list[str]) -> bytes:
        """Return what is written of an element that is no header's."""
        value = element.value
        if type(value) not in _SIMPLE or len(self._written) > _MOST_WRITTEN:
            return _encoded(element, encodings)
        key = (int(element.tag), element.VR, type(value), value, str(encodings))
        if key not in self._written:
            self._written[key] = _encoded(element, encodings)
        return self._written[key]


def _is_changed(mine: DataElement, known: _Known) -> bool:
    return mine.value is not known.element.value or mine.VR != known.element.VR


def _stored(raw: Any) -> tuple[str, Any] | None:
    """Return how an element of a header is stored, and its bytes; None where that cannot be told.

    A sequence of no length of its own is parsed when it is read: its bytes are those of its items.
    """
    if isinstance(raw, RawDataElement):
        is_told = raw.value is not None and _is_plain(raw.tag, raw.VR)
        return (
            (f"{raw.VR}{raw.is_implicit_VR}{raw.is_little_endian}", raw.value) if is_told else None
        )
    if raw.VR != "SQ":
        return None
    parts: list[Any] = []
    for item in raw.value:
        for element in item.elements():
            stored = _stored(element)
            if stored is None:
                return None
            parts.append((int(element.tag), *stored))
        parts.append(None)
    return "SQ", tuple(parts)


def _is_plain(tag: int, vr: str | None) -> bool:
    """Tell whether bytes alone say what an element is: its VR is known and one."""
    if vr is None:
        return " or " not in dictionary_VR(tag)
    return vr != "UN"


def without_private(element: DataElement) -> DataElement:
    """Return an element whose items, if it has any, have lost their private elements."""
    if element.VR == "SQ":
        for item in element.value or ():
            item.remove_private_tags()
    return element


def _encoded(element: DataElement, encodings: str | list[str]) -> bytes:
    stream = DicomBytesIO()
    stream.is_little_endian, stream.is_implicit_VR = True, False
    write_data_element(stream, element, encodings)
    return stream.getvalue()
