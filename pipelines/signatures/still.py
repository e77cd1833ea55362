"""Text that stands still: places that hold letters in the images of many patients.

What tells a line of text from tissue is its ground. In tissue no pixel has the same grey in most
patients; between and around letters most pixels have. A place where letters' edges stand in most
images and the ground is the same in most is a place the device writes in, whatever it writes there.
Letters that are themselves the same in every image are also found where the ground is tissue;
letters that vary on ground that varies are not: for these a reader is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from deid.blank.region import Rectangle
from deid.text.line import Grey

__all__ = ["Place", "Stillness", "find_places", "measure"]

Mask = NDArray[np.bool_]
Share = NDArray[np.float32]
Area = tuple[slice, slice]

_SAME_GREY = 8
"""Greys of 255 by which a pixel may differ and count as the same: JPEG noise beside letters."""
_EDGE_GREY = 48
"""Greys of 255 between neighbours that make an edge of a letter."""
_STROKE_PX = 7
"""Letters of 12 px and more have an edge at least this often."""
_WINDOW_PX = 21
"""Side of the window in which ground is judged: a line of text and what is around it."""
_MOST, _ANY = 0.6, 0.03
_SAME = 0.95
_GROUND, _SOME_GROUND = 0.5, 0.3
_LETTERS = 0.04
"""Share of a window that full strokes fill from which it is text: the rims of letters are blended
with what is under them, so of thin ones little is the same."""
_WORD_GAP_PX = 15
_DENSEST_BAR = 0.08
"""Share of a place's pixels that are edges, below which it is a frame or a bar and no text."""
_FILL = 0.35
_MARGIN_PX = 4
_BAND_ROWS = 64


@dataclass(frozen=True)
class Stillness:
    """What the images of several patients have in common; arrays are (row, column).

    Parameters
    ----------
    exams : int
        Number of images, one a patient.
    median : ndarray of uint8
        The grey that is in the middle.
    same : ndarray of float32
        Share of images whose grey is that of the median.
    edge : ndarray of float32
        Share of images that have an edge at the pixel itself.
    near : ndarray of float32
        Share of images that have an edge within a few pixels.
    read : ndarray of float32
        Share of images in which a reader saw text there; zero without a reader.
    """

    exams: int
    median: Grey
    same: Share
    edge: Share
    near: Share
    read: Share


@dataclass(frozen=True)
class Place:
    """Where text stands still; ``varies`` tells whether what is written differs."""

    rectangle: Rectangle
    varies: bool


def measure(images: NDArray[np.uint8], lines: Sequence[Sequence[Rectangle]] = ()) -> Stillness:
    """Compare one image a patient.

    Parameters
    ----------
    images : ndarray of uint8, shape (patient, row, column)
        As shown, 0 black to 255 white.
    lines : sequence of sequence of Rectangle
        For each image, where a reader saw text; none when nobody read.
    """
    exams, rows, columns = images.shape
    median = np.empty((rows, columns), np.uint8)
    same = np.empty((rows, columns), np.float32)
    for top in range(0, rows, _BAND_ROWS):
        band = images[:, top : top + _BAND_ROWS]
        middle = np.median(band, axis=0).astype(np.uint8)
        median[top : top + _BAND_ROWS] = middle
        differs = np.abs(band.astype(np.int16) - middle)
        same[top : top + _BAND_ROWS] = (differs <= _SAME_GREY).mean(axis=0)
    edge, near, read = (np.zeros((rows, columns), np.float32) for _ in range(3))
    for number, image in enumerate(images):
        edges = _edges(image)
        edge += edges
        near += ndimage.maximum_filter(edges, _STROKE_PX)
        seen = np.zeros((rows, columns), np.bool_)
        for line in lines[number] if lines else ():
            seen[line.row_start : line.row_stop, line.column_start : line.column_stop] = True
        read += seen
    return Stillness(exams, median, same, edge / exams, near / exams, read / exams)


def find_places(still: Stillness) -> tuple[Place, ...]:
    """Return the places that hold text in most images, from the top left, with a small margin."""
    ground = ndimage.uniform_filter((still.same >= _MOST).astype(np.float32), _WINDOW_PX)
    on_flat = (still.near >= _MOST) & (ground >= _GROUND)
    # A long name reaches further than most: what joins a sure place and is text in any image.
    reach = (still.near >= _ANY) & (ground >= _SOME_GROUND)
    around = ndimage.uniform_filter(still.median.astype(np.float32), _WINDOW_PX)
    stands_out = np.abs(still.median - around) > _EDGE_GREY
    letters = (still.same >= _SAME) & (still.near >= _SAME) & stands_out
    dense = ndimage.uniform_filter(letters.astype(np.float32), _WINDOW_PX) >= _LETTERS
    strokes = ndimage.maximum_filter(letters, 2 * _STROKE_PX + 1)
    found = [
        area
        for sure, may in ((on_flat, on_flat | reach), (strokes & dense, strokes))
        for area in _areas(may, sure, lambda area, part: _is_text(still, area, part))
    ]
    read = still.read >= _MOST
    found += _areas(still.read >= _ANY, read, lambda _, part: bool(part.any()))
    merged = _merged([_with_margin(area, still.median.shape) for area in found])
    return tuple(Place(place, _varies(still, place)) for place in sorted(merged))


def _areas(may: Mask, sure: Mask, is_text: Callable[[Area, Mask], bool]) -> list[Area]:
    """Return the rectangles of connected parts of ``may`` whose ``sure`` part is text."""
    joined = ndimage.binary_closing(may, np.ones((1, _WORD_GAP_PX))) | may
    labels, _ = ndimage.label(joined)
    found = []
    for number, area in enumerate(ndimage.find_objects(labels), start=1):
        part = labels[area] == number
        if is_text(area, part & sure[area]):
            found.append(area)
    return found


def _is_text(still: Stillness, area: Area, sure: Mask) -> bool:
    """Tell text from the rim of the image's fan, frames and bars: by how it fills its rectangle."""
    rows, columns = np.nonzero(sure)
    if rows.size == 0 or min(np.ptp(rows), np.ptp(columns)) < _STROKE_PX:
        return False
    filled = rows.size / ((np.ptp(rows) + 1) * (np.ptp(columns) + 1))
    return bool(filled >= _FILL and still.edge[area][sure].mean() >= _DENSEST_BAR)


def _with_margin(area: Area, shape: tuple[int, ...]) -> Rectangle:
    rows, columns = shape
    return Rectangle(
        max(area[0].start - _MARGIN_PX, 0),
        min(area[0].stop + _MARGIN_PX, rows),
        max(area[1].start - _MARGIN_PX, 0),
        min(area[1].stop + _MARGIN_PX, columns),
    )


def _merged(rectangles: list[Rectangle]) -> list[Rectangle]:
    """Return rectangles of which none lies for the most part in another: those become one."""
    kept: list[Rectangle] = []
    for one in sorted(rectangles, key=lambda r: -r.area):
        rest = [other for other in kept if 2 * one.shared(other) < one.area]
        around = [other for other in kept if other not in rest]
        kept = [*rest, _union([one, *around])] if around else [*kept, one]
    return kept


def _union(rectangles: list[Rectangle]) -> Rectangle:
    return Rectangle(
        min(r.row_start for r in rectangles),
        max(r.row_stop for r in rectangles),
        min(r.column_start for r in rectangles),
        max(r.column_stop for r in rectangles),
    )


def _varies(still: Stillness, place: Rectangle) -> bool:
    inside = still.same[place.row_start : place.row_stop, place.column_start : place.column_stop]
    return bool((inside < _SAME).any())


def _edges(image: Grey) -> Mask:
    """Return where a pixel differs from the one to its right or below as letter from ground."""
    wide = image.astype(np.int16)
    edges = np.zeros(image.shape, np.bool_)
    edges[:, :-1] |= np.abs(np.diff(wide, axis=1)) > _EDGE_GREY
    edges[:-1] |= np.abs(np.diff(wide, axis=0)) > _EDGE_GREY
    return edges
