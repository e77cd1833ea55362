"""Clean Pixel Data, PS3.15 E.3.1: what is to be blanked, and whether anything was left after it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from pydicom.dataset import Dataset

from config.errors import PixelsNotCleared
from deid.blank.frame import DecodedFrame
from deid.blank.region import Rectangle, disjoint, for_frame
from deid.blank.shape import PixelShape
from deid.text.kind import kind_of
from deid.text.line import Found

__all__ = [
    "Finder",
    "Frames",
    "Reading",
    "require_image_left",
    "require_nothing_left",
    "unseen",
]

_MOST_BLANKED = 0.25
"""Share of an image."""

Frames = Callable[[], Iterator[DecodedFrame]]
"""Gives the frames of an object, decoded, as often as it is called."""


@dataclass(frozen=True)
class Reading:
    """What was read in an object.

    Parameters
    ----------
    found : tuple of Found
        Lines with their judgement; the frame of a line's rectangle is None where it stands on all.
    frames_read : int
        Frames in which text was searched; the others are the same where text could be.
    """

    found: tuple[Found, ...]
    frames_read: int

    @property
    def cut(self) -> tuple[Found, ...]:
        """Return what may not stay."""
        return tuple(found for found in self.found if not found.keep)


class Finder(Protocol):
    """Searches an object's frames for text and judges it."""

    def find(self, frames: Frames, shape: PixelShape, ds: Dataset) -> Reading:
        """Return what is written in the frames; ``ds`` says what kind of image it is."""


def unseen(frames: Frames, rectangles: Sequence[Rectangle]) -> Frames:
    """Return the frames with rectangles emptied: what is blanked anyhow need not be read."""
    if not rectangles:
        return frames

    def emptied() -> Iterator[DecodedFrame]:
        for index, view in enumerate(frames()):
            samples = view.samples.copy()
            for r in for_frame(rectangles, index):
                samples[r.row_start : r.row_stop, r.column_start : r.column_stop] = 0
            yield replace(view, samples=samples)

    return emptied


def require_image_left(rectangles: Iterable[Rectangle], shape: PixelShape, ds: Dataset) -> None:
    """Refuse an image of which what looks like text would take more than a quarter.

    A page that was captured may be all text; in an image of a patient that much is tissue that was
    taken for text, and an image without it would be silently wrong.

    Raises
    ------
    PixelsNotCleared
        ``PIXELS_MOSTLY_TEXT`` with the share.
    """
    everywhere = disjoint(rectangles)
    share = sum(r.area for r in everywhere) / (shape.rows * shape.columns)
    if kind_of(ds) != "capture" and share > _MOST_BLANKED:
        raise PixelsNotCleared("PIXELS_MOSTLY_TEXT", f"{share:.0%} of the image")


def require_nothing_left(reading: Reading) -> None:
    """Refuse an object in which a second reading still finds what may not stay.

    Raises
    ------
    PixelsNotCleared
        ``PIXELS_TEXT_LEFT`` with the number of places, never with what was read.
    """
    if reading.cut:
        raise PixelsNotCleared("PIXELS_TEXT_LEFT", f"{len(reading.cut)} places")
