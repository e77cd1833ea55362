"""Stains: the two dyes of a section by Macenko, and the colours of a section by Reinhard.

Macenko et al., ISBI 2009, doi:10.1109/ISBI.2009.5193250; Reinhard et al., IEEE CG&A 2001,
doi:10.1109/38.946629. Pixels are arrays (..., 3) of uint8 RGB; optical density is the natural
logarithm of transmitted over incident light.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from config.errors import InconsistentSeries

__all__ = [
    "LEAST_DENSITY",
    "LIGHT",
    "angle_between",
    "by_dyes",
    "by_statistics",
    "colour_statistics",
    "dye_map",
    "dyed",
    "lab_of",
    "optical_density",
    "rgb_of",
    "stain_matrix",
    "strongest",
]

Floats = NDArray[np.float64]
Rgb = NDArray[np.uint8]

LIGHT = 240.0
"""Grey level of light that passed through glass alone, of the reference implementations."""

LEAST_DENSITY = 0.15
"""Optical density of all three channels below which a pixel holds no dye (Macenko's beta)."""

ALPHA = 1.0
"""Percentile of angles, from either end, taken as the direction of a dye."""

STRONGEST = 99.0
"""Percentile of a dye's amount that two sections are matched at."""

TO_XYZ = np.array(
    [
        [0.412453, 0.357580, 0.180423],
        [0.212671, 0.715160, 0.072169],
        [0.019334, 0.119193, 0.950227],
    ]
)
"""Linear sRGB to XYZ (ITU-R BT.709 primaries, D65)."""
WHITE_D65 = np.array([0.950456, 1.0, 1.088754])


def optical_density(pixels: Rgb, light: float = LIGHT) -> Floats:
    """Return the optical density of each channel, shape as ``pixels``."""
    table = -np.log((np.arange(256) + 1.0) / light)
    density: Floats = table[pixels]
    return density


def dyed(pixels: Rgb, light: float = LIGHT) -> NDArray[np.bool_]:
    """Return which pixels are dyed: dense enough in all three channels."""
    lightest = light * np.exp(-LEAST_DENSITY) - 1.0
    red, green, blue = np.moveaxis(pixels <= lightest, -1, 0)
    found: NDArray[np.bool_] = red & green & blue
    return found


def stain_matrix(density: Floats) -> Floats:
    """Return the unit vectors of haematoxylin and eosin, shape (3, 2), from densities (n, 3).

    Raises
    ------
    InconsistentSeries
        ``WSI_STAIN_UNRELIABLE`` where the dyed pixels span no plane: a blank tile, one colour.
    """
    dense = density[(density >= LEAST_DENSITY).all(axis=-1)]
    if len(dense) < 3:
        raise InconsistentSeries("WSI_STAIN_UNRELIABLE", f"{len(dense)} dyed pixels")
    sizes, vectors = np.linalg.eigh(np.cov(dense.T))
    if not np.isfinite(sizes).all() or sizes[1] <= 1e-12:
        raise InconsistentSeries("WSI_STAIN_UNRELIABLE", "the dyed pixels have one colour")
    # a density is never negative: the sign that a solver gives an axis means nothing
    plane = vectors[:, 1:] * np.where(vectors[:, 1:].sum(axis=0) < 0, -1.0, 1.0)
    across = dense @ plane
    angles = np.arctan2(across[:, 1], across[:, 0])
    ends = np.percentile(angles, (ALPHA, 100 - ALPHA))
    one, other = (plane @ np.array([np.cos(angle), np.sin(angle)]) for angle in ends)
    # haematoxylin takes more of the red light
    pair = (one, other) if one[0] > other[0] else (other, one)
    return np.column_stack(pair)


def strongest(density: Floats, matrix: Floats) -> Floats:
    """Return the 99th percentile of each dye's amount, shape (2,)."""
    amounts = np.linalg.pinv(matrix) @ density.reshape(-1, 3).T
    found: Floats = np.percentile(amounts, STRONGEST, axis=1)
    return found


def angle_between(one: Any, other: Any) -> float:
    """Return the angle between two vectors in degrees."""
    a, b = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    cosine = float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))
    return float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))


def dye_map(matrix: Any, most: Any, to_matrix: Any, to_most: Any) -> Floats:
    """Return the (3, 3) map from densities of a section to those of the reference.

    The amounts of the two dyes are scaled to the reference's strongest and mixed with its colours.
    """
    scale = np.diag(np.asarray(to_most) / np.asarray(most))
    result: Floats = np.asarray(to_matrix) @ scale @ np.linalg.pinv(np.asarray(matrix))
    return result


def by_dyes(pixels: Rgb, densities: Floats, light: float = LIGHT) -> Rgb:
    """Return pixels, shape (rows, columns, 3), with their densities mapped by :func:`dye_map`.

    Without any dye they come back as they are.
    Grey levels are cut to whole ones as the reference implementation does, so that the two can be
    compared to the grey level.
    """
    import cv2  # takes 14 MB, and only slides ask for it

    if not dyed(pixels, light).any():
        return pixels
    table = -np.log((np.arange(256, dtype=np.float32) + 1) / np.float32(light))
    mapped = np.asarray(cv2.transform(cv2.LUT(pixels, table), -densities.astype(np.float32)))
    cv2.exp(mapped, mapped)
    result: Rgb = np.minimum(mapped * np.float32(light), 255).astype(np.uint8)
    return result


def lab_of(pixels: Rgb) -> Floats:
    """Return CIELAB (D65) of sRGB pixels, L 0 to 100."""
    levels = np.arange(256) / 255.0
    table = np.where(levels > 0.04045, ((levels + 0.055) / 1.055) ** 2.4, levels / 12.92)
    xyz = table[pixels] @ TO_XYZ.T / WHITE_D65
    bent = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16.0 / 116.0)
    x, y, z = np.moveaxis(bent, -1, 0)
    return np.stack([116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)], axis=-1)


def rgb_of(lab: Floats) -> Rgb:
    """Return the sRGB pixels of CIELAB values, cut to whole grey levels."""
    y = (lab[..., 0] + 16.0) / 116.0
    bent = np.stack([y + lab[..., 1] / 500.0, y, y - lab[..., 2] / 200.0], axis=-1)
    xyz = np.where(bent > 0.2068966, bent**3, (bent - 16.0 / 116.0) / 7.787) * WHITE_D65
    linear = np.clip(xyz @ np.linalg.inv(TO_XYZ).T, 0.0, 1.0)
    curved = np.where(linear > 0.0031308, 1.055 * linear ** (1 / 2.4) - 0.055, 12.92 * linear)
    result: Rgb = (np.clip(curved, 0.0, 1.0) * 255.0).astype(np.uint8)
    return result


def colour_statistics(pixels: Rgb) -> tuple[list[float], list[float]]:
    """Return mean and standard deviation of CIELAB over pixels."""
    lab = lab_of(pixels.reshape(-1, 3))
    return [float(v) for v in lab.mean(axis=0)], [float(v) for v in lab.std(axis=0)]


def by_statistics(
    pixels: Rgb, mean: Any, spread: Any, to_mean: Any, to_spread: Any, light: float = LIGHT
) -> Rgb:
    """Return pixels whose CIELAB mean and spread are brought to the reference's (Reinhard)."""
    if not dyed(pixels, light).any():
        return pixels
    lab = (lab_of(pixels) - np.asarray(mean)) / np.maximum(np.asarray(spread), 1e-6)
    return rgb_of(lab * np.asarray(to_spread) + np.asarray(to_mean))
