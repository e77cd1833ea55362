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

__all__ = ["RegionParams", "region_values"]


class RegionParams(Frozen):
    """Parameters of the steps that measure a region."""

    mask: Literal["all", "foreground"] = "all"
    """Every measured voxel, or those of the body: brighter than air, connected."""
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
    if params.mask == "all":
        values = measured_values(volume, params.box_mm)
        return values, {"voxels": int(values.size)}
    found = foreground_of(volume.values)
    box = box_about_centre(volume, params.box_mm)
    values = volume.values[box][found.mask[box]].astype(np.float64)
    if not values.size:
        raise InconsistentSeries("MASK_EMPTY", "no foreground inside the box")
    return values, {"voxels": int(values.size), "air_below": found.air_below}
