"""What diffusion images say of each other: ADC refit, the b-value they show, acquired or computed.

Closed forms over one region, no state. Signals of a mono-exponential decay, S(b) = S0 exp(-b D)
(Stejskal and Tanner 1965, J Chem Phys 42:288), so ln S is a straight line in b.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "AdcFit",
    "b_shown",
    "computed_share",
    "fit_adc",
    "is_computed",
    "noise_sd",
    "refit_ratio",
]

UM2_PER_MM2 = 1e6
"""ADC is in um2/s = 1e-6 mm2/s."""

SD_PER_MAD = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""

COMPUTED_BELOW, ACQUIRED_ABOVE = 0.7, 0.9
"""Scatter about the other b-values, in units of the noise an acquired image must have. An acquired
image has noise of its own, hence 1 at least; a computed one only rounding and interpolation. On
PROSTATEx-0000 the computed b 1000 has 0.5, the acquired b 50, 400 and 800 have 4.0, 1.3 and 1.6."""

FEWEST_FOR_NOISE = 3
"""b-values: two always lie on a line, and say nothing of noise."""

Array = NDArray[np.float64]
Images = Mapping[float, Array]


@dataclass(frozen=True)
class AdcFit:
    """Log-linear least-squares fit: ``adc_um2_s`` and ``log_s0``, one value a voxel."""

    adc_um2_s: Array
    log_s0: Array


def fit_adc(images: Images) -> AdcFit:
    """Return the ADC of every voxel from images of two or more b-values.

    Parameters
    ----------
    images : mapping of float to ndarray
        Positive signals of one region by b-value in s/mm2, all of one shape.
    """
    b = np.asarray(sorted(images))
    logs = np.stack([np.log(images[value]) for value in b])
    centred = b - b.mean()
    slope = np.tensordot(centred, logs, 1) / float(centred @ centred)
    return AdcFit(-slope * UM2_PER_MM2, logs.mean(axis=0) - slope * float(b.mean()))


def refit_ratio(fit: AdcFit, vendor_um2_s: Array) -> float:
    """Return the median of refitted over delivered ADC; 1 where the map is what the images give."""
    return float(np.median(fit.adc_um2_s / vendor_um2_s))


def b_shown(image: Array, images: Images, adc_um2_s: Array) -> float:
    """Return the b-value, s/mm2, that an image's own signal shows.

    ``b = b_k + ln(S_k / S) / D``, the median over voxels, the mean over the lowest and the highest
    of the other b-values: their errors have opposite signs where the ADC was fitted to both.
    """
    found = []
    for b_value in {min(images), max(images)}:
        step = np.log(images[b_value] / image) / (adc_um2_s / UM2_PER_MM2)
        found.append(b_value + float(np.median(step)))
    return float(np.mean(found))


def noise_sd(images: Images) -> float | None:
    """Return the noise of acquired images, in their own unit; None from fewer than three b-values.

    Noise of one size on all images makes ln S scatter by sd / S, and so the distance of a voxel's
    ln S from its line. The robust scatter of the distance over the scatter that noise 1 would give.
    """
    if len(images) < FEWEST_FOR_NOISE:
        return None
    b = np.asarray(sorted(images))
    signals = np.stack([images[value] for value in b])
    centred = b - b.mean()
    hat = 1 / len(b) + np.outer(centred, centred) / float(centred @ centred)
    left_over = np.tensordot(np.eye(len(b)) - hat, np.log(signals), 1)
    expected = np.tensordot((np.eye(len(b)) - hat) ** 2, signals**-2.0, 1)
    ratios = left_over / np.sqrt(expected)
    return float(np.median([_sd(row) for row in ratios]))


def computed_share(image: Array, images: Images, noise: float) -> float:
    """Return the scatter of ln S about the other b-values over that of an acquired image.

    ln S is fitted by the logarithms of the others and a constant: a computed image is such a sum
    whatever weights its maker chose, up to rounding and interpolation. What is left of an acquired
    one is at least its own noise.
    """
    columns = [np.log(images[b]).ravel() for b in sorted(images)]
    design = np.stack([*columns, np.ones(image.size)], axis=1)
    logs = np.log(image).ravel()
    weights = np.linalg.lstsq(design, logs, rcond=None)[0]
    return _sd(logs - design @ weights) / float(np.median(noise / image))


def is_computed(share: float) -> bool | None:
    """Return True for a computed image, False for an acquired one, None where it is not clear."""
    if share < COMPUTED_BELOW:
        return True
    return False if share > ACQUIRED_ABOVE else None


def _sd(values: Array) -> float:
    return float(SD_PER_MAD * np.median(np.abs(values - np.median(values))))
