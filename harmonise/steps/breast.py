"""The breast on a mammogram: the largest bright component, and the side of the chest wall."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from config.errors import InconsistentSeries
from harmonise.histogram import otsu_threshold

__all__ = ["Breast", "breast_in", "chest_wall_side", "coarse_of", "enlarged", "thinned"]

COARSE_PIXELS = 500
"""The shorter side of the picture the breast is looked for in; its edge is drawn on the image."""

THIN_SHARE = 0.004
"""Of the shorter side: what is thinner than twice this is a paddle's edge or a label, no breast."""

SMALLEST_FRACTION = 0.01
"""A largest component below this share of the image is not a breast."""

LARGEST_FRACTION = 0.95
"""A component larger than this is the air's noise, not a breast."""

AIR_MARGIN = 0.02
"""Share of the breast's range above the air that is still air."""

NOISE_MARGIN = 5.0
"""Interquartile half-widths of the air's noise above its median that are still air."""

EDGE_FRACTION = 0.02
"""Width of the strip at each side that tells the chest wall, as a share of the columns."""

CLEAR_RATIO = 1.2
"""One side must hold this many times the other's tissue to be called the chest wall."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Breast:
    """The breast of one view, shape (rows, columns), and the threshold that found it."""

    mask: Mask
    threshold: float


def coarse_of(image: NDArray[np.float32]) -> tuple[NDArray[np.float32], int]:
    """Return the image averaged over square blocks, and their width in pixels.

    Rows and columns that fill no block are left out.
    """
    factor = max(1, int(min(image.shape)) // COARSE_PIXELS)
    if factor == 1:
        return image, 1
    rows, columns = (count // factor for count in image.shape)
    total = np.zeros((rows, columns), np.float32)
    for row in range(factor):
        for column in range(factor):
            part = image[row : rows * factor : factor, column : columns * factor : factor]
            total += part
    return (total / np.float32(factor * factor)).astype(np.float32, copy=False), factor


def thinned(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return every n-th pixel of an image: enough to tell one side from the other."""
    every = max(1, int(min(image.shape)) // COARSE_PIXELS)
    return np.ascontiguousarray(image[::every, ::every])


def breast_in(image: NDArray[np.float32], threshold: float | None = None) -> Breast:
    """Return the largest component brighter than air, holes filled; tissue must be bright.

    Otsu's threshold finds the breast but takes its fatty rim for air, so the air itself is looked
    at: the strip farthest from the chest wall, :data:`AIR_MARGIN` of the breast's range above it.
    What hangs on the breast by less than :data:`THIN_SHARE` (paddles, labels) is cut off. Found
    on a coarse picture; only the edge is then drawn on the pixels.

    Parameters
    ----------
    image : ndarray, shape (rows, columns)
        Finite.
    threshold : float, optional
        A threshold decided before; None computes it.

    Raises
    ------
    InconsistentSeries
        ``MG_EMPTY_BREAST`` when nothing large enough is bright; ``VOLUME_CONSTANT``.
    """
    small, factor = coarse_of(image)
    found = _above(small, threshold) if threshold is not None else _found(small)
    if factor == 1:
        return found
    inner = enlarged(ndimage.binary_erosion(found.mask, iterations=2, border_value=1), image.shape)
    outer = enlarged(ndimage.binary_dilation(found.mask), image.shape)
    return Breast(inner | (outer & (image > found.threshold)), found.threshold)


def enlarged(mask: Mask, shape: tuple[int, ...]) -> Mask:
    """Return a coarse mask on the pixels it was made of; the last block reaches to the edge."""
    factor = max(1, shape[0] // mask.shape[0])
    large = np.repeat(np.repeat(mask, factor, axis=0), factor, axis=1)
    missing = [(0, want - have) for want, have in zip(shape, large.shape, strict=True)]
    return np.pad(large, missing, mode="edge") if any(m for _, m in missing) else large


def _found(image: NDArray[np.float32]) -> Breast:
    coarse = _above(image, otsu_threshold(image.ravel().astype(np.float64)))
    side = chest_wall_side(coarse.mask)
    if side is None:
        return coarse
    strip = _strip(image.shape[1])
    far = image[:, -strip:] if side == "left" else image[:, :strip]
    air = float(np.median(far))
    noise = float(np.percentile(far, 75)) - air
    brightest = float(np.percentile(image[coarse.mask], 99.5))
    margin = max(AIR_MARGIN * (brightest - air), NOISE_MARGIN * noise)
    if air + margin >= coarse.threshold:
        return coarse
    fine = _above(image, air + margin)
    return fine if fine.mask.mean() < LARGEST_FRACTION else coarse


def _above(image: NDArray[np.float32], threshold: float) -> Breast:
    bright = image > threshold
    width = max(1, round(THIN_SHARE * min(image.shape)))
    # the border counts as tissue, or the chest wall would be eaten away
    thick = ndimage.binary_erosion(bright, iterations=width, border_value=1)
    core = _largest(thick)
    share = float(core.mean())
    if share < SMALLEST_FRACTION:
        share = float(_largest(bright).mean())
    if share < SMALLEST_FRACTION or not core.any():
        raise InconsistentSeries("MG_EMPTY_BREAST", f"largest bright area {share:.2%} of the image")
    grown = ndimage.binary_dilation(core, iterations=width + 1) & bright
    return Breast(ndimage.binary_fill_holes(grown), threshold)


def _largest(mask: Mask) -> Mask:
    labels, count = ndimage.label(mask)
    if not count:
        return mask
    sizes = np.bincount(labels.ravel(), minlength=2)
    sizes[0] = 0
    return np.asarray(labels == int(sizes.argmax()))


def _strip(columns: int) -> int:
    return max(1, round(EDGE_FRACTION * columns))


def chest_wall_side(mask: Mask) -> Literal["left", "right"] | None:
    """Return the side of the image the breast grows from; None when neither side is clear.

    The breast is cut off by the detector's edge at the chest wall and nowhere else, so the strip
    along that edge holds far more of it; when no strip is clear, the heavier half decides.
    """
    columns = mask.sum(axis=0, dtype=np.int64)
    strip = _strip(columns.size)
    half = columns.size // 2
    for width in (strip, half):
        left, right = int(columns[:width].sum()), int(columns[-width:].sum())
        if left > CLEAR_RATIO * right:
            return "left"
        if right > CLEAR_RATIO * left:
            return "right"
    return None
