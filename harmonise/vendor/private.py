"""Private elements found by their creator, and values read whatever VR the object gives them.

PS3.5 section 7.8.1: element ``(gggg,10-FF)`` holds the creator that reserves ``(gggg,xx00-xxFF)``
of its own number. Archives move these blocks, so ``(0019,100C)`` is not an address; the pair
creator and offset is. An archive that does not know a private element writes it as UN or OB
(PS3.5 section 6.2.2), so a number may arrive as the bytes of its VR.
"""

from __future__ import annotations

import math
import struct
from typing import Any

from pydicom.dataset import Dataset

__all__ = ["numbers", "private_blocks", "private_value", "text", "value_in_block"]

_BINARY = {"FL": "f", "FD": "d", "US": "H", "SS": "h", "UL": "I", "SL": "i"}
"""VR -> struct letter; UN values are little endian (PS3.5 section 6.2.2 note)."""

NO_VALUE_ABOVE = 1e70
"""Philips writes 7.23e+75 where a float has no value; no quantity of this room comes near."""


def private_value(ds: Dataset, group: int, creator: str, element: int) -> Any | None:
    """Return the raw value of a private element, or None where the object has none.

    Parameters
    ----------
    ds : Dataset
        One level: the object itself or an item of a functional group.
    group, element : int
        Group and the offset (0x00 to 0xFF) inside the creator's block.
    creator : str
        The private creator, spaces at its ends ignored.
    """
    return value_in_block(ds, private_blocks(ds), group, creator, element)


def private_blocks(ds: Dataset) -> dict[tuple[int, str], list[int]]:
    """Return the blocks of one level, by group and creator; a creator may own several."""
    blocks: dict[tuple[int, str], list[int]] = {}
    for tag in ds.keys():  # noqa: SIM118  # iterating a Dataset gives elements, and converts them
        if tag.group % 2 and 0x10 <= tag.element <= 0xFF:
            blocks.setdefault((tag.group, text(ds[tag].value)), []).append(tag.element)
    return blocks


def value_in_block(
    ds: Dataset,
    blocks: dict[tuple[int, str], list[int]],
    group: int,
    creator: str,
    element: int,
) -> Any | None:
    """Return what ``private_value`` does, with the blocks of the level already found."""
    for block in blocks.get((group, creator), []):
        found = ds.get((group, block << 8 | element))
        if found is not None and found.value not in (None, "", b""):
            return found.value
    return None


def text(value: Any) -> str:
    """Return a value as text without padding; bytes are read as Latin-1, which never fails."""
    if isinstance(value, (bytes, bytearray)):
        value = bytes(value).decode("latin-1")
    return str(value).strip(" \0")


def numbers(value: Any, vr: str) -> tuple[float, ...]:
    """Return the finite numbers of a value; empty where it holds none.

    Bytes are the bytes of ``vr``: binary of the right length, else decimal text parted by
    backslashes, which is how archives keep IS and DS they do not know.
    """
    if isinstance(value, (bytes, bytearray)):
        parts = _from_bytes(bytes(value), vr)
    elif isinstance(value, str):
        parts = _from_text(value)
    elif hasattr(value, "__iter__"):
        parts = tuple(number for part in value for number in numbers(part, vr))
    else:
        parts = () if value is None else (float(value),)
    return tuple(n for n in parts if math.isfinite(n) and abs(n) < NO_VALUE_ABOVE)


def _from_bytes(raw: bytes, vr: str) -> tuple[float, ...]:
    letter = _BINARY.get(vr)
    if letter is None:
        return _from_text(text(raw))
    size = struct.calcsize(letter)
    if not raw or len(raw) % size:
        return ()
    return tuple(float(n) for n in struct.unpack(f"<{len(raw) // size}{letter}", raw))


def _from_text(value: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in value.strip(" \0").split("\\") if part.strip(" \0"))
    except ValueError:
        return ()
