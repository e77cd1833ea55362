"""Callipers and text drawn over an ultrasound picture: thin marks with sharp edges, near white.

Pure functions on arrays; pixels, rows down and columns right.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["drawn_over", "is_flow"]

BRIGHT = 150.0
"""Least grey level of a mark: they are drawn to be seen."""

THIN_PIXELS = 5
"""Strokes are narrower; speckle that is as narrow rises less steeply."""

STANDS_OUT = 90.0
"""Grey levels of a stroke above the darkest within `THIN_PIXELS`."""

STEEP = 70.0
"""Grey levels from one pixel to the next: a scanner's interpolated speckle is smoother."""

LARGEST_MARK = 48
"""Pixels a glyph or a calliper is wide or high; what is longer is a bright interface."""

FEWEST_PIXELS = 5

STEEP_SHARE = 0.6
"""Of a mark's pixels that have a steep edge: strokes are nearly all edge."""

MARGIN_PIXELS = 1
"""The soft edge that a mark gets by scaling or compression."""

DOT_REACH_PIXELS = 20
DOT_ROUNDS = 4
"""Dots of a line between callipers lie so near to a mark or the next dot, so many in a row."""

FLOW_SHARE = 0.01
"""Of the picture: less that is in colour is a mark, more is colour flow."""

FLOW_REACH_PIXELS = 4

Mask = NDArray[np.bool_]


def is_flow(colour: Mask | None) -> bool:
    """Tell whether what is in colour is colour flow, and not a few coloured marks."""
    return colour is not None and float(colour.mean()) > FLOW_SHARE


def drawn_over(image: NDArray[np.float32], colour: Mask | None = None) -> Mask:
    """Return what was drawn over a picture, with its soft edge.

    A mark is bright, thin, small and steep on nearly every pixel; dots near one belong to it. What
    is in colour is drawn too, unless it is so much that it is colour flow.

    Parameters
    ----------
    image : ndarray, shape (rows, columns)
        0 to 255.
    colour : ndarray of bool, optional
        Where the picture is in colour.
    """
    above = image - ndimage.grey_opening(image, size=(THIN_PIXELS, THIN_PIXELS))
    candidates = (image >= BRIGHT) & (above >= STANDS_OUT)
    steep = _steepness(image) >= STEEP
    if colour is not None and is_flow(colour):
        candidates &= ~ndimage.binary_dilation(colour, iterations=FLOW_REACH_PIXELS)
    marks = _with_dots(_small(candidates, steep), candidates & steep)
    if colour is not None and not is_flow(colour):
        marks |= colour
    return np.asarray(ndimage.binary_dilation(marks, iterations=MARGIN_PIXELS))


def _steepness(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the largest fall from each pixel to one of its four neighbours."""
    wide = np.pad(image, 1, mode="edge")
    falls = [
        image - wide[1 + row : wide.shape[0] - 1 + row, 1 + column : wide.shape[1] - 1 + column]
        for row, column in ((-1, 0), (1, 0), (0, -1), (0, 1))
    ]
    return np.asarray(np.maximum.reduce(falls))


def _with_dots(marks: Mask, dots: Mask) -> Mask:
    """Add the dots of the lines that run from mark to mark."""
    if not marks.any():
        return marks
    labels, count = ndimage.label(dots, structure=np.ones((3, 3)))
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    tiny = sizes < FEWEST_PIXELS
    tiny[0] = False
    dots = tiny[labels]
    reach = 2 * DOT_REACH_PIXELS + 1
    for _ in range(DOT_ROUNDS):
        near = ndimage.maximum_filter(marks.astype(np.uint8), size=reach) > 0
        marks = marks | (dots & near)
    return marks


def _small(candidates: Mask, steep: Mask) -> Mask:
    """Return the components that are small, and steep on nearly every pixel."""
    labels, count = ndimage.label(candidates, structure=np.ones((3, 3)))
    if not count:
        return np.zeros_like(candidates)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    sharp = np.bincount(labels[steep], minlength=count + 1)
    kept = (sizes >= FEWEST_PIXELS) & (sharp >= STEEP_SHARE * sizes)
    kept[0] = False
    for number, place in enumerate(ndimage.find_objects(labels), start=1):
        if max(s.stop - s.start for s in place) > LARGEST_MARK:
            kept[number] = False
    return np.asarray(kept[labels])
