"""How a place is shown to the recogniser: with room around it, and running to the right."""

from __future__ import annotations

import numpy as np

from deid.blank.region import Rectangle
from deid.text.line import View

__all__ = ["is_letter", "roomy", "upright"]

_ROOM, _ROOM_OF_A_LETTER = 6, 3
"""Part of the place's shorter side."""
_TALLEST_LETTER = 2.5
"""Against its width: what is higher is a line that runs upwards."""


def is_letter(place: Rectangle) -> bool:
    """Tell whether a place has the shape of a letter that stands alone."""
    high, wide = place.row_stop - place.row_start, place.column_stop - place.column_start
    return wide <= high <= _TALLEST_LETTER * wide


def roomy(place: Rectangle, size: tuple[int, int]) -> Rectangle:
    """Return a place with the room around it that the recogniser is used to."""
    high, wide = place.row_stop - place.row_start, place.column_stop - place.column_start
    # A single letter that is cut at its side is another letter.
    by = max(min(high, wide) // (_ROOM_OF_A_LETTER if is_letter(place) else _ROOM), 1)
    return place.grown(by, rows=size[0], columns=size[1])


def upright(part: View) -> View:
    """Return a line that runs upwards turned to run to the right."""
    high, wide = part.shape[:2]
    return np.ascontiguousarray(np.rot90(part, 3) if high > 1.5 * wide else part)
