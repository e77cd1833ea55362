"""The small pictures of a review sheet: what was there with outlines, and what is left."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from deid.blank.region import Rectangle
from deid.text.line import Grey
from harmonise.encode.png import encode_png

__all__ = ["LONGEST_PX", "small_picture"]

LONGEST_PX = 480
_DASH_PX = 4
_COMPRESSED = 6


def small_picture(
    grey: Grey,
    blanked: Iterable[Rectangle] = (),
    kept: Iterable[Rectangle] = (),
    frame: int = 0,
) -> bytes:
    """Return a PNG of at most 480 pixels a side; outlines are full for ``blanked``, else dashed.

    Parameters
    ----------
    grey : ndarray of uint8, shape (row, column)
        One frame as shown.
    blanked, kept : iterable of Rectangle
        In the frame's own pixels; those of other frames are left out.
    """
    factor = max(1, -(-max(grey.shape) // LONGEST_PX))
    small = _reduced(grey, factor)
    for rectangles, dash in ((blanked, 0), (kept, _DASH_PX)):
        for rectangle in rectangles:
            if rectangle.frame in {None, frame}:
                _outline(small, rectangle, factor, dash)
    return encode_png(small, level=_COMPRESSED)


def _reduced(grey: Grey, factor: int) -> Grey:
    """Return the image with blocks of ``factor`` pixels a side as one, their mean."""
    rows, columns = (-(-side // factor) for side in grey.shape)
    bottom, right = rows * factor - grey.shape[0], columns * factor - grey.shape[1]
    padded = np.pad(grey, ((0, bottom), (0, right)), mode="edge")
    blocks = padded.reshape(rows, factor, columns, factor).mean(axis=(1, 3))
    reduced: Grey = np.rint(blocks).astype(np.uint8)
    return reduced


def _outline(small: Grey, rectangle: Rectangle, factor: int, dash: int) -> None:
    """Draw a line that is seen on dark and on bright ground: each pixel turned to its contrary."""
    rows, columns = small.shape
    top, left = rectangle.row_start // factor, rectangle.column_start // factor
    bottom = min(-(-rectangle.row_stop // factor), rows) - 1
    right = min(-(-rectangle.column_stop // factor), columns) - 1
    edge = np.zeros_like(small, dtype=np.bool_)
    edge[[top, bottom], left : right + 1] = True
    edge[top : bottom + 1, [left, right]] = True
    if dash:
        across = np.add.outer(np.arange(rows), np.arange(columns))
        edge &= across // dash % 2 == 0
    small[edge] = np.where(small[edge] < 128, 255, 0)
