"""A rectangle of an image, in rows and columns, and what is left of or around several of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from config.errors import UnsupportedObject

__all__ = ["Rectangle", "check_bounds", "disjoint", "for_frame", "outside"]


@dataclass(frozen=True, order=True)
class Rectangle:
    """Half-open rows and columns of one frame, or of all.

    Parameters
    ----------
    row_start, row_stop : int
        First row, and the row after the last; row 0 is at the top.
    column_start, column_stop : int
        First column, and the column after the last; column 0 is at the left.
    frame : int or None
        Index of the frame from 0, or None for every frame.

    Raises
    ------
    UnsupportedObject
        ``BLANK_REGION_BOUNDS`` when it is empty, turned round or begins before the image.
    """

    row_start: int
    row_stop: int
    column_start: int
    column_stop: int
    frame: int | None = None

    def __post_init__(self) -> None:
        if not (0 <= self.row_start < self.row_stop and 0 <= self.column_start < self.column_stop):
            raise UnsupportedObject("BLANK_REGION_BOUNDS", "empty or before the image")
        if self.frame is not None and self.frame < 0:
            raise UnsupportedObject("BLANK_REGION_BOUNDS", f"frame {self.frame}")

    @property
    def area(self) -> int:
        """Number of pixels."""
        return (self.row_stop - self.row_start) * (self.column_stop - self.column_start)

    def grown(self, by_px: int, *, rows: int, columns: int) -> Rectangle:
        """Return the rectangle with ``by_px`` more on each side, within an image of that size."""
        return replace(
            self,
            row_start=max(self.row_start - by_px, 0),
            row_stop=min(self.row_stop + by_px, rows),
            column_start=max(self.column_start - by_px, 0),
            column_stop=min(self.column_stop + by_px, columns),
        )

    def shared(self, other: Rectangle) -> int:
        """Return the number of pixels that lie in both, whatever their frames."""
        high = min(self.row_stop, other.row_stop) - max(self.row_start, other.row_start)
        wide = min(self.column_stop, other.column_stop) - max(self.column_start, other.column_start)
        return max(high, 0) * max(wide, 0)


def check_bounds(
    rectangles: Iterable[Rectangle], *, rows: int, columns: int, frames: int = 1
) -> None:
    """Refuse a rectangle that leaves the image.

    Raises
    ------
    UnsupportedObject
        ``BLANK_REGION_BOUNDS`` with the numbers of the first that does.
    """
    for r in rectangles:
        if r.row_stop > rows or r.column_stop > columns or (r.frame or 0) >= frames:
            raise UnsupportedObject(
                "BLANK_REGION_BOUNDS",
                f"rows to {r.row_stop} of {rows}, columns to {r.column_stop} of {columns}, "
                f"frame {r.frame} of {frames}",
            )


def for_frame(rectangles: Iterable[Rectangle], frame: int) -> tuple[Rectangle, ...]:
    """Return the rectangles that hold for one frame, without overlap, their frame dropped."""
    return disjoint(r for r in rectangles if r.frame is None or r.frame == frame)


def disjoint(rectangles: Iterable[Rectangle]) -> tuple[Rectangle, ...]:
    """Return rectangles that cover the same pixels once each, from the top left; frames dropped."""
    given = tuple(rectangles)
    edges = sorted({edge for r in given for edge in (r.row_start, r.row_stop)})
    found: list[Rectangle] = []
    open_above: dict[tuple[int, int], int] = {}
    for top, bottom in pairwise(edges):
        still_open = {}
        for span in _columns_within(given, top, bottom):
            if span in open_above:  # the same columns as in the band above: one rectangle
                found[open_above[span]] = replace(found[open_above[span]], row_stop=bottom)
                still_open[span] = open_above[span]
            else:
                still_open[span] = len(found)
                found.append(Rectangle(top, bottom, *span))
        open_above = still_open
    return tuple(found)


def outside(kept: Sequence[Rectangle], *, rows: int, columns: int) -> tuple[Rectangle, ...]:
    """Return the rectangles, without overlap, that cover all of an image but ``kept``.

    Raises
    ------
    UnsupportedObject
        ``BLANK_REGION_BOUNDS`` when one of ``kept`` leaves the image.
    """
    check_bounds(kept, rows=rows, columns=columns)
    inner = {edge for r in kept for edge in (r.row_start, r.row_stop)}
    edges = sorted({0, rows} | inner)
    found = []
    for top, bottom in pairwise(edges):
        column = 0
        for left, right in (*_columns_within(kept, top, bottom), (columns, columns)):
            if column < left:
                found.append(Rectangle(top, bottom, column, left))
            column = right
    return tuple(found)


def _columns_within(given: Sequence[Rectangle], top: int, bottom: int) -> list[tuple[int, int]]:
    """Columns covered in a band of rows that no rectangle begins or ends within."""
    spans: list[tuple[int, int]] = []
    touching = [r for r in given if r.row_start <= top and r.row_stop >= bottom]
    for left, right in sorted((r.column_start, r.column_stop) for r in touching):
        if spans and left <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(right, spans[-1][1]))
        else:
            spans.append((left, right))
    return spans
