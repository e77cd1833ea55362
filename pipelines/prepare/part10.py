"""Read the header of a Part 10 file and find its pixels, without reading them (PS3.10 7.1)."""

from __future__ import annotations

import os
import struct
from pathlib import Path

from deid.fast_runs import RunScanner
from deid.fast_scan import PIXEL_DATA, UNDEFINED_LENGTH, Odd, Scanned, Short, scan
from deid.header import Header
from deid.span import Span
from pipelines.prepare.fragments import walk_fragments

__all__ = ["FRONT_BYTES", "header_of", "read_part10"]

FRONT_BYTES = 1 << 16
_LARGEST_HEADER_BYTES = 256 << 20
_LARGEST_TAIL_BYTES = 1 << 20
_META_START = 132
_IMPLICIT, _EXPLICIT = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
_ENCAPSULATED = ("1.2.840.10008.1.2.4.",)
"""JPEG and its kin (PS3.5 A.4); of RLE the runs must be counted, so it is read whole."""
_GROUP_LENGTH = b"\x02\x00\x00\x00UL\x04\x00"
_RLE = "1.2.840.10008.1.2.5"
_SEQUENCE_END_BYTES = 8
_BRIEF_HEAD_BYTES, _LONG_HEAD_BYTES = 8, 12
_PIXEL_VRS = (b"OB", b"OW")


def read_part10(path: Path, scanner: RunScanner | None = None) -> Header | None:
    """Return an object's header and where its pixels lie; None for any but a plain image file.

    Plain is: preamble, file meta group, little endian not deflated, Pixel Data at the top level,
    every element in its place. What is not is for :func:`pipelines.prepare.read.read_object`. A
    ``scanner`` that has seen like files is faster.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        front = os.pread(descriptor, FRONT_BYTES, 0)
        size = os.fstat(descriptor).st_size
        return header_of(descriptor, size, front, scanner or RunScanner())
    finally:
        os.close(descriptor)


def header_of(descriptor: int, size: int, front: bytes, scanner: RunScanner) -> Header | None:
    """Return what `read_part10` does of an open file; ``front`` is its first `FRONT_BYTES`."""
    try:
        return _read(descriptor, size, front, scanner)
    except (Odd, struct.error):  # the latter where the file ends inside a number
        return None


def _read(descriptor: int, size: int, buffer: bytes, scanner: RunScanner) -> Header | None:
    if buffer[128:132] != b"DICM" or buffer[_META_START : _META_START + 8] != _GROUP_LENGTH:
        return None
    start = _META_START + 12 + struct.unpack_from("<L", buffer, _META_START + 8)[0]
    if start > len(buffer):
        return None
    meta, end = scan(buffer[:start], _META_START, implicit_vr=False, size=start)
    if end != start or any(tag >> 16 != 2 for tag in meta):
        return None
    syntax = meta.get(0x00020010, b"")[8:].rstrip(b" \0").decode("latin-1")
    encapsulated = syntax.startswith(_ENCAPSULATED)
    if syntax == _RLE or (not encapsulated and syntax not in {_IMPLICIT, _EXPLICIT}):
        return None  # where an RLE frame ends, only its run lengths say
    implicit = syntax == _IMPLICIT
    while True:
        try:
            index, at = scanner.scan(buffer, start, implicit_vr=implicit, size=size)
            break
        except Short as short:
            wanted = max(short.end + FRONT_BYTES, 2 * len(buffer))
            if short.end > _LARGEST_HEADER_BYTES:
                return None
            buffer = os.pread(descriptor, min(wanted, size), 0)
    head = buffer[at : at + (_BRIEF_HEAD_BYTES if implicit else _LONG_HEAD_BYTES)]
    return _with_pixels(descriptor, size, (index, at, head), syntax)


def _with_pixels(
    descriptor: int, size: int, found: tuple[Scanned, int, bytes], syntax: str
) -> Header | None:
    """Return the header of the elements ``found`` before the place of the pixel element's head."""
    index, at, head = found
    if next(iter(index), 0) >> 16 < 8:
        return None
    implicit = syntax == _IMPLICIT
    head_bytes = _BRIEF_HEAD_BYTES if implicit else _LONG_HEAD_BYTES
    if len(head) < head_bytes:
        head = os.pread(descriptor, head_bytes, at)
    if len(head) < head_bytes or (not implicit and head[4:6] not in _PIXEL_VRS):
        return None
    (length,) = struct.unpack("<L", head[-4:])
    if (length == UNDEFINED_LENGTH) != syntax.startswith(_ENCAPSULATED):
        return None
    place = at + head_bytes
    if length == UNDEFINED_LENGTH:
        end, asides = walk_fragments(descriptor, place, size)
        span, rest = Span(place, end - place), end + _SEQUENCE_END_BYTES
    else:
        span, rest, asides = Span(place, length), place + length, ()
    if rest > size or (length % 2 == 1 and length != UNDEFINED_LENGTH):
        return None
    index.append({PIXEL_DATA: head})
    if rest < size:
        index.append(_tail(descriptor, rest, size, implicit=implicit))
    return Header(index, syntax, implicit, span, asides)


def _tail(descriptor: int, start: int, size: int, *, implicit: bool) -> dict[int, bytes]:
    """Return the elements after the pixels; they must fill the rest of the file."""
    if size - start > _LARGEST_TAIL_BYTES:
        raise Odd
    buffer = os.pread(descriptor, size - start, start)
    index, end = scan(buffer, 0, implicit_vr=implicit, size=len(buffer))
    if end != len(buffer) or next(iter(index)) <= PIXEL_DATA:
        raise Odd
    return index
