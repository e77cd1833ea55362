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

    A detector gives ``IPP`` and ``4916991`` of ``IPP 5884916991`` on tissue. Across a marker
    nothing is drawn out; a number of a scale that stands between two parts is of the line, and
    goes too: it may be its colon, or the day of a date.
    """
    cut = [one for one in found if not one.keep]
    markers = [one.line.rectangle for one in found if one.keep and one.reason != "scale"]
    drawn = [one if one.keep else _drawn_out(one, cut, markers) for one in found]
    lines = [one.line.rectangle for one in drawn if not one.keep]
    return tuple(_without_scale(one, lines) for one in drawn)


def _without_scale(one: Found, lines: Sequence[Rectangle]) -> Found:
    r = one.line.rectangle
    if one.keep and one.reason == "scale" and any(2 * r.shared(line) > r.area for line in lines):
        return replace(one, keep=False, reason="not_allowed")
    return one


def _drawn_out(one: Found, cut: Sequence[Found], markers: Sequence[Rectangle]) -> Found:
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
    if any(wider.shared(place) for place in markers):
        return one
    return replace(one, line=replace(one.line, rectangle=wider))


def _in_line(one: Rectangle, other: Rectangle) -> bool:
    both = min(one.row_stop, other.row_stop) - max(one.row_start, other.row_start)
    highest = max(one.row_stop - one.row_start, other.row_stop - other.row_start)
    return both >= _ALIKE * highest
