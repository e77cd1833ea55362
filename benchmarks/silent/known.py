"""What is known of a case: values at places in the patient, three values in a mask, or a grid."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pydicom

__all__ = ["Case", "Known", "known_of", "of_image"]

Kind = Literal["places", "suv", "grid", "align"]

MOST_POINTS = 20_000
"""Places at which a volume is looked at; drawn with a fixed seed."""


@dataclass(frozen=True)
class Known:
    """One volume that the files of a case hold.

    Parameters
    ----------
    points_mm : ndarray, shape (n, 3)
        Places in LPS millimetres.
    values : ndarray, shape (n,)
        The real values there.
    tolerance : float
        By how much a value may differ.
    b_value : float, optional
        In s/mm2; where a program tells one, it must be this.
    """

    points_mm: Any
    values: Any
    tolerance: float
    b_value: float | None = None


@dataclass(frozen=True)
class Case:
    """One question to every program, and what is known of the answer.

    Parameters
    ----------
    group : str
        Heading of the table: SUV, IBSI grid, alignment, geometry, vendor fields.
    truth : str
        Where the answer comes from, in a few words.
    fill : callable
        Writes the files of the case into a folder.
    known : callable
        Takes that folder and returns the volumes; none where only a refusal is right.
    asked : dict
        What a program is told beside the files: spacing, mask or offset.
    """

    name: str
    group: str
    kind: Kind
    truth: str
    fill: Callable[[Path], object]
    known: Callable[[Path], list[Known]] = lambda _: []
    asked: Any = None


def known_of(
    paths: Sequence[Path],
    *,
    real: Callable[[Any, Any], Any] | None = None,
    tolerance: float = 0.0,
    b_value: float | None = None,
    margin: int = 0,
) -> Known:
    """Return what single-frame objects say: each pixel's value at its own place (PS3.3 C.7.6.2.1).

    Only pydicom reads here. ``real`` turns a dataset and its stored values into real ones; without
    it, RescaleSlope and RescaleIntercept do. The tolerance is ``tolerance``, or a thousandth of
    the range. ``margin`` pixels at the edge of each image are left out.
    """
    points, values = [], []
    for path in paths:
        ds = pydicom.dcmread(path)
        stored = ds.pixel_array.astype(float)
        inner = np.zeros(stored.shape, bool)
        inner[margin : len(stored) - margin, margin : stored.shape[1] - margin] = True
        values.append((real or _rescaled)(ds, stored)[inner])
        across, down = np.array(ds.ImageOrientationPatient, float).reshape(2, 3)
        row_mm, column_mm = (float(v) for v in ds.PixelSpacing)
        row, column = np.argwhere(inner).T[:, :, None]
        place = np.array(ds.ImagePositionPatient, float)
        points.append(place + row * row_mm * down + column * column_mm * across)
    return _drawn(np.concatenate(points), np.concatenate(values), tolerance, b_value)


def _rescaled(ds: Any, stored: Any) -> Any:
    slope, intercept = ds.get("RescaleSlope", 1), ds.get("RescaleIntercept", 0)
    return stored * float(slope) + float(intercept)


def of_image(image: Any) -> list[Known]:
    """Return the volumes of a published NIfTI image (RAS), one a time point."""
    data = np.asarray(image.get_fdata())
    data = data[..., None] if data.ndim == 3 else data
    index = np.indices(data.shape[:3]).reshape(3, -1)
    ras = image.affine[:3, :3] @ index + image.affine[:3, 3:]
    points = (ras * [[-1.0], [-1.0], [1.0]]).T
    return [_drawn(points, data[..., t].ravel(), 0.0, None) for t in range(data.shape[3])]


def _drawn(points: Any, values: Any, tolerance: float, b_value: float | None) -> Known:
    drawn = np.random.default_rng(1).permutation(len(values))[:MOST_POINTS]
    bound = tolerance or 1e-3 * float(np.ptp(values))
    return Known(points[drawn], values[drawn], bound, b_value)
