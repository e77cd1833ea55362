"""A compressed breast as a mammogram for presentation shows it, with its laterality marker."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipelines.demo.tables import load_table

__all__ = ["draw_marker", "mammogram"]

_FAT, _GLAND, _SKIN, _MUSCLE, _MARKER = 1150.0, 1750.0, 420.0, 1250.0, 3700
"""Presentation values (12 bits): fat, gain of dense tissue, of skin, of muscle, and the marker."""


def mammogram(
    shape: tuple[int, int], pixel_mm: float, view: str, rng: np.random.Generator
) -> NDArray[np.uint16]:
    """Return presentation values, shape (row, column), chest wall on the left, air 0.

    Parameters
    ----------
    shape : tuple of int
        Rows, columns.
    pixel_mm : float
        Size of a pixel in the detector plane.
    view : str
        ``CC`` or ``MLO``; only an oblique view shows the pectoral muscle.
    rng : numpy Generator
        This breast's own proportions and texture.
    """
    y, x = (np.arange(n, dtype=np.float32) * np.float32(pixel_mm) for n in shape)
    middle = float(y[-1]) * (0.5 if view == "CC" else 0.56)
    reach, half = float(rng.uniform(95, 130)), float(rng.uniform(78, 98))
    radius = np.hypot((y[:, None] - middle) / half, x[None, :] / reach)
    depth = np.clip(1.0 - radius, 0.0, 1.0)
    inside = np.clip((1.0 - radius) * (half / pixel_mm), 0.0, 1.0)
    # Compression makes the middle even; the edge falls off within about a centimetre.
    thickness = np.minimum(1.0, depth * (half / 11.0)) ** 0.5
    density = _fibroglandular(shape, pixel_mm, rng)
    towards_nipple = np.exp(-(np.square((radius - 0.45) / 0.33)))
    image = thickness * (_FAT + _GLAND * density * towards_nipple)
    image += _SKIN * np.exp(-np.square(depth * half / 1.6)) * inside
    if view == "MLO":
        edge = x[None, :] / 62.0 + y[:, None] / (0.62 * float(y[-1]))
        image += _MUSCLE * np.clip((1.0 - edge) * 14.0, 0.0, 1.0)
        inside = np.maximum(inside, np.clip((1.0 - edge) * 14.0, 0.0, 1.0))
    image += rng.standard_normal(shape, np.float32) * 14.0
    stored: NDArray[np.uint16] = np.clip(np.rint(image * inside), 0, 4095).astype(np.uint16)
    return stored


def draw_marker(image: NDArray[np.uint16], text: str, chest_wall: Literal["left", "right"]) -> None:
    """Draw the marker (for example ``RMLO``) in the air of the upper corner, in place.

    Parameters
    ----------
    image : ndarray of uint16, shape (row, column)
        The image as it will be stored: letters drawn before mirroring would be mirrored too.
    text : str
        Letters of ``font.yaml``.
    chest_wall : str
        The side of the breast; the marker goes to the other.
    """
    font = load_table("font")
    dot = max(1, image.shape[1] // 180)
    glyphs = [np.array([[c == "#" for c in row] for row in font[letter]]) for letter in text]
    gap = np.zeros((7, 1), bool)
    word = np.hstack([part for glyph in glyphs for part in (glyph, gap)])[:, :-1]
    word = np.kron(word, np.ones((dot, dot), bool)).astype(bool)
    rows, columns = word.shape
    top = 2 * dot
    left = image.shape[1] - columns - 2 * dot if chest_wall == "left" else 2 * dot
    image[top : top + rows, left : left + columns][word] = _MARKER


def _fibroglandular(
    shape: tuple[int, int], pixel_mm: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return a texture between 0 and 1 with structure from millimetres to centimetres."""
    total = np.zeros(shape, np.float32)
    for scale_mm, weight in ((18.0, 1.0), (6.0, 0.6), (2.0, 0.35), (0.8, 0.2)):
        # Coarse scales are made on a coarse raster: a blur's cost grows with its width.
        step = max(1, int(scale_mm / pixel_mm / 3))
        coarse = tuple(-(-n // step) + 2 for n in shape)
        noise = rng.standard_normal(coarse).astype(np.float32)
        blurred = ndimage.gaussian_filter(noise, scale_mm / pixel_mm / step / 2.0)
        blurred = ndimage.zoom(blurred, step, order=1) if step > 1 else blurred
        patch = blurred[: shape[0], : shape[1]]
        total += np.float32(weight) * patch / np.float32(patch.std())
    ranked = 1.0 / (1.0 + np.exp(-total - np.float32(rng.uniform(-0.8, 0.4))))
    density: NDArray[np.float32] = ranked.astype(np.float32)
    return density
