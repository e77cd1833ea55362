"""Synthetic breasts with known tissue, seen through makers' curves; nothing here is a real image.

A breast is a half ellipse of fat with fibroglandular tissue in it and a lesion in that, on a scale
of attenuation from 0 to 1. Density, thickness and noise differ from breast to breast. A curve is
what a maker makes of attenuation: rising, not linear.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

SHAPE = (240, 180)

Curve = Callable[[np.ndarray], np.ndarray]

FITTED: dict[str, Curve] = {
    "GE MEDICAL SYSTEMS": lambda x: 1 / (1 + np.exp(-4 * (x - 0.5))),
    "SIEMENS": lambda x: x**1.3,
    "PLANMED": lambda x: 0.1 + 0.85 * x**0.8,
}
"""Curves of the cohort the scale is fitted to."""

UNSEEN: dict[str, Curve] = {
    "HOLOGIC, Inc.": lambda x: 0.02 + 0.95 * x**1.5,
    "FUJIFILM Corporation": lambda x: np.log1p(4 * x) / np.log(5.0),
}
"""Curves of the two makers it is applied to."""


@dataclass(frozen=True)
class SyntheticBreast:
    """Attenuation 0 to 1, and where the tissues are; shape `SHAPE`."""

    attenuation: np.ndarray
    fat: np.ndarray
    dense: np.ndarray
    lesion: np.ndarray
    around: np.ndarray

    def through(self, curve: Curve) -> np.ndarray:
        """Return presentation values: air 0, tissue by the curve."""
        inside = self.fat | self.dense | self.lesion
        return np.where(inside, curve(self.attenuation), 0.0).astype(np.float32)


def synthetic_breast(seed: int) -> SyntheticBreast:
    """Return one breast; ``seed`` decides its density, thickness, texture and noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    depth = 1 - (x / 150) ** 2 - ((y - 120) / 105) ** 2
    inside = depth > 0
    density = rng.uniform(0.15, 0.4)
    texture = ndimage.gaussian_filter(rng.standard_normal(SHAPE), 9)
    texture /= texture[inside].std()
    central = texture + 2.5 * np.clip(depth, 0, 1)
    dense = inside & (central > np.quantile(central[inside], 1 - density))
    thickness = rng.uniform(-0.03, 0.03)
    rows, columns = np.nonzero(ndimage.binary_erosion(dense, iterations=9))
    pick = int(rng.integers(len(rows)))
    lesion = (y - rows[pick]) ** 2 + (x - columns[pick]) ** 2 < 36
    around = dense & (((y - rows[pick]) ** 2 + (x - columns[pick]) ** 2) < 250) & ~lesion
    fine = ndimage.gaussian_filter(rng.standard_normal(SHAPE), 1.5)
    fine /= fine.std()
    level = np.where(dense, 0.58, 0.34) + thickness + 0.045 * fine
    level += 0.06 * (np.clip(depth, 0, 1) - 0.5) + np.where(lesion, 0.07, 0)
    level += 0.01 * rng.standard_normal(SHAPE)
    fat = inside & ~dense & ~lesion
    return SyntheticBreast(
        np.clip(level, 0.02, 0.98), fat, dense & ~lesion, lesion & inside, around
    )


def distance(one: np.ndarray, other: np.ndarray) -> float:
    """Return the Kolmogorov-Smirnov distance of two samples."""
    points = np.sort(np.concatenate([one, other]))
    shares = [np.searchsorted(np.sort(s), points, side="right") / s.size for s in (one, other)]
    return float(np.abs(shares[0] - shares[1]).max())


def contrast_to_noise(image: np.ndarray, breast: SyntheticBreast) -> float:
    """Return (mean of the lesion - mean around it) / standard deviation around it."""
    around = image[breast.around]
    return float((image[breast.lesion].mean() - around.mean()) / around.std())
