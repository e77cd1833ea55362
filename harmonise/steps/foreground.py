"""Foreground: what of a weighted image is body, where no mask of an organ exists."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from config.errors import InconsistentSeries
from harmonise.histogram import otsu_threshold

__all__ = ["Foreground", "foreground_of"]

AIR_SHARE = 0.12
"""Air is noise: its median lies below this share of the image's 95th percentile."""

SMALLEST_FRACTION = 0.01
"""A largest component below this share of the voxels is no body."""


@dataclass(frozen=True)
class Foreground:
    """The body on an image's grid, shape (slices, rows, columns), and how it was found.

    ``air_below`` is the threshold; None where the field of view holds no air.
    """

    mask: NDArray[np.bool_]
    air_below: float | None


def foreground_of(values: NDArray[np.float32]) -> Foreground:
    """Return the largest connected component brighter than air.

    Otsu's threshold may lie between air and tissue, or between dark and bright tissue. So the
    darker part is split once more, and the lowest split below which there is only noise
    (`AIR_SHARE`) is the one of the air. Where there is none the field of view lies inside the
    body, and every measured voxel is foreground. Holes are not filled: gas is not tissue.

    Parameters
    ----------
    values : ndarray, shape (slices, rows, columns)
        NaN where nothing was measured.

    Raises
    ------
    InconsistentSeries
        ``VOLUME_EMPTY``, ``VOLUME_CONSTANT``, or ``MASK_EMPTY`` when nothing large is brighter
        than air.
    """
    measured = np.isfinite(values)
    inside = values[measured].astype(np.float64)
    if not inside.size:
        raise InconsistentSeries("VOLUME_EMPTY", "no voxel holds a measurement")
    threshold = _air_threshold(inside)
    if threshold is None:
        return Foreground(measured, None)
    labels, count = ndimage.label(measured & (np.where(measured, values, -np.inf) > threshold))
    sizes = np.bincount(labels.ravel(), minlength=2)
    sizes[0] = 0
    if not count or sizes.max() < SMALLEST_FRACTION * inside.size:
        share = float(sizes.max()) / inside.size
        raise InconsistentSeries("MASK_EMPTY", f"largest part brighter than air: {share:.2%}")
    return Foreground(labels == int(sizes.argmax()), threshold)


def _air_threshold(inside: NDArray[np.float64]) -> float | None:
    """Return the lowest of two Otsu thresholds below which there is air alone."""
    noise = AIR_SHARE * float(np.percentile(inside, 95))
    between = otsu_threshold(inside)
    dark = inside[inside <= between]
    candidates = [between]
    if dark.size and dark.min() < dark.max():
        candidates.insert(0, otsu_threshold(dark))
    for threshold in candidates:
        below = inside[inside <= threshold]
        if below.size and float(np.median(below)) <= noise:
            above = inside[(inside > threshold) & (inside <= between)]
            # both halves of the air's own noise are noise: then the split above is the right one
            if threshold < between and above.size and float(np.median(above)) <= noise:
                continue
            return threshold
    return None
