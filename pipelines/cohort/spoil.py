"""Spoil: what a careless step would do to an image, on purpose, to see whether readers notice.

Half of the copies are over-smoothed, half have lost one small structure (review.md 1.1).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["over_smoothed", "spoil", "without_a_structure"]

BLUR_SHARE = 0.02
"""Width of the blur, as a share of the image's shorter side."""

STRUCTURE_SHARE = 0.015
"""Scale of the structure that is taken out, as the same share: a few millimetres of a prostate."""

_RADII = 2.5
"""Radius of what is taken out, in scales; a Gaussian spot has faded there to 4 %."""

_APART = 6
"""How far from the edge the spot lies, and from where its new texture is taken, in scales."""

Image = NDArray[np.float32]


def spoil(values: NDArray[Any], digest: str) -> Image:
    """Return an image, shape (slice, row, column), spoilt in the way that its digest draws.

    Pictures in colours, shape (field, row, column, 3), are over-smoothed.
    """
    is_grey = values.ndim == 3
    way = without_a_structure if is_grey and int(digest[-1], 16) % 2 else over_smoothed
    return way(values)


def over_smoothed(values: NDArray[Any]) -> Image:
    """Return an image blurred in its plane, as by a careless denoiser."""
    sigma = max(1.5, BLUR_SHARE * min(values.shape[1:3]))
    return _smooth(_filled(values), sigma)


def without_a_structure(values: NDArray[Any]) -> Image:
    """Return an image whose most distinct small round structure is gone, as under a bad model.

    The structure is where the determinant of the Hessian is largest at that scale (Lindeberg 1998):
    large for spots, small for edges. Its place takes the grey around it, and the texture beside it.
    An image without any room for one comes back over-smoothed.
    """
    scale = max(1.5, STRUCTURE_SHARE * min(values.shape[1:]))
    filled, known = _filled(values), np.isfinite(values)
    found = _most_distinct(filled, known, scale)
    if found is None:
        return over_smoothed(values)
    at, row, column = found
    rows, columns = np.ogrid[: values.shape[1], : values.shape[2]]
    distance = np.hypot(rows - row, columns - column)
    share = np.clip((_RADII + 1) - distance / scale, 0, 1).astype(np.float32)
    made = filled.copy()
    for one in range(max(at - 1, 0), min(at + 2, len(filled))):
        made[one] += share * (_ground(filled[one], known[one], share, scale) - filled[one])
    return made


def _filled(values: NDArray[Any]) -> Image:
    return np.where(np.isfinite(values), values, 0).astype(np.float32)


def _smooth(image: Image, sigma: float) -> Image:
    """Blur in the plane: neither across slices nor between colours."""
    spread = {2: (sigma, sigma), 3: (0, sigma, sigma), 4: (0, sigma, sigma, 0)}[image.ndim]
    blurred: Image = ndimage.gaussian_filter(image, spread)
    return blurred


def _most_distinct(
    filled: Image, known: NDArray[np.bool_], scale: float
) -> tuple[int, int, int] | None:
    """Return slice, row and column of the roundest spot in the brighter half of the image."""
    reach = round(_APART * scale)
    best: tuple[float, tuple[int, int, int]] | None = None
    for at, image in enumerate(filled):
        room = ndimage.minimum_filter(
            known[at].astype(np.uint8), 2 * reach + 1, mode="constant"
        ).astype(bool)
        room &= _smooth(image, 4 * scale) > np.median(image)
        if not room.any():
            continue
        slope = [
            ndimage.gaussian_filter(image, scale, order=order) for order in ((2, 0), (0, 2), (1, 1))
        ]
        spot = np.where(room, slope[0] * slope[1] - slope[2] ** 2, -np.inf)
        row, column = np.unravel_index(int(np.argmax(spot)), spot.shape)
        if best is None or spot[row, column] > best[0]:
            best = float(spot[row, column]), (at, int(row), int(column))
    return best[1] if best is not None and best[0] > 0 else None


def _ground(image: Image, known: NDArray[np.bool_], share: Image, scale: float) -> Image:
    """Return what the image would show without the spot: its surroundings and their texture."""
    weight = np.where(known, 1 - share, 0).astype(np.float32)
    around = _smooth(image * weight, 2 * scale) / np.maximum(_smooth(weight, 2 * scale), 1e-6)
    texture = np.roll(image - _smooth(image, scale), round(_APART * scale), axis=1)
    return np.asarray(around + texture, np.float32)
