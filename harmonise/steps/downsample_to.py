"""Downsample to: coarser pixels by area average; never finer ones."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy import sparse

from config.base import Frozen
from config.errors import InconsistentSeries
from harmonise.steps.contract import Context, Step
from harmonise.volume import Volume

__all__ = ["STEP", "DownsampleParams", "area_weights"]


LEAST_SHARE = defaultdict(lambda: 0.5, colour=0.0, overlay=0.0)
"""Of a cell that a mask covers, above which the cell is in it: half; any at all of what is no
measurement."""


class DownsampleParams(Frozen):
    """Parameters of ``downsample_to``."""

    spacing_mm: float = Field(default=0.1, gt=0)
    """Target spacing of rows and columns; an image that is coarser already is left alone."""
    unknown: Literal["refuse", "keep"] = "refuse"
    """An image of unknown spacing: refused, or left in its own pixels."""


def area_weights(count: int, ratio: float) -> tuple[int, sparse.csr_matrix]:
    """Return (n, weights) that average ``count`` pixels into n cells ``ratio`` pixels wide.

    Cells start at the first pixel's outer edge; a last cell that the image covers only in part is
    dropped, so every value is the mean over a full cell. Rows of the matrix sum to 1.
    """
    cells = max(1, math.floor(count / ratio + 1e-9))
    edges = np.minimum(np.arange(cells + 1) * ratio, count)
    first = np.floor(edges[:-1]).astype(int)
    rows, columns, weights = [], [], []
    for offset in range(math.ceil(ratio) + 1):
        pixel = np.minimum(first + offset, count - 1)
        overlap = np.minimum(edges[1:], first + offset + 1) - np.maximum(edges[:-1], first + offset)
        use = (overlap > 0) & (first + offset < count)
        rows.append(np.flatnonzero(use))
        columns.append(pixel[use])
        weights.append(overlap[use])
    matrix = sparse.csr_matrix(
        (np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns))),
        shape=(cells, count),
    )
    return cells, sparse.diags(1.0 / np.asarray(matrix.sum(axis=1)).ravel()) @ matrix


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
    slices, rows, columns = volume.grid.shape
    row_count, by_row = area_weights(rows, row_ratio)
    column_count, by_column = area_weights(columns, column_ratio)
    planes = [_average(plane, by_row, by_column) for plane in volume.values]
    spacing = (volume.grid.spacing_mm[0], *decided["spacing_mm"])
    grid = replace(volume.grid, shape=(slices, row_count, column_count), spacing_mm=spacing)
    if grid.positioned:
        grid = replace(grid, origin_mm=_first_centre(volume, decided))
    before = volume.meta.get("pixel_ratio", (1.0, 1.0))
    meta = {**volume.meta, "pixel_ratio": [before[0] * row_ratio, before[1] * column_ratio]}
    values = np.stack(planes).astype(np.float32)
    regions = {
        name: np.stack([_average(plane, by_row, by_column) > LEAST_SHARE[name] for plane in mask])
        for name, mask in volume.regions.items()
    }
    return volume.with_values(values, grid=grid, coverage=None, meta=meta, regions=regions)


def _average(
    plane: NDArray[np.float32], by_row: sparse.csr_matrix, by_column: sparse.csr_matrix
) -> NDArray[np.float64]:
    averaged: NDArray[np.float64] = (by_column @ (by_row @ plane.astype(np.float64)).T).T
    return averaged


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
    name="downsample_to", kind="geometry", params=DownsampleParams, decide=_decide, apply=_apply
)
