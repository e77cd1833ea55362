"""Every byte of a released file but its pixel values, as regions with a place and a manner."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from pipelines.audit.contents import unpacked
from pipelines.audit.part10 import Part10
from pipelines.audit.text import decode, views
from pipelines.audit.walker import Leaf

__all__ = ["Manner", "Region", "regions"]

Manner = Literal["text", "code", "date", "number", "uid", "bytes"]
_TEXT = frozenset({"AE", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"})
_NUMBER = frozenset(
    {"AS", "AT", "DS", "FD", "FL", "IS", "OD", "OF", "OL", "OV", "SL", "SS", "SV", "TM", "UL",
     "US", "UV"}
)  # fmt: skip
_CODES = frozenset({0x00080005, 0x00080070, 0x00080100, 0x00080102, 0x00080104, 0x00081090})
"""Where a common word stands by chance: character set, manufacturer, codes, meaning, model."""


@dataclass(frozen=True)
class Region:
    """Texts that one stretch of bytes may be; ``at`` is its offset in the file or data set."""

    place: str
    manner: Manner
    at: int
    texts: tuple[str, ...]
    leaf: Leaf | None = None


def regions(part: Part10, found: Sequence[Leaf], broken: int | None) -> Iterator[Region]:
    """Yield what may be searched, in the order of the file."""
    yield _raw(bytes(part.file[: part.meta[1]]), 0)
    expected = _pixel_bytes(part, found)
    for leaf in found:
        if leaf.fragment:
            for start, end in segments(part.body[leaf.start : leaf.end]):
                yield _raw(part.body[leaf.start + start : leaf.start + end], leaf.start + start)
        elif leaf.path in {"<(7FE0,0010)>", "<(7FE0,0008)>", "<(7FE0,0009)>"}:
            start = leaf.start + expected if expected else leaf.end
            if start < leaf.end:
                yield _raw(part.body[start : leaf.end], start)
        else:
            yield _of_leaf(part, leaf)
    if broken is not None:
        yield _raw(bytes(part.body[broken:]), broken)
    if part.after:
        yield _raw(part.after, len(part.file) - len(part.after))


def segments(fragment: bytes) -> Iterator[tuple[int, int]]:
    """Yield where a codestream holds anything but entropy-coded data.

    JPEG and JPEG-LS up to the scan (ISO/IEC 10918-1 B.1), JPEG 2000 up to its tile data
    (15444-1 A.4), and what follows the end of the image in any.
    """
    starts = {b"\xff\xd8": b"\xff\xda", b"\xff\x4f": b"\xff\x93"}
    scan = next((end for head, end in starts.items() if fragment.startswith(head)), None)
    if scan is None:
        yield max(0, len(fragment) - 256), len(fragment)
        return
    first = fragment.find(scan)
    yield 0, first if first > 0 else len(fragment)
    last = fragment.rfind(b"\xff\xd9")
    if last > 0:
        yield last + 2, len(fragment)


def _of_leaf(part: Part10, leaf: Leaf) -> Region:
    raw = bytes(part.body[leaf.start : leaf.end])
    manner = _manner(leaf)
    may_be_text = manner in {"text", "code"} or leaf.vr in {"UN", ""}
    texts = [decode(raw, leaf.charset)] if may_be_text else []
    if manner == "bytes" or not raw.isascii() or b"\x1b" in raw:
        texts += views(raw)
    elif manner not in {"text", "code"}:
        texts.append(raw.decode("latin-1"))
    if manner in {"bytes", "text"} and len(raw) > 16:
        for inner in unpacked(raw):
            texts += views(inner)
    return Region(leaf.path, manner, leaf.start, tuple(dict.fromkeys(texts)), leaf)


def _raw(data: bytes, at: int) -> Region:
    return Region(f"byte {at}", "bytes", at, tuple(views(data)))


def _manner(leaf: Leaf) -> Manner:
    if leaf.tag in _CODES or leaf.vr == "CS":
        return "code"
    if leaf.vr in _TEXT:
        return "text"
    if leaf.vr in {"DA", "DT"}:
        return "date"
    if leaf.vr == "UI":
        return "uid"
    return "number" if leaf.vr in _NUMBER else "bytes"


def _pixel_bytes(part: Part10, found: Sequence[Leaf]) -> int:
    """Return how many bytes native pixels take by their own sizes (PS3.3 C.7.6.3.1); 0 unknown."""
    names = ("<(0028,0010)>", "<(0028,0011)>", "<(0028,0100)>", "<(0028,0002)>", "<(0028,0008)>")
    values = {leaf.path: leaf for leaf in found if leaf.path in names}
    numbers = [_number(part, values.get(name)) for name in names]
    if not all(numbers[:3]):
        return 0
    samples, frames = numbers[3] or 1, numbers[4] or 1
    bits = numbers[0] * numbers[1] * numbers[2] * samples * frames
    return (bits + 15) // 16 * 2


def _number(part: Part10, leaf: Leaf | None) -> int:
    if leaf is None:
        return 0
    raw = bytes(part.body[leaf.start : leaf.end])
    if leaf.vr == "US":
        return int.from_bytes(raw, "big" if part.big_endian else "little")
    text = raw.decode("latin-1").strip(" \0")
    return int(text) if text.isdigit() else 0
