"""What stands apart in one line: a marker beside a number is another text than the number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deid.blank.region import Rectangle
from deid.text.tiles import slices

__all__ = ["around_ink", "close_to_ink", "pieces_of"]

Mask = NDArray[np.bool_]

_INK = 0.35
"""Of the way from background to ink: what is further is a letter."""
_PAD_PX = 3
"""The soft edge of a letter."""
_GAP = 0.5
"""Of the lower of two neighbours: the least gap at which a line is divided."""
_LOWEST = 0.3
"""Of the height of a line: what is lower is a point or a dash, and is of the word before it."""
_WIDER = 1.3
"""Against the next widest gap of the line."""


def close_to_ink(line: Rectangle, grounds: Sequence[NDArray[Any]]) -> Rectangle:
    """Return the rectangle of what stands out in a line's place, with its soft edge."""
    ink = _ink(line, grounds)
    return around_ink(ink, line) if ink.any() else line


def around_ink(ink: Mask, place: Rectangle) -> Rectangle:
    """Return the part of a place that bears ink, with its soft edge; some must be there.

    Parameters
    ----------
    ink : array of bool
        (row, column), of the place alone.
    place : Rectangle
        Where it lies.
    """
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    return replace(
        place,
        row_start=max(place.row_start + int(rows[0]) - _PAD_PX, place.row_start),
        row_stop=min(place.row_start + int(rows[-1]) + 1 + _PAD_PX, place.row_stop),
        column_start=max(place.column_start + int(columns[0]) - _PAD_PX, place.column_start),
        column_stop=min(place.column_start + int(columns[-1]) + 1 + _PAD_PX, place.column_stop),
    )


def pieces_of(line: Rectangle, grounds: Sequence[NDArray[Any]]) -> list[Rectangle]:
    """Return the parts of a line that runs to the right, divided where it has a wide gap.

    Beside a large letter a blank before small ones is narrow: neighbours are compared by the lower
    of the two.
    """
    ink = _ink(line, grounds)
    columns = np.flatnonzero(ink.any(axis=0))
    if not columns.size:
        return [line]
    gaps = np.diff(columns)
    ends = np.flatnonzero(gaps > 1)
    starts = [int(columns[0]), *(int(columns[end + 1]) for end in ends)]
    stops = [*(int(columns[end]) + 1 for end in ends), int(columns[-1]) + 1]
    heights = _heights(ink, starts, stops)
    # A blank of a line is as wide as its others; what stands apart has more room than all of them.
    widest = np.sort(gaps)[::-1][:2]
    least = _WIDER * float(widest[1]) if len(widest) > 1 else 0.0
    apart = [
        gaps[end] > max(least, _GAP * min(heights[at], heights[at + 1]))
        for at, end in enumerate(ends)
    ]
    first = [starts[0], *(start for start, cut in zip(starts[1:], apart, strict=True) if cut)]
    last = [*(stop for stop, cut in zip(stops[:-1], apart, strict=True) if cut), stops[-1]]
    r = line
    return [
        replace(
            line,
            column_start=max(r.column_start + start - _PAD_PX, r.column_start),
            column_stop=min(r.column_start + stop + _PAD_PX, r.column_stop),
        )
        for start, stop in zip(first, last, strict=True)
    ]


def _heights(ink: Mask, starts: Sequence[int], stops: Sequence[int]) -> list[float]:
    """Return the rows each shape takes; of the whole line where it is a point or a dash."""
    whole = _extent(ink)
    found = [_extent(ink[:, a:b]) for a, b in zip(starts, stops, strict=True)]
    return [high if high >= _LOWEST * whole else whole for high in found]


def _extent(ink: Mask) -> float:
    rows = np.flatnonzero(ink.any(axis=1))
    return float(rows[-1] - rows[0] + 1)


def _ink(line: Rectangle, grounds: Sequence[NDArray[Any]]) -> Mask:
    """Return what stands out from the border of a place, in the ground where it does most."""
    found = (_from_border(ground[slices(line)]) for ground in grounds)
    apart = max(found, key=lambda one: float(one.max()))
    return np.asarray(apart >= max(_INK * float(apart.max()), 1e-6), bool)


def _from_border(part: NDArray[Any]) -> NDArray[np.float32]:
    """Return how far each pixel is from what lies at the border of the part."""
    wide = part.astype(np.float32)
    border = np.concatenate([wide[0], wide[-1], wide[:, 0], wide[:, -1]])
    return np.asarray(np.abs(wide - np.median(border)), np.float32)
