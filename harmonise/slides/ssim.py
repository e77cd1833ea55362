"""Structural similarity of two pictures (Wang et al. 2004, doi:10.1109/TIP.2003.819861)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["similarity"]

WINDOW = (11, 11)
SIGMA = 1.5
STEADY = ((0.01 * 255) ** 2, (0.03 * 255) ** 2)
"""The paper's C1 and C2 for 8 bits."""


def similarity(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Return the mean SSIM of the worst colour, window 11 x 11, Gaussian of 1.5 pixels."""
    pairs = zip(np.moveaxis(one, -1, 0), np.moveaxis(other, -1, 0), strict=True)
    return min(_of_channel(a.astype(np.float32), b.astype(np.float32)) for a, b in pairs)


def _of_channel(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    mean_a, mean_b = _smooth(a), _smooth(b)
    spread_a = _smooth(a * a) - mean_a**2
    spread_b = _smooth(b * b) - mean_b**2
    common = _smooth(a * b) - mean_a * mean_b
    c1, c2 = STEADY
    above = (2 * mean_a * mean_b + c1) * (2 * common + c2)
    below = (mean_a**2 + mean_b**2 + c1) * (spread_a + spread_b + c2)
    edge = WINDOW[0] // 2
    return float((above / below)[edge:-edge, edge:-edge].mean(dtype=np.float64))


def _smooth(image: NDArray[np.float32]) -> NDArray[np.float32]:
    import cv2  # takes 14 MB, and only slides ask for it

    return np.asarray(cv2.GaussianBlur(image, WINDOW, SIGMA), dtype=np.float32)
