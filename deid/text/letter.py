"""A letter that stands alone: the one connected shape in a place that was drawn too wide."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from deid.blank.region import Rectangle
from deid.text.crops import is_letter
from deid.text.tiles import slices

__all__ = ["lone_letter"]

_INK = 0.5
"""Of the way from the background to what is furthest from it."""
_BESIDE = 0.2
"""Of the letter's pixels: what any other shape may have, as grains of noise do."""
_LEAST_HIGH_PX = 6


def lone_letter(place: Rectangle, grounds: Sequence[NDArray[Any]]) -> Rectangle | None:
    """Return the letter that is all there is in a place, None where there is more or less.

    Parameters
    ----------
    place : Rectangle
        What the detector gave.
    grounds : sequence of arrays
        The frame, (row, column).
    """
    letter = _only_shape(place, grounds)
    if letter is None or not _is_cut(letter, place):
        return letter
    # The detector may give a stem without its foot.
    by = max(place.row_stop - place.row_start, place.column_stop - place.column_start) // 2
    rows, columns = grounds[0].shape
    wider = place.grown(by, rows=rows, columns=columns)
    whole = _only_shape(wider, grounds)
    return whole if whole is not None and not _is_cut(whole, wider) else letter


def _is_cut(letter: Rectangle, place: Rectangle) -> bool:
    """Tell whether a shape goes on beyond the place, to one side of it at least."""
    return (
        letter.row_start == place.row_start
        or letter.row_stop == place.row_stop
        or letter.column_start == place.column_start
        or letter.column_stop == place.column_stop
    )


def _only_shape(place: Rectangle, grounds: Sequence[NDArray[Any]]) -> Rectangle | None:
    apart = max((_from_middle(g[slices(place)]) for g in grounds), key=lambda d: float(d.max()))
    if float(apart.max()) <= 0:
        return None
    ink = (apart >= _INK * float(apart.max())).astype(np.uint8)
    count, _, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    if count < 2:
        return None
    sizes = stats[1:, cv2.CC_STAT_AREA]
    largest = int(sizes.argmax())
    if (np.delete(sizes, largest) > _BESIDE * sizes[largest]).any():
        return None
    left, top, wide, high, _ = (int(value) for value in stats[1 + largest])
    top, left = place.row_start + top, place.column_start + left
    letter = Rectangle(top, top + high, left, left + wide)
    return letter if high >= _LEAST_HIGH_PX and is_letter(letter) else None


def _from_middle(part: NDArray[Any]) -> NDArray[np.float32]:
    """Return how far each pixel is from the middle grey, which is the background's."""
    wide = part.astype(np.float32)
    return np.asarray(np.abs(wide - np.median(wide)), np.float32)
