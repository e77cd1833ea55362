"""A picture of proposed places that shows where they are and nobody's name.

Where the ground is the same in most patients the grey in the middle is shown, in which the text of
one patient is not; elsewhere the mean of a block of many pixels. Which of the two is decided for
windows, not pixels: else the choice itself would draw one patient's letters. What varies in a place
of text is black.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy import ndimage

from deid.blank.region import Rectangle
from deid.text.line import Grey
from pipelines.signatures.still import Place, Stillness

__all__ = ["outlined", "picture"]

_MOST = 0.6
_WINDOW_PX = 21
_BLOCK_PX = 32


def picture(still: Stillness, places: Iterable[Place]) -> Grey:
    """Return the picture, (row, column); places that vary have a double outline."""
    found = tuple(places)
    is_ground = ndimage.uniform_filter(still.same, _WINDOW_PX) >= _MOST
    shown = np.where(is_ground, still.median, _blocks(still.median))
    for place in found:
        if place.varies:
            r = place.rectangle
            shown[r.row_start : r.row_stop, r.column_start : r.column_stop] = 0
    shown = outlined(shown, (place.rectangle for place in found))
    inner = (_inset(p.rectangle) for p in found if p.varies and _has_inside(p.rectangle))
    return outlined(shown, inner)


def outlined(grey: Grey, rectangles: Iterable[Rectangle]) -> Grey:
    """Return a copy with the rectangles drawn as white lines, one pixel wide, just inside."""
    drawn = grey.copy()
    for r in rectangles:
        drawn[r.row_start : r.row_stop, [r.column_start, r.column_stop - 1]] = 255
        drawn[[r.row_start, r.row_stop - 1], r.column_start : r.column_stop] = 255
    return drawn


def _blocks(grey: Grey) -> Grey:
    """Return an image in which every block has its own mean."""
    coarse = np.empty_like(grey)
    for top in range(0, grey.shape[0], _BLOCK_PX):
        for left in range(0, grey.shape[1], _BLOCK_PX):
            block = np.s_[top : top + _BLOCK_PX, left : left + _BLOCK_PX]
            coarse[block] = np.uint8(grey[block].mean())
    return coarse


def _has_inside(r: Rectangle) -> bool:
    return r.row_stop - r.row_start > 6 and r.column_stop - r.column_start > 6


def _inset(r: Rectangle) -> Rectangle:
    return Rectangle(r.row_start + 3, r.row_stop - 3, r.column_start + 3, r.column_stop - 3)
