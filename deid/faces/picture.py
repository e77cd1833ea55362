"""The picture a person looks at: the surface from the front and the side, before and after.

It shows the patient's face: it belongs to the identified zone only.
"""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from deid.faces.check import front_mm
from deid.faces.head import Head

__all__ = ["face_picture", "png_bytes"]

Picture = NDArray[np.uint8]
GAP = 4


def face_picture(head: Head, after: NDArray[np.float32], values: NDArray[np.float32]) -> bytes:
    """Return a PNG: above before, below after; from the front, from the side, the middle plane.

    Parameters
    ----------
    head : Head
        As found before.
    after : array
        Real values after, on the head's grid.
    values : array
        Real values before.
    """
    rows = []
    for grey in (values, after):
        mask = np.nan_to_num(grey, nan=-np.inf) > head.threshold
        front = _shaded(front_mm(mask, head.grid.step_mm), head.grid.step_mm)
        side = _shaded(front_mm(mask.transpose(0, 2, 1), head.grid.step_mm), head.grid.step_mm)
        rows.append(np.hstack([front, _gap(front), side, _gap(front), _middle(head, grey)]))
    whole = np.vstack([rows[0], np.full((GAP, rows[0].shape[1]), 255, np.uint8), rows[1]])
    return png_bytes(np.repeat(np.repeat(whole, 2, axis=0), 2, axis=1))


def png_bytes(grey: Picture) -> bytes:
    """Return a greyscale PNG (ISO/IEC 15948) of 8-bit samples (row, column)."""
    rows, columns = grey.shape
    lines = b"".join(b"\0" + line.tobytes() for line in np.ascontiguousarray(grey))
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", columns, rows, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(lines, 9)),
        (b"IEND", b""),
    )
    made = b"\x89PNG\r\n\x1a\n"
    for name, body in parts:
        made += struct.pack(">I", len(body)) + name + body
        made += struct.pack(">I", zlib.crc32(name + body))
    return made


def _shaded(depth: NDArray[np.float64], step_mm: float) -> Picture:
    """Shade a surface as if lit from above and before it; heads up."""
    seen = np.isfinite(depth)
    far = np.nan_to_num(depth, nan=float(depth[seen].max()) + 50 if seen.any() else 0.0)
    dz, dx = np.gradient(far, step_mm)
    normal = 1 / np.sqrt(1 + dz * dz + dx * dx)
    light = np.clip((0.8 - 0.5 * dz - 0.3 * dx) * normal, 0, 1)
    return np.asarray(np.where(seen, 40 + 215 * light, 0)[::-1].astype(np.uint8))


def _middle(head: Head, values: NDArray[np.float32]) -> Picture:
    column = round((head.centre_mm[0] - head.grid.origin_mm[0]) / head.grid.step_mm)
    plane = np.nan_to_num(values[::-1, :, column], nan=0.0)
    inside = values[head.raw]
    low, high = head.threshold, float(np.percentile(inside[np.isfinite(inside)], 99))
    return np.asarray((np.clip((plane - low) / max(high - low, 1e-9), 0, 1) * 255).astype(np.uint8))


def _gap(beside: Picture) -> Picture:
    return np.full((beside.shape[0], GAP), 255, np.uint8)
