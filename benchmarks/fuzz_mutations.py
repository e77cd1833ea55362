"""Mutations of a DICOM file: of its bytes as they lie, and of its elements."""

from __future__ import annotations

import io
import random
import struct
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import pydicom
from fuzz_seeds import FAMILY, GIVEN, NUMBER, WHOLE
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

_LONG = {b"OB", b"OW", b"OF", b"OD", b"OL", b"OV", b"SQ", b"UC", b"UN", b"UR", b"UT", b"SV", b"UV"}
_VRS = [b"LO", b"SQ", b"UN", b"OB", b"DS", b"IS", b"US", b"PN", b"UI", b"DA", b"UT", b"ZZ", b"FD"]
_LENGTHS = (0, 1, 2, 7, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF)
_CHARSETS = [
    "ISO_IR 192", "ISO 2022 IR 6\\ISO 2022 IR 87", "GB18030", "ISO_IR 13", "GBK", "utf-16", "XX",
    "ISO_IR 144", "\\ISO 2022 IR 149", "",
]  # fmt: skip
CANARIES = [WHOLE, f"{FAMILY} {GIVEN}", f"{GIVEN} {FAMILY}", NUMBER, f"IRM {FAMILY}, {GIVEN} T2"]
_TEXT_VRS = {"LO", "SH", "LT", "ST", "UT", "UC", "CS", "AE", "PN"}


@dataclass(frozen=True)
class Place:
    """One top-level element of an explicit VR little endian file: offsets in bytes."""

    start: int
    vr: int
    length: int
    length_bytes: int
    end: int


def mutate(data: bytes, other: bytes, rng: random.Random) -> bytes:
    """Return ``data`` changed one to four times; ``other`` is there to be spliced in."""
    for _ in range(rng.randint(1, 4)):
        change = rng.choice(_CHANGES)
        data = change(data, other, rng)
    return data


def places(data: bytes) -> list[Place]:
    """Return the elements that can be found, before the pixels."""
    found, at = [], 132
    while at + 8 <= len(data) and len(found) < 500:
        vr = data[at + 4 : at + 6]
        wide = vr in _LONG
        if not vr.isalpha() or data[at : at + 2] == b"\xe0\x7f":
            break
        head, size = (12, 4) if wide else (8, 2)
        length = int.from_bytes(data[at + head - size : at + head], "little")
        if length == 0xFFFFFFFF or at + head + length > len(data):
            break
        found.append(Place(at, at + 4, at + head - size, size, at + head + length))
        at += head + length
    return found


def _header_end(data: bytes) -> int:
    """Return where the pixels begin: what is planted among them is a pixel value, not a text."""
    found = [data.find(tag, 132) for tag in (b"\xe0\x7f\x10\x00", b"\x7f\xe0\x00\x10")]
    return min((at for at in found if at > 0), default=len(data))


def _flip(data: bytes, _: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    limit = min(len(changed), 8000)
    for _i in range(rng.randint(1, 6)):
        changed[rng.randrange(132, limit)] = rng.randrange(256)
    return bytes(changed)


def _truncate(data: bytes, _: bytes, rng: random.Random) -> bytes:
    return data[: rng.randint(140, max(len(data) - 1, 141))]


def _splice(data: bytes, other: bytes, rng: random.Random) -> bytes:
    at, start = rng.randint(132, _header_end(data)), rng.randint(132, len(other))
    return data[:at] + other[start : start + rng.randint(1, 600)] + data[at:]


def _change_vr(data: bytes, _: bytes, rng: random.Random) -> bytes:
    found = places(data)
    if not found:
        return data
    at = rng.choice(found).vr
    return data[:at] + rng.choice(_VRS) + data[at + 2 :]


def _change_length(data: bytes, _: bytes, rng: random.Random) -> bytes:
    found = places(data)
    if not found:
        return data
    place = rng.choice(found)
    size = place.length_bytes
    value = rng.choice(_LENGTHS) & (256**size - 1)
    return data[: place.length] + value.to_bytes(size, "little") + data[place.length + size :]


def _move(data: bytes, _: bytes, rng: random.Random) -> bytes:
    """Move, copy or take out one element."""
    found = places(data)
    if len(found) < 2:
        return data
    place, target = rng.choice(found), rng.choice(found)
    piece = data[place.start : place.end]
    how = rng.choice(("copy", "move", "remove"))
    if how == "copy":
        return data[: target.start] + piece + data[target.start :]
    without = data[: place.start] + data[place.end :]
    if how == "remove":
        return without
    at = target.start if target.start <= place.start else target.start - len(piece)
    return without[:at] + piece + without[at:]


def _plant_bytes(data: bytes, _: bytes, rng: random.Random) -> bytes:
    """Put a planted string between two elements, or over the bytes of one."""
    found = places(data)
    text = rng.choice(CANARIES).encode(rng.choice(("latin-1", "utf-16-le", "utf-8")))
    if not found or rng.random() < 0.2:
        return data + text
    place = rng.choice(found)
    if rng.random() < 0.3:
        return data[: place.start] + text + data[place.start :]
    at = place.length + place.length_bytes
    end = min(at + len(text), place.end)
    return data[:at] + text[: end - at] + data[end:]


def _inside(change: Callable[[Dataset, random.Random], None]) -> Callable[..., bytes]:
    """Return a mutation of the file that changes its elements; what cannot be written stays."""

    def changed(data: bytes, _: bytes, rng: random.Random) -> bytes:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                ds = pydicom.dcmread(io.BytesIO(data))
                change(ds, rng)
                buffer = io.BytesIO()
                pydicom.dcmwrite(buffer, ds)
        except Exception:  # noqa: BLE001, a file already broken cannot be changed from inside
            return data
        return buffer.getvalue()

    return changed


def _any_level(ds: Dataset, rng: random.Random) -> Dataset:
    """Return the object, or an item of one of its sequences."""
    for element in sorted((e for e in ds if e.VR == "SQ" and e.value), key=lambda e: e.tag):
        if rng.random() < 0.3:
            return _any_level(rng.choice(list(element.value)), rng)
    return ds


def _plant_text(ds: Dataset, rng: random.Random) -> None:
    level = _any_level(ds, rng)
    texts = [e for e in level if e.VR in _TEXT_VRS and e.tag.group > 2]
    if texts:
        element = rng.choice(texts)
        level[element.tag] = DataElement(element.tag, element.VR, rng.choice(CANARIES))


def _plant_new(ds: Dataset, rng: random.Random) -> None:
    """Add an element the object had not, private or of any VR, that holds a planted string."""
    tags = (0x00104000, 0x00324000, 0x00091010, 0x00204000, 0x60003000, 0x00181030, 0x00409210)
    vr = rng.choice(("LO", "UN", "OB", "UT", "LT"))
    text = rng.choice(CANARIES)
    value = text if vr in _TEXT_VRS else text.encode() + b" " * (len(text) % 2)
    _any_level(ds, rng)[rng.choice(tags)] = DataElement(rng.choice(tags), vr, value)


def _nest(ds: Dataset, rng: random.Random) -> None:
    inner = _any_level(ds, rng)
    for _ in range(rng.choice((1, 3, 40))):
        outer = Dataset()
        outer.add_new(rng.choice((0x00082112, 0x0040A730, 0x00540220, 0x00291020)), "SQ", [inner])
        inner = outer
    ds.add_new(0x00082112, "SQ", Sequence([inner]))


def _wrap(ds: Dataset, rng: random.Random) -> None:
    """Write an element of a known VR as UN (PS3.5 6.2.2)."""
    level = _any_level(ds, rng)
    texts = [e for e in level if e.VR in _TEXT_VRS and e.tag.group > 8]
    if texts:
        element = rng.choice(texts)
        value = str(element.value).encode("latin-1", "replace")
        level[element.tag] = DataElement(element.tag, "UN", value + b" " * (len(value) % 2))


def _wrap_sequence(ds: Dataset, rng: random.Random) -> None:
    name = rng.choice(CANARIES).encode()
    item = struct.pack("<HHL", 0x0010, 0x0010, len(name)) + name
    value = b"\xfe\xff\x00\xe0" + struct.pack("<L", len(item)) + item
    ds.add_new(rng.choice((0x00540220, 0x00081032, 0x00409096)), "UN", value)


def _charset(ds: Dataset, rng: random.Random) -> None:
    raw = rng.choice(_CHARSETS).encode()
    ds._dict.pop(0x00080005, None)  # noqa: SLF001
    ds.add_new(0x00080005, "CS", raw.decode().split("\\"))


def _drop(ds: Dataset, rng: random.Random) -> None:
    level = _any_level(ds, rng)
    if len(level) > 1:
        del level[rng.choice(list(level.keys()))]


_CHANGES: list[Callable[..., bytes]] = [
    _flip, _truncate, _splice, _change_vr, _change_length, _move, _plant_bytes,
    *(_inside(change) for change in (
        _plant_text, _plant_text, _plant_new, _nest, _wrap, _wrap_sequence, _charset, _drop,
    )),
]  # fmt: skip
