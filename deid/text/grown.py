"""What is blanked of the text that was found: the places of what may not stay, with a margin."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from deid.blank.region import Rectangle
from deid.text.line import Found

__all__ = ["grown"]


def grown(
    found: Iterable[Found], margin_px: int, *, rows: int, columns: int
) -> tuple[Rectangle, ...]:
    """Return what is to be blanked: the places of lines that go, with a margin, in the frame.

    The margin ends where the place of a marker that stays begins.
    """
    every = tuple(found)
    kept = [f.line.rectangle for f in every if f.keep and f.reason == "marker"]
    return tuple(
        _grown(f.line.rectangle, margin_px, kept, rows=rows, columns=columns)
        for f in every
        if not f.keep
    )


def _grown(
    r: Rectangle, margin_px: int, kept: Iterable[Rectangle], *, rows: int, columns: int
) -> Rectangle:
    wide = r.grown(margin_px, rows=rows, columns=columns)
    for marker in kept:
        if wide.shared(marker) and not r.shared(marker):
            wide = _without(wide, r, marker)
    return wide


def _without(wide: Rectangle, r: Rectangle, marker: Rectangle) -> Rectangle:
    """Return a grown place less the margin on the side on which a marker stands."""
    if r.row_stop <= marker.row_start:
        return replace(wide, row_stop=min(wide.row_stop, marker.row_start))
    if marker.row_stop <= r.row_start:
        return replace(wide, row_start=max(wide.row_start, marker.row_stop))
    if r.column_stop <= marker.column_start:
        return replace(wide, column_stop=min(wide.column_stop, marker.column_start))
    return replace(wide, column_start=max(wide.column_start, marker.column_stop))
