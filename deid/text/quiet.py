"""Which parts of a frame could hold text at all, by arithmetic that costs next to nothing.

Letters are made of strokes: lines thinner than they are long, brighter or darker than what lies on
both their sides. A morphological top-hat shows those and neither slow shading nor a single edge.
A part is quiet when no stroke stands out from that part's own noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["Listening", "Loudness", "loudness_of", "strokes_of"]

Mask = NDArray[np.bool_]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Listening:
    """When a stroke stands out.

    Parameters
    ----------
    block_px : int
        Side of the parts that are judged.
    kernel_px : int
        Strokes thinner than this are seen, at each of ``levels`` halvings of the frame.
    levels : int
        So many sizes of strokes.
    ratio : float
        To the upper quartile of the part's quietest surroundings.
    window_px, pixels : int
        So many pixels in a window of this side must stand out: fewer are noise.
    faint : float
        Share of the frame's range under which a stroke is too faint to be seen as shown.
    strip_px : int
        Rows worked on at once: memory does not grow with the frame.
    """

    block_px: int = 64
    kernel_px: int = 9
    levels: int = 3
    ratio: float = 3.0
    window_px: int = 24
    pixels: int = 10
    faint: float = 0.08
    strip_px: int = 1024


@dataclass(frozen=True)
class Loudness:
    """Parts of a frame, (row of blocks, column of blocks): could hold text; only faint text."""

    loud: Mask
    faint: Mask

    def __or__(self, other: Loudness) -> Loudness:
        """Return what is loud in either."""
        loud = self.loud | other.loud
        return Loudness(loud, (self.faint | other.faint) & loud)


def loudness_of(ground: NDArray[Any], listening: Listening, *, span: float) -> Loudness:
    """Return which blocks could hold text.

    Parameters
    ----------
    ground : array
        (row, column), larger is brighter.
    listening : Listening
        When a stroke stands out.
    span : float
        Between black and white as shown, in units of ``ground``.
    """
    block = listening.block_px
    rows, columns = (-(-n // block) for n in ground.shape)
    loud, faint = np.zeros((rows, columns), bool), np.zeros((rows, columns), bool)
    per_strip = listening.strip_px // block
    around = 1  # blocks, so that the surroundings are the same as in one piece
    for first in range(0, rows, per_strip):
        last = min(first + per_strip, rows)
        above, below = max(first - around, 0), min(last + around, rows)
        strip = ground[above * block : below * block]
        found = _strip(strip, listening, span)
        loud[first:last] = found.loud[first - above : last - above]
        faint[first:last] = found.faint[first - above : last - above]
    return Loudness(loud, faint)


def _strip(strip: NDArray[Any], listening: Listening, span: float) -> Loudness:
    block = listening.block_px
    size = tuple(-(-n // block) for n in strip.shape)
    loud, faint = np.zeros(size, bool), np.zeros(size, bool)
    level = strip.astype(np.float32)
    least = 0.5 if strip.dtype.kind in "iu" else 1e-6
    for halving in range(listening.levels):
        if halving:
            half = (max(level.shape[1] // 2, 1), max(level.shape[0] // 2, 1))
            level = np.asarray(cv2.resize(level, half, interpolation=cv2.INTER_AREA), np.float32)
        strokes = strokes_of(level, listening.kernel_px)
        step = max(block >> halving, 1)
        usual = _usual(strokes, step, size)
        bar = cv2.resize(usual, strokes.shape[::-1], interpolation=cv2.INTER_NEAREST)
        hot = strokes > np.maximum(bar * listening.ratio, least)
        dense = _dense(hot, listening)
        if not dense.any():
            continue
        here = _any(dense, step, size)
        loud |= here
        peak = _most(np.where(dense, strokes, 0), step, size)
        faint |= here & (peak < listening.faint * span)
    return Loudness(loud, faint)


def strokes_of(level: Floats, kernel_px: int) -> Floats:
    """Return by how much each pixel of a stroke thinner than ``kernel_px`` stands out."""
    smooth = cv2.blur(level, (3, 3))
    kernel = np.ones((kernel_px, kernel_px), np.uint8)
    bright = smooth - cv2.morphologyEx(smooth, cv2.MORPH_OPEN, kernel)
    dark = cv2.morphologyEx(smooth, cv2.MORPH_CLOSE, kernel) - smooth
    return np.asarray(np.maximum(bright, dark), np.float32)


def _dense(hot: Mask, listening: Listening) -> Mask:
    side = listening.window_px
    count = cv2.boxFilter(hot.astype(np.float32), -1, (side, side), normalize=False)
    return hot & (count >= listening.pixels - 0.5)


def _blocks(values: NDArray[Any], step: int, size: tuple[int, ...]) -> NDArray[Any]:
    """Return values by block, (row, column, value), the frame filled up with its edge."""
    rows, columns = size
    wanted = (rows * step, columns * step)
    cut = values[: wanted[0], : wanted[1]]
    filled = np.pad(
        cut, ((0, wanted[0] - cut.shape[0]), (0, wanted[1] - cut.shape[1])), mode="edge"
    )
    return filled.reshape(rows, step, columns, step).swapaxes(1, 2).reshape(rows, columns, -1)


def _usual(strokes: Floats, step: int, size: tuple[int, ...]) -> Floats:
    """Return the upper quartile by block, or that of a neighbour where it is less.

    Ink covers less than a quarter of most blocks; where it covers more, a neighbour has less.
    """
    by_block = _blocks(strokes, step, size)[..., ::3]
    upper = np.percentile(by_block, 75, axis=2).astype(np.float32)
    return np.asarray(cv2.erode(upper, np.ones((3, 3), np.uint8)), np.float32)


def _any(mask: Mask, step: int, size: tuple[int, ...]) -> Mask:
    return np.asarray(_blocks(mask, step, size).any(axis=2), bool)


def _most(values: Floats, step: int, size: tuple[int, ...]) -> Floats:
    return np.asarray(_blocks(values, step, size).max(axis=2), np.float32)
