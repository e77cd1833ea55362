"""Real values to stored integers: exactly when they are whole, else in 65,534 steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.valuerep import format_number_as_ds

from config.errors import InconsistentSeries

__all__ = ["LEVELS", "Quantised", "quantise"]

LEVELS = 65534
"""Steps from the smallest value, stored as 1, to the largest, stored as 65535; 0 is padding."""

SIGNED_TOP = 32767

TOP_8_BIT = 255

TOP = 65535
LEAST_SPAN = 1000
"""Whole numbers of fewer levels would lose what they show."""

DS_MARGIN = 1e-6
"""A slope is written as a float32 and in 16 characters (PS3.5 6.2): round it up by more than both
lose."""
INTERCEPT_MOVE = 0.4
"""Of a step: by so little an intercept may move to become a float32; the ends stay within half."""


@dataclass(frozen=True)
class Quantised:
    """Stored values and how to read them: ``real = slope * stored + intercept``.

    ``slope`` and ``intercept`` are decimal strings of at most 16 characters and the stored values
    were computed with exactly these. ``padding`` is the stored value of voxels without a
    measurement; None when there are none.
    """

    stored: NDArray[Any]
    slope: str
    intercept: str
    padding: int | None

    @property
    def bits(self) -> int:
        """Return BitsAllocated."""
        return 8 * self.stored.dtype.itemsize

    @property
    def signed(self) -> bool:
        """Tell whether PixelRepresentation is 1."""
        return self.stored.dtype == np.int16

    def real(self) -> NDArray[np.float64]:
        """Return the real values as a reader gets them; padding is NaN."""
        values = self.stored.astype(np.float64) * float(self.slope) + float(self.intercept)
        if self.padding is not None:
            values[self.stored == self.padding] = np.nan
        return values


def quantise(
    values: NDArray[np.float32],
    *,
    zero_intercept: bool = False,
    whole: bool = False,
    eight_bit: bool = False,
) -> Quantised:
    """Return ``values`` as 16-bit integers, or of 8 bits.

    Parameters
    ----------
    values : ndarray
        Real values; NaN where nothing was measured.
    zero_intercept : bool
        RescaleIntercept must be 0 (PET, PS3.3 C.8.9.4).
    whole : bool
        Slope must be 1 and intercept 0 (mammograms, PS3.3 C.8.11.3): values are rounded to whole
        numbers when they span at least a thousand, and voxels without a measurement become 0.
    eight_bit : bool
        Ultrasound (PS3.3 C.8.5.6.1): values from 0 to 255 are rounded; others are stretched over
        these levels, and what they were is in the NIfTI file alone.

    Raises
    ------
    InconsistentSeries
        ``VOLUME_EMPTY``.
    """
    measured = np.isfinite(values)
    if whole and measured.all() and values.min() >= 0 and LEAST_SPAN <= values.max() <= TOP:
        return Quantised(np.rint(values).astype(np.uint16), "1", "0", None)
    if not measured.any():
        raise InconsistentSeries("VOLUME_EMPTY", "no voxel holds a measurement")
    real = values.astype(np.float64)
    low, high = float(real[measured].min()), float(real[measured].max())
    if eight_bit:
        return _eight_bit(real, measured, low, high)
    if whole and low >= 0 and LEAST_SPAN <= high <= TOP:
        return _whole(real, measured, 0.0)
    if zero_intercept:
        return _through_zero(real, measured, low, high)
    if high - low <= LEVELS and bool((real[measured] == np.rint(real[measured])).all()):
        natural = low >= (0 if measured.all() else 1) and high <= 65535
        return _whole(real, measured, 0.0 if natural else low - 1.0)
    return _even_steps(real, measured, low, high)


def _whole(real: NDArray[np.float64], measured: NDArray[np.bool_], intercept: float) -> Quantised:
    """Store whole numbers as they are, or moved by a whole number."""
    stored = np.where(measured, np.rint(real) - intercept, 0).astype(np.uint16)
    padding = None if measured.all() else 0
    return Quantised(stored, "1", f"{intercept:.0f}", padding)


def _eight_bit(
    real: NDArray[np.float64], measured: NDArray[np.bool_], low: float, high: float
) -> Quantised:
    """Store grey levels as they are, or stretched from the smallest to the largest."""
    if low < 0 or high > TOP_8_BIT or high <= 1:
        real = (real - low) * (TOP_8_BIT / (high - low if high > low else 1.0))
    stored = np.where(measured, np.rint(np.where(measured, real, 0.0)), 0).astype(np.uint8)
    return Quantised(stored, "1", "0", None)


def _even_steps(
    real: NDArray[np.float64], measured: NDArray[np.bool_], low: float, high: float
) -> Quantised:
    span = high - low
    step = span / LEVELS * (1 + DS_MARGIN) if span > 0 else 1.0
    slope = _single(step)
    intercept = _single(low - float(slope), within=INTERCEPT_MOVE * step)
    levels = np.rint((np.where(measured, real, low) - float(intercept)) / float(slope))
    stored = np.where(measured, np.clip(levels, 1, 65535), 0).astype(np.uint16)
    return Quantised(stored, slope, intercept, None if measured.all() else 0)


def _through_zero(
    real: NDArray[np.float64], measured: NDArray[np.bool_], low: float, high: float
) -> Quantised:
    """Store with intercept 0: signed when there are negative values, padding at the far end."""
    kind: type[np.generic] = np.int16 if low < 0 else np.uint16
    # padding lies at the lowest signed value, or above the highest unsigned one
    top = SIGNED_TOP if low < 0 else LEVELS
    padding = -SIGNED_TOP - 1 if low < 0 else 65535
    largest = max(abs(low), abs(high))
    is_whole = bool((real[measured] == np.rint(real[measured])).all())
    step = 1.0 if is_whole and largest <= top else largest / top * (1 + DS_MARGIN)
    slope = _single(step) if step != 1.0 else "1"
    levels = np.rint(np.where(measured, real, 0.0) / float(slope))
    stored = np.where(measured, levels, padding).astype(kind)
    return Quantised(stored, slope, "0", None if measured.all() else padding)


def _single(number: float, within: float = np.inf) -> str:
    """Return ``number`` as a decimal string that a reader of float32 takes for the same number.

    NIfTI and the tools around it hold slope and intercept in float32; one that is not such a number
    costs them up to 0.002 of a step at the upper end. It stays as it is when it would move further
    than ``within``.
    """
    single = float(np.float32(number))
    return str(format_number_as_ds(single if abs(single - number) < within else number))
