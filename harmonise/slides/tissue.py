"""Tissue on a slide: where it lies, where ink or a fold covers it, and how sharp it is.

Works on an overview of about 16 um a pixel; thresholds are proposals of ours, stated one by one,
and everything they find is a flag, never a change of a pixel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from harmonise.slides.stain import LEAST_DENSITY

__all__ = [
    "BACKGROUND",
    "FOLD",
    "PEN",
    "TISSUE",
    "Tissue",
    "sharpness",
    "tissue_of",
    "white_point",
]

Rgb = NDArray[np.uint8]
Floats = NDArray[np.float32]

BACKGROUND, TISSUE, PEN, FOLD = 0, 1, 2, 3
"""Labels of the mask."""

DARKEST_WHITE = 180
"""A background darker than this is not light that passed through glass alone."""

SMALLEST_UM = 100.0
"""Side of the smallest piece of tissue: dust and debris are smaller."""

INK_HUES = (70.0, 235.0)
"""Degrees of hue from yellow green to blue; haematoxylin is violet, eosin pink."""
INK_SATURATION = 0.35
BLACK_INK = 0.22
"""Value below which a pixel without hue is black ink."""

FOLD_TIMES = 2.0
"""A fold lets the light pass through tissue twice: its density against the tissue's median."""


@dataclass(frozen=True)
class Tissue:
    """What an overview shows.

    ``labels`` has one of the four labels a pixel; ``white`` is the grey level of each channel
    where nothing but glass is.
    """

    labels: NDArray[np.uint8]
    microns: float
    white: tuple[float, float, float]

    def share(self, label: int) -> float:
        """Return a label's share of the slide."""
        return float((self.labels == label).mean())


def white_point(pixels: Rgb) -> tuple[float, float, float]:
    """Return the grey level of the background in each channel.

    The commonest bright grey; where no channel has a bright one, 240.
    """
    found = []
    for channel in range(3):
        counts = np.bincount(pixels[..., channel].ravel(), minlength=256)[DARKEST_WHITE:]
        found.append(float(DARKEST_WHITE + counts.argmax()) if counts.any() else 240.0)
    return found[0], found[1], found[2]


def tissue_of(pixels: Rgb, microns: float) -> Tissue:
    """Return the tissue, ink and folds of an overview, shape (rows, columns, 3)."""
    white = white_point(pixels)
    density = np.full(pixels.shape[:2], -np.inf, dtype=np.float32)
    for channel, light in enumerate(white):  # one channel at a time: an overview may be large
        table = np.log((light + 1) / (np.arange(256) + 1)).astype(np.float32)
        np.maximum(density, table[pixels[..., channel]], out=density)
    ink = _ink(pixels, density)
    covered = _without_specks((density > LEAST_DENSITY) & ~ink, microns)
    ink = _without_specks(ink, microns)
    labels = np.where(covered, TISSUE, BACKGROUND).astype(np.uint8)
    labels[_folds(density, covered, microns)] = FOLD
    labels[ink] = PEN
    return Tissue(labels, microns, white)


def _ink(pixels: Rgb, density: Floats) -> NDArray[np.bool_]:
    """Return where a pen has drawn: hues that no dye of H&E has, or black."""
    import cv2  # takes 14 MB, and only slides ask for it

    hue, saturation, value = np.moveaxis(cv2.cvtColor(pixels, cv2.COLOR_RGB2HSV), -1, 0)
    coloured = (hue > INK_HUES[0] / 2) & (hue < INK_HUES[1] / 2)  # OpenCV halves the degrees
    coloured &= saturation > 255 * INK_SATURATION
    black = (value < 255 * BLACK_INK) & (saturation < 255 * INK_SATURATION)
    found: NDArray[np.bool_] = (coloured | black) & (density > 2 * LEAST_DENSITY)
    return found


def _folds(density: Floats, covered: NDArray[np.bool_], microns: float) -> NDArray[np.bool_]:
    """Return where tissue lies twice: twice its median density, far beyond its spread."""
    inside = density[covered]
    if not inside.size:
        return covered
    middle = float(np.median(inside))
    spread = 1.4826 * float(np.median(np.abs(inside - middle)))
    twice = covered & (density > max(FOLD_TIMES * middle, middle + 3 * spread))
    return _without_specks(twice, microns)


def _without_specks(mask: NDArray[np.bool_], microns: float) -> NDArray[np.bool_]:
    """Return a mask without pieces smaller than a tenth of a millimetre."""
    labels, count = ndimage.label(mask)
    if not count:
        return mask
    least = max(1.0, (SMALLEST_UM / microns) ** 2)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    keep = sizes >= least
    keep[0] = False
    kept: NDArray[np.bool_] = keep[labels]
    return kept


def sharpness(pixels: Rgb, microns: float) -> float:
    """Return the share of a region's grey variance that lies in detail finer than about 2 um.

    What a Gaussian of 1 um takes away, over all there is: 0 where everything is blurred, without
    unit, unchanged by brightness and by the scale of grey levels.
    """
    import cv2  # takes 14 MB, and only slides ask for it

    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    whole = float(grey.var())
    if whole < 1.0:  # a flat region: there is nothing to be sharp
        return 1.0
    smooth = ndimage.gaussian_filter(grey, 1.0 / microns)
    return float((grey - smooth).var()) / whole
