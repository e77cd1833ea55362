"""Parts of one line: what stands between two parts that go was overlooked, and goes too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from deid.blank.region import Rectangle
from deid.text.line import Found

__all__ = ["joined"]

_NEAR = 2.5
"""Of the height of a line: the widest gap between parts of it."""
_ALIKE = 0.6
"""Of the rows of the higher part, the least that both have."""


def joined(found: Sequence[Found]) -> tuple[Found, ...]:
    """Return the same places, each part of a line that goes drawn out to the next of it.

    A detector gives ``IPP`` and ``4916991`` of ``IPP 5884916991`` on tissue. Across what may stay
    nothing is drawn out.
    """
    cut = [one for one in found if not one.keep]
    kept = [one.line.rectangle for one in found if one.keep]
    return tuple(one if one.keep else _drawn_out(one, cut, kept) for one in found)


def _drawn_out(one: Found, cut: Sequence[Found], kept: Sequence[Rectangle]) -> Found:
    r = one.line.rectangle
    high = r.row_stop - r.row_start
    starts = [
        other.line.rectangle.column_start
        for other in cut
        if _in_line(r, other.line.rectangle)
        and 0 < other.line.rectangle.column_start - r.column_stop <= _NEAR * high
    ]
    if not starts or r.column_stop - r.column_start < high:
        return one
    wider = replace(r, column_stop=min(starts))
    if any(wider.shared(place) for place in kept):
        return one
    return replace(one, line=replace(one.line, rectangle=wider))


def _in_line(one: Rectangle, other: Rectangle) -> bool:
    both = min(one.row_stop, other.row_stop) - max(one.row_start, other.row_start)
    highest = max(one.row_stop - one.row_start, other.row_stop - other.row_start)
    return both >= _ALIKE * highest
