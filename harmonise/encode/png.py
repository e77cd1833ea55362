"""Grey PNG of 8 or 16 bits (ISO/IEC 15948), by hand: equal pixels give equal bytes."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

__all__ = ["STORED", "encode_png"]

STORED = 0
"""zlib level at which nothing is compressed: the length depends on the picture's size alone."""

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def encode_png(pixels: NDArray[np.uint8] | NDArray[np.uint16], *, level: int = STORED) -> bytes:
    """Return a grey picture as PNG bytes.

    Parameters
    ----------
    pixels : ndarray of uint8 or uint16, shape (rows, columns)
    level : int
        zlib level. At 0 two pictures of one size are equally long whatever they show; a smoothed
        picture would otherwise be the shorter one and give a blinded side away.
    """
    rows, columns = pixels.shape
    width = pixels.dtype.itemsize
    # ISO/IEC 15948 section 11.2.2: bit depth, colour type 0 (grey), no interlace.
    header = struct.pack(">IIBBBBB", columns, rows, 8 * width, 0, 0, 0, 0)
    # Section 7.3: each scan line starts with its filter type; 0 is none. 7.1: high byte first.
    lines = np.zeros((rows, columns * width + 1), dtype=np.uint8)
    lines[:, 1:] = pixels.astype(f">u{width}").view(np.uint8).reshape(rows, columns * width)
    body = zlib.compress(lines.tobytes(), level)
    return b"".join(
        (SIGNATURE, _chunk(b"IHDR", header), _chunk(b"IDAT", body), _chunk(b"IEND", b""))
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    """Return one chunk: length, type, data, CRC (section 5.3)."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
