"""Lines that go beside markers that stay: what goes is drawn back to its own letters there.

Places are drawn wider than letters, so that two of them touch where their letters do not: the
marker would lose an edge. What is drawn back keeps all that stands out from its background by a
fifth of what stands out most, and three pixels around it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deid.text.line import Found
from deid.text.pieces import around_ink
from deid.text.tiles import slices

__all__ = ["beside_markers"]

_INK = 0.2
"""Of the way to what is furthest from the background: what is less is the soft edge of a letter."""
_NOTHING = 4
"""Grey levels of 255: what differs by less from the background shows nothing."""
_OVER = 0.25
"""Of a marker's place: where a line reaches further into it, letters of the line may be in it."""
_NEAR_PX = 4
"""A line this close to a marker would touch it with its margin."""


def beside_markers(found: Sequence[Found], grounds: Sequence[NDArray[Any]]) -> tuple[Found, ...]:
    """Return what was found, each line that goes drawn back where it touches a marker that stays.

    A line less surely read than the marker, beyond which there is nothing of it, is the marker's
    own letters found a second time, and is left out; never a name, a number or a date.

    Parameters
    ----------
    found : sequence of Found
        In one frame.
    grounds : sequence of arrays
        The frame, (row, column).
    """
    # A digit of a date may be read as a scale that stays: of those nothing is drawn back.
    kept = [one for one in found if one.keep and one.reason == "marker"]
    drawn: list[Found | None] = list(found)
    for at, one in enumerate(found):
        for marker in () if one.keep else kept:
            now = drawn[at]
            if now is not None and _touches(now, marker, grounds[0].shape):
                drawn[at] = _drawn_back(now, marker, grounds)
    return tuple(one for one in drawn if one is not None)


def _touches(one: Found, marker: Found, size: tuple[int, ...]) -> bool:
    wider = one.line.rectangle.grown(_NEAR_PX, rows=size[0], columns=size[1])
    return wider.shared(marker.line.rectangle) > 0


def _drawn_back(one: Found, marker: Found, grounds: Sequence[NDArray[Any]]) -> Found | None:
    r, its = one.line.rectangle, marker.line.rectangle
    own = np.ones((r.row_stop - r.row_start, r.column_stop - r.column_start), bool)
    own[
        max(its.row_start - r.row_start, 0) : max(its.row_stop - r.row_start, 0),
        max(its.column_start - r.column_start, 0) : max(its.column_stop - r.column_start, 0),
    ] = False
    ink = np.zeros(own.shape, bool)
    for ground in grounds:
        part = ground[slices(r)].astype(np.float32)
        apart = np.abs(part - np.median(part)) * own
        if float(apart.max()) >= _NOTHING:
            ink |= apart >= max(_INK * float(apart.max()), _NOTHING)
    if not ink.any():
        weaker = one.reason in {"unreadable", "not_allowed"}
        return None if weaker and one.line.score < marker.line.score else one
    if r.shared(its) > _OVER * its.area:
        return one
    return replace(one, line=replace(one.line, rectangle=around_ink(ink, r)))
