"""Whether the face is really gone: the surface seen from the front, before and after."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from config.errors import RejectedError, UnsupportedObject
from deid.faces.head import Head
from deid.faces.settings import CheckSettings

__all__ = ["Residue", "face_window", "front_mm", "require_removed"]

Mask = NDArray[np.bool_]
Map = NDArray[np.float64]


@dataclass(frozen=True)
class Residue:
    """What the check measured.

    Parameters
    ----------
    rays : int
        Rays that met the face before.
    moved_share : float
        Share of them whose surface moved.
    median_mm : float
        Median of the movement.
    detail_correlation : float
        Of the relief before and after; 0 where too little is left to compare.
    """

    rays: int
    moved_share: float
    median_mm: float
    detail_correlation: float


def front_mm(mask: Mask, step_mm: float) -> Map:
    """Return how far a ray from the front goes until it meets the mask, (z, x); NaN if never."""
    first = mask.argmax(axis=1).astype(np.float64) * step_mm
    first[~mask.any(axis=1)] = np.nan
    return np.asarray(first)


def face_window(head: Head, settings: CheckSettings) -> Mask:
    """Return the rays, (z, x), that meet the face.

    Raises
    ------
    UnsupportedObject
        ``FACE_NOT_FOUND`` when nothing stands out of the vault as a face does: the volume ends
        above it, or the skull was stripped before. Then where the brain begins is not known.
    """
    z, _, x = head.grid.axes()
    up = ((z - head.centre_mm[2]) / head.axes_mm[2])[:, 0, :]
    aside = ((x - head.centre_mm[0]) / head.axes_mm[0])[:, 0, :]
    skin = head.grid.origin_mm[1] + front_mm(head.raw, head.grid.step_mm)
    front = (head.centre_mm[1] - skin) / head.axes_mm[1]
    lowest, highest = settings.window_up
    window = (up > lowest) & (up < highest) & (np.abs(aside) < settings.window_side)
    window = window & (np.nan_to_num(front, nan=-1.0) > settings.window_front)
    vault = np.sqrt(np.clip(1 - up * up - aside * aside, 0, None))
    out = (front - vault) * head.axes_mm[1] > settings.protrusion_mm * head.scale
    low, high = settings.face_band
    band = (up > low) & (up < high) & (np.abs(aside) < settings.face_side)
    whole = (high - low) * head.axes_mm[2] * 2 * settings.face_side * head.axes_mm[0]
    band &= head.seen.any(axis=1)
    if float(band.sum()) * head.grid.step_mm**2 < settings.band_share * whole:
        raise UnsupportedObject("FACE_NOT_FOUND", "the volume ends above the face")
    share = float((band & out).sum() / band.sum())
    if share < settings.face_share:
        raise UnsupportedObject("FACE_NOT_FOUND", f"{share:.0%} of a face stands out of the vault")
    return window


def require_removed(
    head: Head, after: NDArray[np.float32], window: Mask, settings: CheckSettings
) -> Residue:
    """Return what is measured of the new volume, or refuse it.

    Parameters
    ----------
    head : Head
        As found before.
    after : array
        Real values of the new volume on the head's grid.
    window : array of bool
        Rays that met the face before.
    settings : CheckSettings
        Limits.

    Raises
    ------
    RejectedError
        ``FACE_NOT_REMOVED``.
    """
    step = head.grid.step_mm
    before = front_mm(head.raw, step)
    left = np.nan_to_num(after, nan=-np.inf) > head.threshold
    now = front_mm(_without_specks(left, settings.speck_mm3 / step**3), step)
    gone = np.where(np.isnan(now), np.inf, now) - before
    moved = gone[window]
    share = float((moved >= settings.ray_mm * head.scale).mean())
    median = float(np.median(moved))
    median = min(median, 999.0)
    found = Residue(int(window.sum()), share, median, _relief(before, now, window, head, settings))
    if share < settings.moved_share:
        raise RejectedError("FACE_NOT_REMOVED", f"{share:.1%} of the surface moved")
    if median < settings.median_mm * head.scale:
        raise RejectedError("FACE_NOT_REMOVED", f"moved by {median:.1f} mm at the median")
    if found.detail_correlation > settings.detail_correlation:
        raise RejectedError("FACE_NOT_REMOVED", f"relief alike: {found.detail_correlation:.2f}")
    return found


def _without_specks(mask: Mask, cells: float) -> Mask:
    labels, _ = ndimage.label(mask)
    sizes = np.bincount(labels.ravel())
    large = sizes >= cells
    large[0] = False
    return np.asarray(large[labels])


def _relief(before: Map, now: Map, window: Mask, head: Head, settings: CheckSettings) -> float:
    both = window & np.isfinite(now)
    if both.sum() < 50:
        return 0.0
    sigma = settings.detail_mm * head.scale / head.grid.step_mm
    one, two = (_detail(surface, both, sigma)[both] for surface in (before, now))
    if min(float(one.std()), float(two.std())) < 1e-6:
        return 0.0
    return float(np.corrcoef(one, two)[0, 1])


def _detail(surface: Map, where: Mask, sigma: float) -> Map:
    """Return a surface less itself smoothed, both taken where it is known only."""
    known = np.where(where, surface, 0.0)
    weight = ndimage.gaussian_filter(where.astype(np.float64), sigma)
    smooth = ndimage.gaussian_filter(known, sigma) / np.maximum(weight, 1e-9)
    return np.where(where, surface - smooth, 0.0)
