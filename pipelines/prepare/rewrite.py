"""Give an object new pixels: a file beside the source, or the same object in memory."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.tag import Tag
from pydicom.uid import UID

from config.files import disk_faults
from deid.admit import Syntax
from deid.blank.entry import BlankedPixels
from deid.encode import PREAMBLE, encode_part, file_meta
from deid.fast_scan import PIXEL_DATA
from deid.header import Header, as_it_lies
from deid.span import Span

__all__ = ["rewrite_file", "rewrite_in_memory"]

_UNDEFINED_LENGTH = 0xFFFFFFFF
_ENCAPSULATED_END_BYTES = 8


def rewrite_file(header: Header, blanked: BlankedPixels, target: Path) -> Header:
    """Write a Part 10 file with the elements of ``header`` and new pixels; return its header.

    Only for the next reader of this program: its file meta group names no SOP instance.

    Raises
    ------
    RejectedError
        As :func:`deid.blank.entry.blank_object` does while the value is read.
    EnvironmentFault
        When the disk is full.
    """
    syntax = _syntax(header, blanked)
    index = _changed(header, blanked, syntax)
    before = b"".join(blob for tag, blob in index.items() if tag < PIXEL_DATA)
    after = b"".join(blob for tag, blob in index.items() if tag > PIXEL_DATA)
    start = PREAMBLE + file_meta("", "", syntax) + before + index[PIXEL_DATA]
    with disk_faults(), target.open("wb") as stream:
        stream.write(start)
        length = _copied(stream, blanked)
        stream.write(after)
    place = Span(len(start), length)
    return replace(header, index=index, syntax_uid=syntax.uid, pixels=place, asides=())


def rewrite_in_memory(ds: Dataset, blanked: BlankedPixels) -> Dataset:
    """Return a copy of ``ds`` with new pixels.

    Raises
    ------
    RejectedError
        As :func:`deid.blank.entry.blank_object` does while the value is read.
    """
    out = as_it_lies(ds)
    out.file_meta = FileMetaDataset()
    out.file_meta.update(ds.file_meta)
    if str(ds.file_meta.get("TransferSyntaxUID")) != blanked.transfer_syntax_uid:
        out.file_meta.TransferSyntaxUID = UID(blanked.transfer_syntax_uid)
    element = DataElement(Tag(PIXEL_DATA), blanked.vr, b"".join(blanked.value))
    element.is_undefined_length = blanked.length is None
    out[element.tag] = element
    for keyword in blanked.removed:
        del out[Tag(keyword)]
    for keyword, value in blanked.changed.items():
        setattr(out, keyword, value)
    return out


def _syntax(header: Header, blanked: BlankedPixels) -> Syntax:
    encapsulated = blanked.length is None
    return Syntax(blanked.transfer_syntax_uid, header.implicit_vr, True, False, encapsulated)


def _changed(header: Header, blanked: BlankedPixels, syntax: Syntax) -> dict[int, bytes]:
    index = {t: blob for t, blob in header.index.items() if t not in set(map(Tag, blanked.removed))}
    ds = Dataset()
    for keyword, value in blanked.changed.items():
        setattr(ds, keyword, value)
    index.update((int(tag), encode_part(ds, [tag], syntax)) for tag in sorted(ds.keys()))
    length = _UNDEFINED_LENGTH if blanked.length is None else blanked.length
    vr = b"" if header.implicit_vr else blanked.vr.encode() + b"\0\0"
    index[PIXEL_DATA] = struct.pack("<HH", 0x7FE0, 0x0010) + vr + struct.pack("<L", length)
    return {tag: index[tag] for tag in sorted(index)}


def _copied(stream: BinaryIO, blanked: BlankedPixels) -> int:
    """Write the value; return its length without the delimiter, which `Header` leaves out."""
    written = 0
    for piece in blanked.value:
        written += stream.write(piece)
    return written if blanked.length is not None else written - _ENCAPSULATED_END_BYTES
