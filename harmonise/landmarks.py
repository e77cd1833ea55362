"""Landmarks of a histogram: one standard grey scale for a cohort, fitted once, applied per image.

Nyul and Udupa, Magn Reson Med 1999;42:1072-1081; Nyul, Udupa and Zhang, IEEE Trans Med Imaging
2000;19:143-150 (doi:10.1109/42.836373). Pure functions on arrays; nothing here knows DICOM.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from typing import Literal

import numpy as np
from numpy.polynomial import Polynomial
from numpy.typing import NDArray

from config.errors import InconsistentSeries
from harmonise.histogram import otsu_threshold

__all__ = [
    "Beyond",
    "apply_curve",
    "apply_landmarks",
    "balanced_weights",
    "image_landmarks",
    "smooth_curve",
    "standard_scale",
    "tissue_landmarks",
]

Beyond = Literal["extrapolate", "clip"]
"""What becomes of values outside the end landmarks: the end segments go on, or they are cut."""

CURVE_DEGREE = 3
FINEST_STEP = 1e-3
"""Landmarks closer than this share of their range count as this far apart."""
SMALLEST_WEIGHT = 0.02
CHECKED_POINTS = 101

FEWEST_VOXELS = 100
"""Fewer voxels have no first and no ninety-ninth percentile of their own."""


def image_landmarks(values: NDArray[np.floating], ranks: Sequence[float]) -> tuple[float, ...]:
    """Return an image's landmarks: its percentiles at ``ranks``, linear between order statistics.

    Parameters
    ----------
    values : ndarray, any shape
        The voxels of the mask, all finite.
    ranks : sequence of float
        Rising, 0 to 100.

    Raises
    ------
    InconsistentSeries
        ``MASK_EMPTY`` for fewer than `FEWEST_VOXELS` voxels; ``VOLUME_CONSTANT`` when the first
        and the last landmark are equal.
    """
    if values.size < FEWEST_VOXELS:
        raise InconsistentSeries("MASK_EMPTY", f"{values.size} voxels of at least {FEWEST_VOXELS}")
    found = np.percentile(values.astype(np.float64, copy=False), ranks)
    if not found[-1] > found[0]:
        raise InconsistentSeries("VOLUME_CONSTANT", f"every landmark is {found[0]:g}")
    return tuple(float(v) for v in found)


def tissue_landmarks(
    values: NDArray[np.floating], ranks: Sequence[float], outer: tuple[float, float]
) -> tuple[float, ...]:
    """Return the landmarks of two tissues: percentiles of the darker and of the brighter one.

    How much of a breast is dense differs from woman to woman, so a percentile of the whole breast
    is fat in one and gland in another. The two classes of Otsu's threshold are each measured by
    themselves, so that the share of dense tissue sets no landmark.

    Parameters
    ----------
    values : ndarray, any shape
        The voxels of the mask, all finite.
    ranks : sequence of float
        Percentiles inside each class, rising, between 0 and 100.
    outer : tuple of float
        Percentiles of all values that are the first and the last landmark.

    Returns
    -------
    tuple of float
        ``2 + 2 len(ranks)`` landmarks, rising.

    Raises
    ------
    InconsistentSeries
        ``MASK_EMPTY`` for fewer than `FEWEST_VOXELS` voxels; ``VOLUME_CONSTANT``.
    """
    first, last = image_landmarks(values, outer)
    inner = values[(values > first) & (values < last)].astype(np.float64, copy=False)
    if inner.size < FEWEST_VOXELS or inner.min() == inner.max():
        raise InconsistentSeries("VOLUME_CONSTANT", "two tissues cannot be told apart")
    threshold = otsu_threshold(inner)
    classes = inner[inner <= threshold], inner[inner > threshold]
    middle = [float(v) for part in classes for v in np.percentile(part, ranks)]
    return (first, *middle, last)


def standard_scale(
    landmarks: Iterable[Sequence[float]],
    weights: Iterable[float],
    ends: tuple[float, float] = (0.0, 100.0),
) -> tuple[float, ...]:
    """Return the standard scale: the weighted mean of the images' landmarks, each on ``ends``.

    ``s_j = sum_i w_i (e_0 + (e_1 - e_0) (l_ij - l_i0) / (l_in - l_i0)) / sum_i w_i``: each image
    is first brought onto the two ends by its own first and last landmark, so that the scale does
    not depend on any image's gain and offset. Images are taken one by one.

    Parameters
    ----------
    landmarks : iterable of sequence of float
        One row an image, as `image_landmarks` gives them.
    weights : iterable of float
        One an image, positive.
    ends : tuple of float
        Values of the first and the last landmark on the standard scale.
    """
    low, high = ends
    total: NDArray[np.float64] | float = 0.0
    share = 0.0
    for row, weight in zip(landmarks, weights, strict=True):
        mine = np.asarray(row, np.float64)
        total = total + weight * (low + (high - low) * (mine - mine[0]) / (mine[-1] - mine[0]))
        share += weight
    if not share:
        raise InconsistentSeries("MODEL_TOO_FEW_SUBJECTS", "no image to fit")
    inner = (float(v) for v in (np.asarray(total) / share)[1:-1])
    return (float(low), *inner, float(high))


def apply_landmarks(
    values: NDArray[np.floating],
    landmarks: Sequence[float],
    scale: Sequence[float],
    beyond: Beyond,
) -> NDArray[np.float64]:
    """Return values on the standard scale: straight lines between an image's landmarks.

    ``v -> s_j + (v - l_j) (s_j+1 - s_j) / (l_j+1 - l_j)`` for ``l_j <= v <= l_j+1``. Outside, the
    first and the last line go on (``extrapolate``) or the value is cut to the ends (``clip``).
    Landmarks that coincide (many equal voxels) become one, at the mean of their scale values.

    Parameters
    ----------
    values : ndarray, any shape
        NaN stays NaN.
    landmarks, scale : sequence of float
        Of equal length, both rising, first and last landmark different.
    beyond : {"extrapolate", "clip"}
    """
    x, y = _distinct(np.asarray(landmarks, np.float64), np.asarray(scale, np.float64))
    data = values.astype(np.float64)
    result: NDArray[np.float64] = np.interp(data, x, y)
    if beyond == "extrapolate":
        below, above = data < x[0], data > x[-1]
        result[below] = y[0] + (data[below] - x[0]) * (y[1] - y[0]) / (x[1] - x[0])
        result[above] = y[-1] + (data[above] - x[-1]) * (y[-1] - y[-2]) / (x[-1] - x[-2])
    return result


def _distinct(
    x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    unique, where = np.unique(x, return_inverse=True)
    return unique, np.bincount(where, weights=y) / np.bincount(where)


def smooth_curve(
    landmarks: Sequence[float], scale: Sequence[float], ranks: Sequence[float] | None
) -> tuple[float, ...]:
    """Return a rising polynomial from an image's landmarks to the standard scale.

    A landmark between two tissues moves far when an organ is a little larger, and straight lines
    through it bend the contrast of whatever lies there. So a cubic is fitted to all landmarks by
    least squares, each weighted by the density of the histogram about it: ``density = d rank /
    d landmark``; equally where ``ranks`` is None. Where a cubic would fall somewhere, a parabola
    is taken, then a straight line.

    Returns
    -------
    tuple of float
        Coefficients c of ``sum c_k x^k`` with ``x = (v - l_0) / (l_n - l_0)``.
    """
    mine = np.asarray(landmarks, np.float64)
    x = (mine - mine[0]) / (mine[-1] - mine[0])
    weights = np.ones_like(x)
    if ranks is not None:
        steps = np.maximum(np.gradient(x), FINEST_STEP)
        density = np.gradient(np.asarray(ranks, np.float64)) / steps
        weights = np.maximum(density / density.max(), SMALLEST_WEIGHT)
    for degree in range(min(CURVE_DEGREE, len(set(x)) - 1), 0, -1):
        found = Polynomial(
            np.polynomial.polynomial.polyfit(x, np.asarray(scale), degree, w=weights)
        )
        if (found.deriv()(np.linspace(0.0, 1.0, CHECKED_POINTS)) > 0).all():
            return tuple(float(c) for c in found.coef)
    # no line through rising points falls, unless the weights leave one point alone
    return (float(scale[0]), float(scale[-1] - scale[0]))


def apply_curve(
    values: NDArray[np.floating],
    landmarks: Sequence[float],
    coefficients: Sequence[float],
    beyond: Beyond,
) -> NDArray[np.float64]:
    """Return values on the standard scale by the curve of `smooth_curve`.

    Outside the end landmarks the curve goes on along its tangent there (``extrapolate``) or the
    value is cut to its ends (``clip``).

    Parameters
    ----------
    values : ndarray, any shape
        NaN stays NaN.
    landmarks : sequence of float
        The image's own; the first and the last are used.
    coefficients : sequence of float
    beyond : {"extrapolate", "clip"}
    """
    curve = Polynomial(np.asarray(coefficients, np.float64))
    slope = curve.deriv()
    x = (values.astype(np.float64) - landmarks[0]) / (landmarks[-1] - landmarks[0])
    inside = np.clip(x, 0.0, 1.0)
    result: NDArray[np.float64] = curve(inside)
    if beyond == "extrapolate":
        result += np.where(x < 0, float(slope(0.0)), float(slope(1.0))) * (x - inside)
    return result


def balanced_weights(origins: Sequence[tuple[str, str, Hashable]]) -> list[float]:
    """Return one weight an image, summing to 1, in which sites and vendors count equally.

    Half of the weight is shared equally by the sites, each site's part by its vendors; the other
    half equally by the vendors, each vendor's part by its sites. Inside a site and vendor every
    subject counts alike, and the images of one subject share its weight. So neither the hospital
    with most patients nor the maker with most scanners sets the scale.

    ``w(s, v) = (1 / (S V_s) + 1 / (V S_v)) / 2`` with S sites, V vendors, V_s vendors at site s
    and S_v sites with vendor v.

    Parameters
    ----------
    origins : sequence of (site, vendor, subject)
    """
    vendors_of: dict[str, set[str]] = defaultdict(set)
    sites_of: dict[str, set[str]] = defaultdict(set)
    subjects: dict[tuple[str, str], dict[Hashable, int]] = defaultdict(lambda: defaultdict(int))
    for site, vendor, subject in origins:
        vendors_of[site].add(vendor)
        sites_of[vendor].add(site)
        subjects[site, vendor][subject] += 1
    weights = []
    for site, vendor, subject in origins:
        by_site = 1.0 / (len(vendors_of) * len(vendors_of[site]))
        by_vendor = 1.0 / (len(sites_of) * len(sites_of[vendor]))
        cell = subjects[site, vendor]
        weights.append((by_site + by_vendor) / 2 / len(cell) / cell[subject])
    return weights
