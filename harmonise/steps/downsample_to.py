"""Downsample to: coarser pixels by area average; never finer ones."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from pydantic import Field

from config.base import Frozen
from config.errors import InconsistentSeries
from harmonise.area import area_mean
from harmonise.steps.contract import Context, Step
from harmonise.volume import Volume

__all__ = ["STEP", "DownsampleParams"]


LEAST_SHARE = defaultdict(lambda: 0.5, colour=0.0, overlay=0.0)
"""Of a cell that a mask covers, above which the cell is in it: half; any at all of what is no
measurement."""


class DownsampleParams(Frozen):
    """Parameters of ``downsample_to``."""

    spacing_mm: float = Field(default=0.1, gt=0)
    """Target spacing of rows and columns; an image that is coarser already is left alone."""
    unknown: Literal["refuse", "keep"] = "refuse"
    """An image of unknown spacing: refused, or left in its own pixels."""


def _decide(volume: Volume, params: DownsampleParams, _context: Context) -> dict[str, Any]:
    _, row_mm, column_mm = volume.grid.spacing_mm
    if row_mm is None or column_mm is None:
        if params.unknown == "keep":
            return {"ratio": [1.0, 1.0], "spacing_mm": [None, None]}
        raise InconsistentSeries("SPACING_UNKNOWN", "no pixel spacing to downsample from")
    ratios = [max(1.0, params.spacing_mm / row_mm), max(1.0, params.spacing_mm / column_mm)]
    spacing_mm = [max(params.spacing_mm, row_mm), max(params.spacing_mm, column_mm)]
    return {"ratio": ratios, "spacing_mm": spacing_mm}


def _apply(volume: Volume, decided: dict[str, Any]) -> Volume:
    row_ratio, column_ratio = decided["ratio"]
    if row_ratio == column_ratio == 1.0:
        return volume
    slices = volume.grid.shape[0]
    planes = [area_mean(plane, row_ratio, column_ratio) for plane in volume.values]
    row_count, column_count = planes[0].shape
    spacing = (volume.grid.spacing_mm[0], *decided["spacing_mm"])
    grid = replace(volume.grid, shape=(slices, row_count, column_count), spacing_mm=spacing)
    if grid.positioned:
        grid = replace(grid, origin_mm=_first_centre(volume, decided))
    before = volume.meta.get("pixel_ratio", (1.0, 1.0))
    meta = {**volume.meta, "pixel_ratio": [before[0] * row_ratio, before[1] * column_ratio]}
    values = np.stack(planes)
    regions = {
        name: np.stack(
            [area_mean(plane, row_ratio, column_ratio) > LEAST_SHARE[name] for plane in mask]
        )
        for name, mask in volume.regions.items()
    }
    return volume.with_values(values, grid=grid, coverage=None, meta=meta, regions=regions)


def _first_centre(volume: Volume, decided: dict[str, Any]) -> tuple[float, float, float]:
    """Return the centre of the first cell: the outer edges of the image stay where they were."""
    origin = np.asarray(volume.grid.origin_mm)
    for axis, (new_mm, ratio) in enumerate(
        zip(decided["spacing_mm"], decided["ratio"], strict=True), start=1
    ):
        shift_mm = 0.5 * (new_mm - new_mm / ratio)
        origin = origin + np.asarray(volume.grid.direction[axis]) * shift_mm
    return float(origin[0]), float(origin[1]), float(origin[2])


STEP = Step(
    name="downsample_to",
    kind="geometry",
    params=DownsampleParams,
    decide=_decide,
    apply=_apply,
    version=2,
)
