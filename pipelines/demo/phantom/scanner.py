"""What a scanner makes of tissue: coil sensitivity, gain, Rician noise, whole numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harmonise.volume import Grid
from pipelines.demo.phantom.ellipsoids import block_coordinates

__all__ = ["Coil", "fit_adc", "record", "sensitivity", "tilted_grid"]

_LARGEST_STORED = 4095
"""12 bits."""
_LARGEST_ADC = 3500.0
"""1e-6 mm2/s: scanners clip above free water at body temperature."""


@dataclass(frozen=True)
class Coil:
    """Natural logarithm of the sensitivity, per 100 mm and per (100 mm)^2."""

    linear: tuple[float, float, float]
    quadratic: float


def tilted_grid(
    shape: tuple[int, int, int],
    spacing_mm: tuple[float, float, float],
    centre_mm: tuple[float, float, float],
    tilt_deg: tuple[float, float],
) -> Grid:
    """Return an oblique axial grid whose middle is ``centre_mm``.

    ``tilt_deg`` turns it about the left-right axis, then about the head-feet axis.
    """
    a, b = np.deg2rad(tilt_deg)
    about_x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    about_z = np.array([[np.cos(b), -np.sin(b), 0], [np.sin(b), np.cos(b), 0], [0, 0, 1]])
    # Columns of the turned axes: x is a growing column, y a growing row, z a growing slice.
    turned = about_z @ about_x
    axes = [turned[:, 2], turned[:, 1], turned[:, 0]]
    origin = np.asarray(centre_mm, float)
    for axis, count, step in zip(axes, shape, spacing_mm, strict=True):
        origin = origin - axis * step * (count - 1) / 2
    triples = [(float(v[0]), float(v[1]), float(v[2])) for v in [*axes, origin]]
    return Grid(shape, spacing_mm, triples[3], (triples[0], triples[1], triples[2]))


def sensitivity(grid: Grid, coil: Coil) -> NDArray[np.float32]:
    """Return the coil's multiplicative field on the grid, shape (slice, row, column)."""
    whole = (slice(0, grid.shape[0]), slice(0, grid.shape[1]), slice(0, grid.shape[2]))
    x, y, z = (p / np.float32(100.0) for p in block_coordinates(grid, whole))
    lx, ly, lz = (np.float32(v) for v in coil.linear)
    squared = x * x + y * y + z * z
    field: NDArray[np.float32] = np.exp(
        lx * x + ly * y + lz * z + np.float32(coil.quadratic) * squared
    )
    return field


def record(
    signal: NDArray[np.float32], gain: float, noise: float, rng: np.random.Generator
) -> NDArray[np.uint16]:
    """Return stored magnitudes: noise in both channels of the receiver (Rice), then rounding.

    Gudbjartsson and Patz, Magn Reson Med 1995;34:910-914.
    """
    real = signal + rng.standard_normal(signal.shape, np.float32) * np.float32(noise)
    imaginary = rng.standard_normal(signal.shape, np.float32) * np.float32(noise)
    magnitude = np.sqrt(real * real + imaginary * imaginary) * np.float32(gain)
    stored: NDArray[np.uint16] = np.clip(np.rint(magnitude), 0, _LARGEST_STORED).astype(np.uint16)
    return stored


def fit_adc(
    stored: Sequence[NDArray[np.uint16]], b_values: Sequence[float], floor: float
) -> NDArray[np.float32]:
    """Return the log-linear least-squares ADC in 1e-6 mm2/s from the stored images.

    Where the lowest b is darker than ``floor`` there is nothing but noise: 0, as scanners write.
    """
    b = np.asarray(b_values, np.float64)
    weights = (b - b.mean()) / np.square(b - b.mean()).sum()
    slope = sum(
        np.float32(w) * np.log(np.maximum(image, 1).astype(np.float32))
        for w, image in zip(weights, stored, strict=True)
    )
    adc = np.clip(-1e6 * np.asarray(slope, np.float32), 0.0, _LARGEST_ADC)
    result: NDArray[np.float32] = np.where(stored[0] > floor, adc, 0.0).astype(np.float32)
    return result
