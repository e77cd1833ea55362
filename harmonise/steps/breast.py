"""The breast on a mammogram: the largest bright component, and the side of the chest wall."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from config.errors import InconsistentSeries
from harmonise.steps.statistics import otsu_threshold

__all__ = ["Breast", "breast_in", "chest_wall_side"]

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


@dataclass(frozen=True)
class Breast:
    """Masks of one view, shape (rows, columns): the breast, and whatever else is bright."""

    mask: NDArray[np.bool_]
    elsewhere: NDArray[np.bool_]
    threshold: float


def breast_in(image: NDArray[np.float32], threshold: float | None = None) -> Breast:
    """Return the largest component brighter than air; tissue must be bright.

    Otsu's threshold finds the breast but takes its fatty rim for air, so the air itself is looked
    at: the strip farthest from the chest wall, :data:`AIR_MARGIN` of the breast's range above it.

    Parameters
    ----------
    image : ndarray, shape (rows, columns)
    threshold : float, optional
        A threshold decided before; None computes it.

    Raises
    ------
    InconsistentSeries
        ``MG_EMPTY_BREAST`` when nothing large enough is bright; ``VOLUME_CONSTANT``.
    """
    if threshold is not None:
        return _above(image, threshold)
    coarse = _above(image, otsu_threshold(image[np.isfinite(image)].astype(np.float64)))
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
    labels, count = ndimage.label(bright)
    sizes = np.bincount(labels.ravel(), minlength=2)
    sizes[0] = 0
    if not count or sizes.max() < SMALLEST_FRACTION * image.size:
        share = float(sizes.max()) / image.size
        raise InconsistentSeries("MG_EMPTY_BREAST", f"largest bright area {share:.2%} of the image")
    largest = labels == int(sizes.argmax())
    return Breast(ndimage.binary_fill_holes(largest), bright & ~largest, threshold)


def _strip(columns: int) -> int:
    return max(1, round(EDGE_FRACTION * columns))


def chest_wall_side(mask: NDArray[np.bool_]) -> Literal["left", "right"] | None:
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
