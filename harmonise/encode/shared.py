"""What the images of a series share is decoded once and encoded once."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import Any, cast

from pydicom.datadict import dictionary_VR
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import correct_ambiguous_vr, write_data_element

__all__ = ["Shared"]

Key = tuple[int, str, bytes, str]


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
        raw: Any = source.get_item(tag)
        if not isinstance(raw, RawDataElement) or raw.value is None or not _is_plain(tag, raw.VR):
            return without_private(source[tag])
        key = (tag, f"{raw.VR}{raw.is_implicit_VR}{raw.is_little_endian}", raw.value, character_set)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = _Known(without_private(source[tag]))
        mine = copy(known.element)
        self._lent[tag] = (mine, known)
        return mine

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
                parts.append(_encoded(element, encodings))
                continue
            known = lent[1]
            known.encoded = known.encoded or _encoded(element, encodings)
            parts.append(known.encoded)
        return b"".join(parts)


def _is_changed(mine: DataElement, known: _Known) -> bool:
    return mine.value is not known.element.value or mine.VR != known.element.VR


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
