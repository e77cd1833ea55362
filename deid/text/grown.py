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
    """Return what is to be blanked: the places of lines that go, with a margin, in the frame."""
    return tuple(
        replace(
            f.line.rectangle,
            row_start=max(f.line.rectangle.row_start - margin_px, 0),
            row_stop=min(f.line.rectangle.row_stop + margin_px, rows),
            column_start=max(f.line.rectangle.column_start - margin_px, 0),
            column_stop=min(f.line.rectangle.column_stop + margin_px, columns),
        )
        for f in found
        if not f.keep
    )
