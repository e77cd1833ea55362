"""An object as its bytes: elements by tag as they lie, and pixels by their place."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filereader import read_dataset
from pydicom.tag import BaseTag
from pydicom.uid import UID
from pydicom.valuerep import EXPLICIT_VR_LENGTH_32

from deid.fast_scan import PIXEL_DATA
from deid.span import Span

__all__ = ["Header", "as_it_lies", "element_of", "read_part"]

_UNDEFINED = b"\xff\xff\xff\xff"
_BRIEF_HEAD_BYTES, _LONG_HEAD_BYTES = 8, 12


@dataclass(frozen=True)
class Header:
    """One object in little endian with Pixel Data that is not read.

    ``index`` holds every element with its header, in order of tags; of the pixel element only the
    header. ``pixels`` is the place of its value, without the delimiter of encapsulated data.
    ``asides`` is what lies in that value and is no sample: comments of codecs, padding.
    """

    index: Mapping[int, bytes]
    syntax_uid: str
    implicit_vr: bool
    pixels: Span
    asides: tuple[bytes, ...] = ()

    def dataset(self) -> Dataset:
        """Return the object as pydicom reads it, the pixels a :class:`Span`."""
        ds = read_part((v for t, v in self.index.items() if t != PIXEL_DATA), self.implicit_vr)
        ds._dict[BaseTag(PIXEL_DATA)] = self._pixel_element()  # noqa: SLF001 - ds[...] would decode
        meta = FileMetaDataset()
        meta.TransferSyntaxUID = UID(self.syntax_uid)
        ds.file_meta = meta
        return ds

    def _pixel_element(self) -> RawDataElement:
        head = self.index[PIXEL_DATA]
        vr = None if self.implicit_vr else head[4:6].decode()
        (length,) = struct.unpack("<L", head[-4:])
        value: Any = self.pixels  # has a length, as bytes have
        implicit = self.implicit_vr
        return RawDataElement(BaseTag(PIXEL_DATA), vr, length, value, 0, implicit, True, True)


def read_part(elements: Iterable[bytes], implicit_vr: bool) -> Dataset:  # noqa: FBT001
    """Return the data set of some elements, read as a file of them would be."""
    return read_dataset(BytesIO(b"".join(elements)), implicit_vr, True)


def element_of(blob: bytes, tag: int, implicit_vr: bool) -> RawDataElement | None:  # noqa: FBT001
    """Return one element of a defined length; None for a sequence of undefined length."""
    vr = None if implicit_vr else blob[4:6].decode()
    start = _BRIEF_HEAD_BYTES if vr not in EXPLICIT_VR_LENGTH_32 else _LONG_HEAD_BYTES
    if (implicit_vr or start == _LONG_HEAD_BYTES) and blob[start - 4 : start] == _UNDEFINED:
        return None
    value = blob[start:]
    return RawDataElement(BaseTag(tag), vr, len(value), value, 0, implicit_vr, True, True)


def as_it_lies(ds: Dataset) -> Dataset:
    """Return a copy of a data set, nothing of it decoded, without its file meta group."""
    copy = Dataset(dict(ds._dict))  # noqa: SLF001 - to ask for an element is to decode it
    implicit, little = ds.original_encoding
    copy.set_original_encoding(implicit, little, ds.original_character_set)
    return copy
