"""Which part of space around a head is emptied: what lies before its vault, and the ears."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from deid.faces.head import Head
from deid.faces.settings import RegionSettings

__all__ = ["face_region"]

Mask = NDArray[np.bool_]


def face_region(head: Head, settings: RegionSettings) -> Mask:
    """Return the cells to empty, (z, y, x), air among them.

    In front of the brain what goes lies outside the ellipsoid fitted to the vault, grown by
    ``bulge_mm``, or less than ``shell_mm`` beneath the skin; below the level of the brain
    everything before a line goes. The line runs in front of the temporal poles for a chin lifted
    or lowered by up to 20 degrees.

    Parameters
    ----------
    head : Head
        As found.
    settings : RegionSettings
        Lengths and levels.
    """
    z, y, x = head.grid.axes()
    up = (z - head.centre_mm[2]) / head.axes_mm[2]
    front = (head.centre_mm[1] - y) / head.axes_mm[1]
    aside = (x - head.centre_mm[0]) / head.axes_mm[0]
    body = head.mask | head.raw
    # Outside the volume the head may go on: depth there is not known to be small.
    depth = ndimage.distance_transform_edt(body | ~head.seen) * head.grid.step_mm
    # Along a ray from the front too, where the skin draws in: an eye, the root of the nose.
    met = np.where(head.raw.any(axis=1), head.raw.argmax(axis=1), head.raw.shape[1])
    behind = (np.arange(head.raw.shape[1])[None, :, None] - met[:, None, :]) * head.grid.step_mm
    thin = np.minimum(depth, behind) < settings.shell_mm * head.scale
    outside = head.outside(settings.bulge_mm * head.scale)
    levels, depths = zip(*sorted(settings.cut), strict=True)
    line = np.interp(up, levels, depths)
    high = up >= max(levels)
    upper = high & (front > settings.side_depth) & (outside | thin)
    lower = ~high & (front > line)
    low_enough = z < head.centre_mm[2] + settings.top_mm * head.scale
    region = (upper | lower) & low_enough & (up > settings.bottom)
    return np.asarray(region | _ears(head, up, front, aside, settings))


def _ears(
    head: Head,
    up: NDArray[np.float64],
    front: NDArray[np.float64],
    aside: NDArray[np.float64],
    settings: RegionSettings,
) -> Mask:
    """Return what sticks out beside the head and what is near it, never any of the head itself."""
    beside = (np.abs(aside) > 0.75) & (np.abs(front) < 0.6) & (up < 0.1) & (up > -1.3)
    thin = head.raw & ~head.mask & beside
    near = ndimage.distance_transform_edt(~thin) * head.grid.step_mm <= settings.ear_mm
    return np.asarray(near & ~head.mask & beside) if thin.any() else np.zeros_like(thin)
