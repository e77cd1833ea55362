"""The fragments of encapsulated pixel data (PS3.5 A.4): where they end, what they say in words.

Only headers are read: of each fragment's item, and of the marker segments before its samples
(JPEG ITU-T T.81 B.1.1, JPEG 2000 ITU-T T.800 A.2). Entropy-coded data are stepped over. Pixels
with a comment that :mod:`deid.codestream` would blank, or bytes behind the image, are `Odd`: they
are read whole. What other application segments say is returned, and searched.
"""

from __future__ import annotations

import os
import struct

from deid.fast_scan import Odd

__all__ = ["walk_fragments"]

_ITEM, _END = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
_HEAD_BYTES = 8
_START_BYTES = 4096
_TAIL_BYTES = 512
_LARGEST_SEGMENTS_BYTES = 1 << 20
_SOI, _EOI = b"\xff\xd8", b"\xff\xd9"
_SOC = b"\xff\x4f"
_SOS, _SOT = 0xDA, 0x90
_BLANKED = {0xFE, 0x64, 0xE1, 0xEC, 0xED}
"""JPEG COM, JPEG 2000 COM, and APP1, APP12, APP13: what the whole-object way blanks."""
_APPLICATION = {*range(0xE0, 0xF0)} - _BLANKED


def walk_fragments(descriptor: int, start: int, size: int) -> tuple[int, tuple[bytes, ...]]:
    """Return where the Sequence Delimitation Item begins, and the bytes that are no samples.

    Raises
    ------
    Odd
        No sequence of fragments.
    """
    asides: list[bytes] = []
    at, is_offset_table = start, True
    while True:
        head = os.pread(descriptor, _HEAD_BYTES + 2, at)
        if len(head) < _HEAD_BYTES:
            raise Odd
        length = struct.unpack_from("<L", head, 4)[0]
        if head.startswith(_END) and length == 0:
            return at, tuple(asides)
        end = at + _HEAD_BYTES + length
        if not head.startswith(_ITEM) or end > size:
            raise Odd
        if not is_offset_table:
            if head[_HEAD_BYTES:] not in {_SOI, _SOC}:
                raise Odd  # a frame in several fragments, or a video
            asides += _segments(descriptor, at + _HEAD_BYTES, end)
            _require_end(descriptor, at + _HEAD_BYTES, end)
        at, is_offset_table = end, False


def _segments(descriptor: int, start: int, end: int) -> list[bytes]:
    """Return the comments among the marker segments before the samples of one image."""
    wanted = min(_START_BYTES, end - start)
    buffer = os.pread(descriptor, wanted, start)
    found: list[bytes] = []
    at = 2
    while True:
        if at + 4 > len(buffer):
            if len(buffer) >= min(end - start, _LARGEST_SEGMENTS_BYTES):
                raise Odd
            buffer = os.pread(descriptor, min(max(4 * len(buffer), at + 4), end - start), start)
            if at + 4 > len(buffer):
                raise Odd
        if buffer[at] != 0xFF:
            raise Odd
        code = buffer[at + 1]
        if code in {_SOS, _SOT, 0xD9}:
            return found
        if code == 0xFF:
            at += 1
            continue
        length = int.from_bytes(buffer[at + 2 : at + 4], "big")
        stop = at + 2 + max(length, 2)
        if code in _BLANKED:
            raise Odd
        if code in _APPLICATION:
            if stop > len(buffer):
                buffer = os.pread(descriptor, min(stop + _START_BYTES, end - start), start)
            found.append(buffer[at + 4 : stop])
        at = stop


def _require_end(descriptor: int, start: int, end: int) -> None:
    """Refuse to vouch for a fragment that does not end with its image and padding."""
    tail_start = max(start, end - _TAIL_BYTES)
    tail = os.pread(descriptor, end - tail_start, tail_start)
    _, marker, rest = tail.rpartition(_EOI)
    if not marker or rest.strip(b"\0"):
        raise Odd
