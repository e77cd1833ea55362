"""Encapsulated pixels without what is no picture: comments blanked, what follows the image zero.

Lengths stay, so that offset tables and everything behind stay true. Samples are not decoded; of an
RLE frame the run lengths of the last segment are counted (PS3.5 G.3).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

__all__ = ["Trimmed", "without_asides"]

_ITEM = b"\xfe\xff\x00\xe0"
_HEAD_BYTES = 8
_EOI = b"\xff\xd9"
_JPEG, _JPEG2000 = b"\xff\xd8", b"\xff\x4f\xff\x51"
"""SOI; SOC and the SIZ that must follow it (ISO/IEC 15444-1 A.4.1), since FF4F may be data."""
_JPEG_COMMENTS = frozenset({0xFE, 0xE1, 0xEC, 0xED})
"""COM, and APP1, APP12, APP13 (Exif, XMP, Ducky, Photoshop); others say how to decode."""
_JPEG2000_COMMENT = 0x64
"""COM (ISO/IEC 15444-1 A.9.2), whose first two bytes say of what kind it is."""
_LAST_HEADERS = frozenset({0xDA, 0x90, 0xD9})
"""SOS, SOT, EOI: no marker segment of the main header comes after."""
_RLE_HEADER_BYTES = 64


@dataclass(frozen=True)
class Trimmed:
    """A pixel value without its asides.

    ``unread`` is what no rule here understands, a video or another kind of codestream; it is left
    as it was, for a search.
    """

    value: bytes
    unread: tuple[bytes, ...] = ()


def without_asides(value: bytes, rle_plane_bytes: int = 0) -> Trimmed:
    """Return a sequence of fragments (PS3.5 A.4) of the same length, with samples only.

    What follows an image is cleared only behind the end marker of an image whose scan was seen to
    begin: the same two bytes in a thumbnail, or in a video, end nothing.

    Parameters
    ----------
    value : bytes
        Items from the offset table on.
    rle_plane_bytes : int
        Rows x columns where the fragments are RLE frames, else 0.
    """
    out, at, is_table, is_open = bytearray(value), 0, True, False
    unread: list[bytes] = []
    while value[at : at + 4] == _ITEM and at + _HEAD_BYTES <= len(value):
        start = at + _HEAD_BYTES
        end = min(start + struct.unpack_from("<L", value, at + 4)[0], len(value))
        at = end
        if is_table:
            is_table = False
        elif rle_plane_bytes:
            _clear(out, _rle_end(value, start, end, rle_plane_bytes), end)
        else:
            is_new = value.startswith((_JPEG, _JPEG2000), start)
            scan = _scan_start(out, start, end) if is_new else start if is_open else None
            if scan is None:
                unread.append(value[start:end])
                is_open = False
                continue
            last = value.rfind(_EOI, scan, end)
            is_open = last < 0
            _clear(out, end if is_open else last + 2, end)
    return Trimmed(bytes(out), tuple(unread))


def _scan_start(out: bytearray, start: int, end: int) -> int | None:
    """Write blanks into the comments before an image's samples; return where these begin."""
    is_jpeg = out.startswith(_JPEG, start)
    at = start + 2
    while at + 4 <= end and out[at] == 0xFF:
        code = out[at + 1]
        if code in _LAST_HEADERS:
            return at
        if code == 0xFF:  # fill byte (T.81 B.1.1.2)
            at += 1
            continue
        stop = min(at + 2 + int.from_bytes(out[at + 2 : at + 4], "big"), end)
        if is_jpeg and code in _JPEG_COMMENTS:
            out[at + 4 : stop] = b" " * (stop - at - 4)
        elif not is_jpeg and code == _JPEG2000_COMMENT:
            out[at + 6 : stop] = b" " * (stop - at - 6)
        at = max(stop, at + 2)
    return None


def _rle_end(value: bytes, start: int, end: int, plane_bytes: int) -> int:
    """Return where the hindmost segment of an RLE frame has given its last byte (PS3.5 G.3.2)."""
    if end - start < _RLE_HEADER_BYTES:
        return end
    count, *offsets = map(int, struct.unpack_from("<16L", value, start))
    if not 1 <= count <= 15:
        return end
    at, made = start + max(offsets[:count]), 0
    while made < plane_bytes and at < end:
        code = value[at]
        if code < 128:
            made, at = made + code + 1, at + code + 2
        elif code > 128:
            made, at = made + 257 - code, at + 2
        else:
            at += 1
    return min(at, end)


def _clear(out: bytearray, start: int, end: int) -> None:
    out[start:end] = bytes(end - start)
