"""Ultrasound pixels: luminance of one picture frame by frame, and where the frame is in colour."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pydicom
from numpy.typing import NDArray

from config.errors import RejectedError, UnreadableObject
from harmonise.series import Stack
from harmonise.vendor.decode import rgb_frame
from harmonise.vendor.headers import FOREIGN, quiet
from harmonise.vendor.us_regions import drawn_boxes
from harmonise.volume import Grid, Volume

__all__ = ["load_ultrasound"]

LUMINANCE = np.asarray([0.299, 0.587, 0.114], np.float32)
"""Weights of red, green and blue (ITU-R BT.601, PS3.3 C.7.6.3.1.2)."""

COLOURED = 40
"""A pixel whose largest and smallest component differ by more is in colour; JPEG makes grey differ
by less."""

TINTED_SHARE = 0.8
"""Where so much of what is lit is in colour, the whole grey scale is tinted: no colour flow."""

LIT = 16


def load_ultrasound(stack: Stack, grid: Grid, order: Sequence[int]) -> Volume:
    """Return the luminance of a picture, 0 to 255, one slice a frame; frames are read in turn.

    ``regions`` hold ``colour``, where a pixel is in colour, and ``overlay``, where the object says
    that bars and graphics lie on the picture.

    Raises
    ------
    UnreadableObject
        ``PIXELS_UNREADABLE``.
    UnsupportedObject
        ``PIXELS_NOT_MONOCHROME``.
    """
    values = np.empty(grid.shape, np.float32)
    colour = np.zeros(grid.shape, np.bool_)
    overlay = np.zeros(grid.shape, np.bool_)
    first = stack.frames[order[0]]
    top, left = first.tile or (0, 0)
    try:
        with quiet():
            ds = pydicom.dcmread(first.path)
            for slot, index in enumerate(order):
                frame = rgb_frame(ds, stack.frames[index].frame_index)
                picture = frame[top : top + first.rows, left : left + first.columns]
                values[slot] = picture.astype(np.float32) @ LUMINANCE
                colour[slot] = _coloured(picture)
            for box in drawn_boxes(ds):
                rows = slice(max(box[0] - top, 0), max(box[2] - top, 0))
                columns = slice(max(box[1] - left, 0), max(box[3] - left, 0))
                overlay[:, rows, columns] = True
    except (MemoryError, RejectedError):
        raise
    except FOREIGN as error:
        raise UnreadableObject("PIXELS_UNREADABLE", type(error).__name__) from error
    kind = str(ds.get("PhotometricInterpretation"))
    found = {"colour": colour, "overlay": overlay}
    return Volume(
        values=np.rint(values),
        grid=grid,
        unit="1",
        meta={"scaling": f"luminance of {kind}", "photometric": "MONOCHROME2"},
        regions={name: mask for name, mask in found.items() if mask.any()},
    )


def _coloured(picture: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return where a picture is in colour; nowhere when its whole grey scale is tinted."""
    brightest = picture.max(axis=2)
    found = brightest - picture.min(axis=2) > COLOURED
    lit = int((brightest > LIT).sum())
    if lit and float(found.sum()) > TINTED_SHARE * lit:
        return np.zeros(found.shape, np.bool_)
    return np.asarray(found)
