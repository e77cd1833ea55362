"""The elements at the front of an encoded dataset, found by their lengths alone.

Who an object is stands in a handful of them. pydicom takes as long to read those as the disk takes
to write an image of half a megabyte.
"""

from __future__ import annotations

import struct

from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
)
from pydicom.valuerep import EXPLICIT_VR_LENGTH_32, STANDARD_VR

__all__ = ["front_elements"]

_LONG = frozenset(str(vr).encode() for vr in EXPLICIT_VR_LENGTH_32)
_SHORT = frozenset(str(vr).encode() for vr in STANDARD_VR if len(str(vr)) == len("UI")) - _LONG
_UNDEFINED = 0xFFFFFFFF
_ITEM, _ITEM_ENDS, _SEQUENCE_ENDS = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_MOST_NESTED = 16


class _Lost(Exception):
    """Lengths do not lead on from here."""


def front_elements(
    encoded: bytes, transfer_syntax_uid: str, last_tag: int
) -> dict[int, bytes] | None:
    """Return the values of a dataset's own elements up to and including a tag, as they are encoded.

    None where lengths alone do not lead there, and pydicom is to say what it makes of it: another
    byte order, a VR that is none, tags out of order, fewer bytes (PS3.5 7.1.2, 7.1.3, 7.5).

    Parameters
    ----------
    encoded : bytes
        The dataset after the file meta group, or that group.
    transfer_syntax_uid : str
        How it is encoded; compressed pixels lie in Explicit VR Little Endian (PS3.5 A.4).
    last_tag : int
        Elements after this tag are not looked at.
    """
    if transfer_syntax_uid in {DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian}:
        return None
    is_explicit = transfer_syntax_uid != ImplicitVRLittleEndian
    found: dict[int, bytes] = {}
    at, before = 0, -1
    try:
        while True:
            tag, start, end = _element(encoded, at, is_explicit, 0)
            if tag > last_tag:
                return found
            if tag <= before:
                return None
            found[tag], before, at = encoded[start:end], tag, end
    except (_Lost, struct.error):
        return None


def _element(encoded: bytes, at: int, is_explicit: bool, depth: int) -> tuple[int, int, int]:  # noqa: FBT001
    """Return an element's tag, and where its value starts and ends."""
    group, element, length = struct.unpack_from("<HHL", encoded, at)
    tag, start = group << 16 | element, at + 8
    if is_explicit and group != _ITEM >> 16:
        vr = encoded[at + 4 : at + 6]
        if vr in _SHORT:
            length = length >> 16
        elif vr in _LONG:
            (length,) = struct.unpack_from("<L", encoded, start)
            start += 4
        else:
            raise _Lost
        if length == _UNDEFINED and vr != b"SQ":
            raise _Lost  # of UN it is implicit inside (PS3.5 6.2.2)
    end = start + length if length != _UNDEFINED else _end(encoded, start, is_explicit, depth)
    if end > len(encoded) and length:
        raise _Lost
    return tag, start, end


def _end(encoded: bytes, at: int, is_explicit: bool, depth: int) -> int:  # noqa: FBT001
    """Return where a sequence of no given length ends, or an item of it (PS3.5 7.5.2)."""
    if depth > _MOST_NESTED:
        raise _Lost
    while True:
        tag, _, at = _element(encoded, at, is_explicit, depth + 1)
        if tag in {_ITEM_ENDS, _SEQUENCE_ENDS}:
            return at
