"""Where the elements of a data set lie: one pass over its bytes, nothing decoded (PS3.5 7.1).

Only what every well-formed object shows is understood: tags in ascending order, VRs of the
standard, values that end inside the file. Of anything else `Odd` is raised, and the caller reads
the object as :mod:`pydicom` does.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass

from pydicom.valuerep import EXPLICIT_VR_LENGTH_32, STANDARD_VR

__all__ = [
    "NO_RUNS", "PIXEL_DATA", "UNDEFINED_LENGTH", "Odd", "Run", "Scanned", "Short", "scan",
    "sequence_end",
]  # fmt: skip

PIXEL_DATA = 0x7FE00010
UNDEFINED_LENGTH = 0xFFFFFFFF
_DEEPEST = 16
_ITEM, _ITEM_END, _SEQUENCE_END = 0xE000FFFE, 0xE00DFFFE, 0xE0DDFFFE
"""Tags of PS3.5 7.5 as one little-endian number: element above group."""
_LONG = frozenset(str(vr).encode() for vr in EXPLICIT_VR_LENGTH_32)
_BRIEF = frozenset(str(vr).encode() for vr in STANDARD_VR if len(str(vr)) == 2) - _LONG
_EXPLICIT = struct.Struct("<HH2sH").unpack_from
_IMPLICIT = struct.Struct("<HHL").unpack_from
_NUMBER = struct.Struct("<L").unpack_from
_HEAD_BYTES, _LONG_HEAD_BYTES = 8, 12


class Odd(Exception):
    """The bytes are not what this scanner understands."""


class Short(Exception):
    """The buffer ends inside an element; ``end`` is how far it must reach at least."""

    def __init__(self, end: int) -> None:
        super().__init__(end)
        self.end = end


@dataclass(frozen=True, eq=False, slots=True)
class Run:
    """Consecutive elements and their bytes, known from an earlier header; each is itself alone.

    ``last`` is the last tag, ``creators`` are the tags of the private creators outside of the run
    that private elements inside belong to.
    """

    data: bytes
    elements: Mapping[int, bytes]
    last: int
    creators: tuple[int, ...]


NO_RUNS: Mapping[int, Run] = {}


class Scanned(dict[int, bytes]):
    """Elements by tag, each with its header as it lies, in order.

    ``runs`` are the stretches that were known again, ``loose`` the tags outside of them. Whoever
    changes an element makes a plain mapping, which has neither.
    """

    __slots__ = ("loose", "runs")

    def __init__(self) -> None:
        super().__init__()
        self.runs: list[Run] = []
        self.loose: list[int] = []

    def append(self, elements: Mapping[int, bytes]) -> None:
        """Add elements behind the others."""
        self.update(elements)
        self.loose += elements


def scan(
    buffer: bytes, start: int, *, implicit_vr: bool, size: int, after: Mapping[int, Run] = NO_RUNS
) -> tuple[Scanned, int]:
    """Return the elements by tag, each with its header as it lies, and where the scan ended.

    It ends before Pixel Data (7FE0,0010) or at the end of the data set.

    Parameters
    ----------
    buffer : bytes
        The data set from ``start`` on, little endian; it may end early.
    start : int
        Where the first element begins.
    implicit_vr : bool
        Whether the elements have no VR (PS3.5 7.1.3).
    size : int
        Where the whole data set ends, counted as ``buffer`` is.
    after : mapping
        What may be expected after a tag, 0 for the beginning. Where the bytes of a run lie, there
        are its elements: nothing outside of an element says where it ends.

    Raises
    ------
    Short
        The buffer ends before the data set does.
    Odd
        Not understood.
    """
    read = _scan_implicit if implicit_vr else _scan_explicit
    return read(buffer, start, size, after)


def _scan_explicit(
    buffer: bytes, start: int, size: int, after: Mapping[int, Run]
) -> tuple[Scanned, int]:
    found = Scanned()
    loose = found.loose
    at, have, last = start, len(buffer), 0
    while at < size:
        run = after.get(last)
        if run is not None and buffer.startswith(run.data, at):
            found.update(run.elements)
            found.runs.append(run)
            at, last = at + len(run.data), run.last
            continue
        if at + _LONG_HEAD_BYTES > have and have < size:
            raise Short(at + _LONG_HEAD_BYTES)
        if at + _HEAD_BYTES > have:
            raise Odd
        group, element, vr, length = _EXPLICIT(buffer, at)
        tag = group << 16 | element
        if tag <= last:
            raise Odd
        if tag == PIXEL_DATA:
            break
        end = at + _HEAD_BYTES + length
        if vr not in _BRIEF:
            end = _long_end(buffer, at, vr, size)
        if end > have:
            raise Short(end) if end <= size else Odd
        found[tag] = buffer[at:end]
        loose.append(tag)
        at, last = end, tag
    return found, at


def _long_end(buffer: bytes, at: int, vr: bytes, size: int) -> int:
    """Return where an element with a four-byte length ends (PS3.5 7.1.2)."""
    if vr not in _LONG or at + _LONG_HEAD_BYTES > len(buffer):
        raise Odd
    (length,) = _NUMBER(buffer, at + _HEAD_BYTES)
    if length != UNDEFINED_LENGTH:
        return int(at + _LONG_HEAD_BYTES + length)
    if vr != b"SQ":
        raise Odd  # what travelled as UN is implicit inside
    return sequence_end(buffer, at + _LONG_HEAD_BYTES, implicit_vr=False, size=size)


def _scan_implicit(
    buffer: bytes, start: int, size: int, after: Mapping[int, Run]
) -> tuple[Scanned, int]:
    found = Scanned()
    loose = found.loose
    at, have, last = start, len(buffer), 0
    while at < size:
        run = after.get(last)
        if run is not None and buffer.startswith(run.data, at):
            found.update(run.elements)
            found.runs.append(run)
            at, last = at + len(run.data), run.last
            continue
        if at + _HEAD_BYTES > have:
            raise Short(at + _HEAD_BYTES) if have < size else Odd
        group, element, length = _IMPLICIT(buffer, at)
        tag = group << 16 | element
        if tag <= last:
            raise Odd
        if tag == PIXEL_DATA:
            break
        end = at + _HEAD_BYTES + length
        if length == UNDEFINED_LENGTH:
            end = sequence_end(buffer, at + _HEAD_BYTES, implicit_vr=True, size=size)
        if end > have:
            raise Short(end) if end <= size else Odd
        found[tag] = buffer[at:end]
        loose.append(tag)
        at, last = end, tag
    return found, at


def sequence_end(buffer: bytes, at: int, *, implicit_vr: bool, size: int, depth: int = 0) -> int:
    """Return where a sequence of undefined length ends, its delimiter included (PS3.5 7.5.2).

    Raises
    ------
    Short, Odd
        As `scan`.
    """
    if depth > _DEEPEST:
        raise Odd
    while True:
        tag, length = _pair(buffer, at, size)
        at += _HEAD_BYTES
        if tag == _SEQUENCE_END and length == 0:
            return at
        if tag != _ITEM:
            raise Odd
        if length != UNDEFINED_LENGTH:
            at += length
            continue
        at = _item_end(buffer, at, implicit_vr, size, depth)


def _item_end(buffer: bytes, at: int, implicit_vr: bool, size: int, depth: int) -> int:  # noqa: FBT001
    while True:
        tag, length = _pair(buffer, at, size)
        if tag == _ITEM_END:
            return at + _HEAD_BYTES
        if implicit_vr:
            at += _HEAD_BYTES
        else:
            vr = buffer[at + 4 : at + 6]
            if vr in _BRIEF:
                at += _HEAD_BYTES + (length >> 16)
                continue
            if vr not in _LONG:
                raise Odd
            _, length = _pair(buffer, at + 4, size)
            at += _LONG_HEAD_BYTES
            if length == UNDEFINED_LENGTH and vr != b"SQ":
                raise Odd
        if length == UNDEFINED_LENGTH:
            at = sequence_end(buffer, at, implicit_vr=implicit_vr, size=size, depth=depth + 1)
        else:
            at += length


def _pair(buffer: bytes, at: int, size: int) -> tuple[int, int]:
    if at + _HEAD_BYTES > len(buffer):
        raise Short(at + _HEAD_BYTES) if at + _HEAD_BYTES <= size else Odd
    return _NUMBER(buffer, at)[0], _NUMBER(buffer, at + 4)[0]
