"""The Siemens CSA header: named values in a private element of its own binary form.

There are two forms: ``SV10`` (software VB and later) and one without a magic word (VA). All numbers
are 32-bit little endian. A tag has 64 bytes of name, VM, 4 bytes of VR, type, number of items and a
check value; an item has four lengths, then its text padded to four bytes.
"""

from __future__ import annotations

import struct

__all__ = ["csa_values"]

MAGIC = b"SV10"
TAG = struct.Struct("<64si4siii")
ITEM = struct.Struct("<4i")
MOST_TAGS, MOST_ITEMS = 1024, 4096
"""More than any header has: beyond them the bytes are something else."""


def csa_values(raw: bytes, names: frozenset[str]) -> dict[str, tuple[str, ...]]:
    """Return the non-empty values of the wanted names; nothing where the bytes are not a header.

    Parameters
    ----------
    raw : bytes
        Value of (0029,"SIEMENS CSA HEADER",10) or (...,20).
    names : frozenset of str
        For example ``NumberOfImagesInMosaic``.
    """
    found = {}
    try:
        at = 8 if raw[:4] == MAGIC else 0
        (count,) = struct.unpack_from("<i", raw, at)
        at += 8
        first_items = None
        for _ in range(count if 0 < count <= MOST_TAGS else 0):
            name, _, _, _, items, _ = TAG.unpack_from(raw, at)
            at += TAG.size
            first_items = items if first_items is None else first_items
            if not 0 <= items <= MOST_ITEMS:
                return {}
            values, at = _items(raw, at, items, None if raw[:4] == MAGIC else first_items)
            key = _text(name)
            if key in names and values:
                found[key] = values
    except struct.error:
        return {}
    return found


def _items(raw: bytes, at: int, count: int, offset: int | None) -> tuple[tuple[str, ...], int]:
    """Return the texts of a tag's items and where the next tag begins.

    In the older form (``offset`` is given) the first length is larger by the number of items of the
    first tag, as SPM and GDCM found.
    """
    values = []
    for _ in range(count):
        lengths = ITEM.unpack_from(raw, at)
        at += ITEM.size
        size = lengths[1] if offset is None else lengths[0] - offset
        if size < 0 or at + size > len(raw):
            raise struct.error
        text = _text(raw[at : at + size])
        if text:
            values.append(text)
        at += size + -size % 4
    return tuple(values), at


def _text(raw: bytes) -> str:
    return raw.split(b"\0", 1)[0].decode("latin-1").strip()
