"""The pieces of a Part 10 file (PS3.10 7): preamble, file meta group, data set, what follows."""

from __future__ import annotations

import mmap
import zlib
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Buffer", "Part10", "is_dicom", "open_part10", "split"]

Buffer = bytes | mmap.mmap

IMPLICIT = "1.2.840.10008.1.2"
BIG_ENDIAN = "1.2.840.10008.1.2.2"
DEFLATED = "1.2.840.10008.1.2.1.99"
_LARGEST_INFLATED = 1 << 30
"""Bytes a deflated data set may grow to; a longer one is cut and reported as unreadable."""


@dataclass(frozen=True)
class Part10:
    """Where things lie: ``body`` holds the data set from ``start``; offsets are into ``body``."""

    file: Buffer
    meta: tuple[int, int]
    syntax: str
    body: Buffer
    start: int
    after: bytes

    @property
    def implicit(self) -> bool:
        """Whether the data set is Implicit VR (PS3.5 A.1)."""
        return self.syntax == IMPLICIT

    @property
    def big_endian(self) -> bool:
        """Whether the data set is Big Endian (PS3.5 A.3, retired)."""
        return self.syntax == BIG_ENDIAN

    @property
    def deflated(self) -> bool:
        """Whether ``body`` was inflated, so that its offsets are none of the file."""
        return self.syntax == DEFLATED


def open_part10(path: Path) -> Part10 | None:
    """Return the pieces of a file, mapped and not read; None when it is no DICOM file."""
    if path.stat().st_size < 8:
        return None
    with path.open("rb") as stream:
        data = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    return split(data)


def split(data: Buffer) -> Part10 | None:
    """Return the pieces of a file's bytes; None when they are no DICOM file."""
    if not is_dicom(data):
        return None
    start = 132 if data[128:132] == b"DICM" else 0
    end, syntax = _meta(data, start)
    if not syntax:
        syntax = _guess(data, end)
    if syntax != DEFLATED:
        return Part10(data, (start, end), syntax, data, end, b"")
    inflater = zlib.decompressobj(wbits=-15)
    try:
        body = inflater.decompress(data[end:], _LARGEST_INFLATED)
    except zlib.error:
        return Part10(data, (start, end), syntax, data, end, b"")
    return Part10(data, (start, end), syntax, body, 0, inflater.unused_data)


def is_dicom(data: Buffer) -> bool:
    """Tell whether bytes begin as a DICOM file does, with or without its preamble."""
    if data[128:132] == b"DICM":
        return True
    group, element = data[:2], data[2:4]
    known = group in {b"\x02\x00", b"\x08\x00", b"\x00\x08"} and element[-1:] in {b"\x00", b"\x16"}
    return known and len(data) > 8 and (data[4:6].isalpha() or data[6:8] == b"\0\0")


def _meta(data: Buffer, start: int) -> tuple[int, str]:
    """Return where the file meta group ends and the transfer syntax it names (PS3.10 7.1)."""
    at, syntax = start, ""
    while data[at : at + 2] == b"\x02\x00":
        vr = data[at + 4 : at + 6]
        long = vr in {b"OB", b"UN", b"UT", b"OW"}
        size = data[at + 8 : at + 12] if long else data[at + 6 : at + 8]
        value = at + (12 if long else 8)
        length = int.from_bytes(size, "little")
        if data[at + 2 : at + 4] == b"\x10\x00":
            syntax = data[value : value + length].strip(b" \0").decode("ascii", "replace")
        at = value + length
    return at, syntax


def _guess(data: Buffer, at: int) -> str:
    """Return the native syntax that the first element is written in."""
    if data[at + 4 : at + 6].isalpha():
        return BIG_ENDIAN if data[at : at + 2] == b"\x00\x08" else "1.2.840.10008.1.2.1"
    return IMPLICIT
