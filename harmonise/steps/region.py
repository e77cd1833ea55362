"""Region: the voxels an intensity step looks at, by a box, by the foreground, or both."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import PositiveFloat

from config.base import Frozen
from config.errors import InconsistentSeries
from harmonise.steps.foreground import foreground_of
from harmonise.steps.statistics import box_about_centre, measured_values
from harmonise.volume import Volume

__all__ = ["MADE", "RegionParams", "region_values"]


MADE = ("breast", "sector")
"""Masks that steps make."""

MOST_VALUES = 250_000
"""Percentiles of a larger mask are those of every n-th pixel: the 99.5th of so many is known within
a hundredth of a percentile."""

OVERLAID = ("colour", "overlay")
"""Masks of what is no measurement of tissue."""


class RegionParams(Frozen):
    """Parameters of the steps that measure a region."""

    mask: Literal["all", "foreground", "breast", "sector"] = "all"
    """Every measured voxel, those of the body (brighter than air, connected), or those of a mask
    that an earlier step made."""
    box_mm: tuple[PositiveFloat, PositiveFloat, PositiveFloat] | None = None
    """Box (slice, row, column) about the centre that is measured; none takes every voxel."""


def region_values(
    volume: Volume, params: RegionParams
) -> tuple[NDArray[np.float64], dict[str, Any]]:
    """Return the values inside the region and the facts a decision records of it.

    Voxels outside the field of view hold no measurement and never count.

    Raises
    ------
    InconsistentSeries
        ``VOLUME_EMPTY``, ``VOLUME_CONSTANT`` or ``MASK_EMPTY``.
    """
    if params.mask in MADE:
        return _made_before(volume, params.mask)
    if params.mask == "all":
        values = measured_values(volume, params.box_mm)
        return values, {"voxels": int(values.size)}
    found = foreground_of(volume.values)
    box = box_about_centre(volume, params.box_mm)
    values = volume.values[box][found.mask[box]].astype(np.float64)
    if not values.size:
        raise InconsistentSeries("MASK_EMPTY", "no foreground inside the box")
    return values, {"voxels": int(values.size), "air_below": found.air_below}


def _made_before(volume: Volume, name: str) -> tuple[NDArray[np.float64], dict[str, Any]]:
    """Return the values inside a mask of an earlier step, without what is drawn over the image."""
    mask = volume.regions.get(name)
    if mask is None:
        raise InconsistentSeries("MASK_EMPTY", f"no step before made the mask {name}")
    for other in OVERLAID:
        if other in volume.regions:
            mask = mask & ~volume.regions[other]
    values = volume.values[mask]
    values = values[np.isfinite(values)]
    if not values.size:
        raise InconsistentSeries("MASK_EMPTY", f"nothing is left of the mask {name}")
    every = max(1, values.size // MOST_VALUES)
    return values[::every].astype(np.float64), {"voxels": int(values.size)}
