"""A walk over the raw bytes of a data set (PS3.5 7): every level, every way to write a length."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from pydicom.datadict import dictionary_VR

from pipelines.audit.part10 import Buffer

__all__ = ["BrokenDataSet", "Leaf", "walk"]

_UNDEFINED = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_LONG = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"})
_SHORT = frozenset(
    {"AE", "AS", "AT", "CS", "DA", "DS", "DT", "FD", "FL", "IS", "LO", "LT", "PN", "SH", "SL",
     "SS", "ST", "TM", "UI", "UL", "US"}
)  # fmt: skip
_PIXELS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
_DEEPEST = 64


class BrokenDataSet(Exception):
    """The bytes contradict themselves at ``offset``."""

    def __init__(self, offset: int) -> None:
        super().__init__(f"at byte {offset}")
        self.offset = offset


@dataclass(frozen=True)
class Leaf:
    """A value that is no sequence. ``path`` is the MIDI form; ``start`` and ``end`` are offsets.

    ``<(0008,1110)>[<0000>]<(0008,1155)>``; private ``<(0029,"CREATOR",10)>``; a fragment of pixel
    data is an item of its element.
    """

    path: str
    tag: int
    vr: str
    start: int
    end: int
    charset: tuple[str, ...]
    fragment: bool = False


@dataclass
class _Level:
    """What an element's value depends on: its data set's character set and private creators."""

    prefix: str
    charset: tuple[str, ...]
    depth: int
    creators: dict[int, str] = field(default_factory=dict)


class _Walker:
    def __init__(self, buffer: Buffer, *, implicit: bool, big_endian: bool) -> None:
        self.buffer = buffer
        self.implicit = implicit
        self.order = ">" if big_endian else "<"

    def data_set(self, at: int, end: int, level: _Level) -> Iterator[Leaf]:
        """Yield the leaves of a data set; it ends at ``end`` or at an item delimiter."""
        while at < end:
            if end - at < 8:
                raise BrokenDataSet(at)
            tag, vr, length, value = self.header(at)
            if tag == _ITEM_END:
                self.stopped = at + 8
                return
            path = level.prefix + _name(tag, level)
            if length == _UNDEFINED:
                yield from self.undefined(tag, vr, path, value, end, level)
                at = self.stopped
                continue
            if value + length > end:
                raise BrokenDataSet(at)
            yield from self.value(Leaf(path, tag, vr, value, value + length, level.charset), level)
            at = value + length
        self.stopped = end

    def header(self, at: int) -> tuple[int, str, int, int]:
        """Return tag, VR, length and where the value begins (PS3.5 7.1)."""
        group, element = struct.unpack_from(self.order + "HH", self.buffer, at)
        tag = group << 16 | element
        if self.implicit or group == 0xFFFE:
            (length,) = struct.unpack_from(self.order + "L", self.buffer, at + 4)
            return tag, _dictionary_vr(tag), length, at + 8
        vr = self.buffer[at + 4 : at + 6].decode("latin-1")
        if vr in _LONG:
            if at + 12 > len(self.buffer):
                raise BrokenDataSet(at)
            (length,) = struct.unpack_from(self.order + "L", self.buffer, at + 8)
            return tag, vr, length, at + 12
        if vr not in _SHORT:
            raise BrokenDataSet(at)
        (short,) = struct.unpack_from(self.order + "H", self.buffer, at + 6)
        return tag, vr, short, at + 8

    def value(self, leaf: Leaf, level: _Level) -> Iterator[Leaf]:
        """Yield a leaf, or what it holds when it is a sequence, named or not."""
        head = self.buffer[leaf.start : leaf.start + 4]
        is_items = head in {b"\xfe\xff\x00\xe0", b"\xff\xfe\xe0\x00"}
        if leaf.vr == "SQ" or (is_items and leaf.vr in {"UN", ""}):
            inner = self if leaf.vr == "SQ" or self.implicit else self.unnamed()
            try:
                yield from list(inner.items(leaf.path, leaf.start, leaf.end, level))
            except (BrokenDataSet, struct.error):
                if leaf.vr == "SQ":
                    raise
            else:
                return
        if leaf.tag == 0x00080005:
            raw = self.buffer[leaf.start : leaf.end].decode("latin-1")
            level.charset = tuple(part.strip(" \0") for part in raw.split("\\"))
        elif leaf.tag >> 16 & 1 and 0x10 <= leaf.tag & 0xFFFF <= 0xFF:
            raw = self.buffer[leaf.start : leaf.end].decode("latin-1").strip(" \0")
            level.creators[leaf.tag] = raw
        yield leaf

    def unnamed(self) -> _Walker:
        """Return a walker for a sequence that travels as UN: implicit VR LE (PS3.5 6.2.2)."""
        return _Walker(self.buffer, implicit=True, big_endian=False)

    def undefined(
        self, tag: int, vr: str, path: str, value: int, end: int, level: _Level
    ) -> Iterator[Leaf]:
        """Yield what an element of undefined length holds; ``stopped`` is where it ends."""
        if tag in _PIXELS and vr != "SQ" and not level.prefix.count("["):
            yield from self.fragments(tag, path, value, end, level)
            return
        inner = self.unnamed() if vr == "UN" else self
        yield from inner.items(path, value, end, level, delimited=True)
        self.stopped = inner.stopped

    def items(
        self, path: str, at: int, end: int, level: _Level, *, delimited: bool = False
    ) -> Iterator[Leaf]:
        """Yield the leaves of every item (PS3.5 7.5)."""
        if level.depth >= _DEEPEST:
            raise BrokenDataSet(at)
        number = 0
        while at < end:
            if end - at < 8:
                raise BrokenDataSet(at)
            tag, _, length, value = self.header(at)
            if tag == _SEQUENCE_END and delimited:
                self.stopped = value
                return
            if tag != _ITEM:
                raise BrokenDataSet(at)
            inner = _Level(f"{path}[<{number:04d}>]", level.charset, level.depth + 1)
            stop = end if length == _UNDEFINED else value + length
            if stop > end:
                raise BrokenDataSet(at)
            yield from self.data_set(value, stop, inner)
            at = self.stopped if length == _UNDEFINED else stop
            number += 1
        if delimited:
            raise BrokenDataSet(at)
        self.stopped = end

    def fragments(self, tag: int, path: str, at: int, end: int, level: _Level) -> Iterator[Leaf]:
        """Yield the offset table and the fragments of encapsulated pixels (PS3.5 A.4)."""
        number = 0
        while at < end:
            if end - at < 8:
                raise BrokenDataSet(at)
            found, _, length, value = self.header(at)
            if found == _SEQUENCE_END:
                self.stopped = value
                return
            if found != _ITEM or value + length > end:
                raise BrokenDataSet(at)
            name = f"{path}[<{number:04d}>]"
            yield Leaf(name, tag, "OB", value, value + length, level.charset, fragment=True)
            at, number = value + length, number + 1
        raise BrokenDataSet(at)

    stopped = 0


def walk(
    buffer: Buffer, start: int, end: int, *, implicit: bool, big_endian: bool = False
) -> Iterator[Leaf]:
    """Yield every value of a data set, at every level.

    Raises
    ------
    BrokenDataSet
        With the offset from which the bytes make no sense; what was before has been yielded.
    """
    walker = _Walker(buffer, implicit=implicit, big_endian=big_endian)
    try:
        yield from walker.data_set(start, end, _Level("", (), 0))
    except struct.error as error:
        raise BrokenDataSet(end) from error


def _name(tag: int, level: _Level) -> str:
    group, element = tag >> 16, tag & 0xFFFF
    if group & 1 and element > 0xFF:
        creator = level.creators.get(group << 16 | element >> 8, "")
        return f'<({group:04X},"{creator.upper()}",{element & 0xFF:02X})>'
    return f"<({group:04X},{element:04X})>"


def _dictionary_vr(tag: int) -> str:
    if tag & 0xFFFF == 0:
        return "UL"
    if tag >> 16 & 1 and 0x10 <= tag & 0xFFFF <= 0xFF:
        return "LO"
    try:
        return str(dictionary_VR(tag)).rpartition(" or ")[2]  # repeating groups too
    except KeyError:
        return ""
