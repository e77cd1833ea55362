"""Ellipsoids of tissue painted on a grid, with soft edges as partial volume gives them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harmonise.volume import Grid

__all__ = ["ENDLESS_MM", "Ellipsoid", "block_coordinates", "paint"]

ENDLESS_MM = 1e4
"""Radius of a cylinder along its axis."""


@dataclass(frozen=True)
class Ellipsoid:
    """One tissue inside an ellipsoid whose axes are the patient's (LPS, millimetres)."""

    tissue: str
    centre_mm: tuple[float, float, float]
    radii_mm: tuple[float, float, float]


def block_coordinates(
    grid: Grid, block: tuple[slice, slice, slice]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Return x, y, z (LPS mm) of the voxels of a block, each of shape (slice, row, column)."""
    affine = grid.affine()
    axes = [
        np.arange(part.start, part.stop, dtype=np.float64).reshape(
            [-1 if axis == other else 1 for other in range(3)]
        )
        for axis, part in enumerate(block)
    ]
    x, y, z = (
        (affine[i, 3] + sum(affine[i, axis] * axes[axis] for axis in range(3))).astype(np.float32)
        for i in range(3)
    )
    return x, y, z


def paint(maps: NDArray[np.float32], grid: Grid, shape: Ellipsoid, values: list[float]) -> None:
    """Blend one ellipsoid into the maps, in place.

    Parameters
    ----------
    maps : ndarray, shape (channel, slice, row, column)
    grid : Grid
        Where the voxels are.
    shape : Ellipsoid
    values : list of float
        The tissue's value in each channel.
    """
    block = _bounding_block(grid, shape)
    if block is None:
        return
    coordinates = block_coordinates(grid, block)
    squared = sum(
        np.square((p - np.float32(c)) / np.float32(r))
        for p, c, r in zip(coordinates, shape.centre_mm, shape.radii_mm, strict=True)
    )
    # The edge is as wide as a pixel: distance to the surface over that width, from 0 to 1.
    width = max(1.0, *(step or 1.0 for step in grid.spacing_mm[1:]))
    inside = (1.0 - np.sqrt(squared)) * np.float32(min(shape.radii_mm) / width) + np.float32(0.5)
    np.clip(inside, 0.0, 1.0, out=inside)
    for channel, value in zip(maps, values, strict=True):
        part = channel[block]
        part += inside * (np.float32(value) - part)


def _bounding_block(grid: Grid, shape: Ellipsoid) -> tuple[slice, slice, slice] | None:
    """Return the index ranges that hold the ellipsoid, or None when it is off the grid."""
    ranges = []
    offset = np.asarray(shape.centre_mm) - np.asarray(grid.origin_mm)
    for axis in range(3):
        direction = np.asarray(grid.direction[axis])
        step = grid.spacing_mm[axis] or 1.0
        middle = float(direction @ offset) / step
        reach = float(np.linalg.norm(direction * shape.radii_mm)) / step + 2.0
        first = max(0, int(np.floor(middle - reach)))
        last = min(grid.shape[axis], int(np.ceil(middle + reach)) + 1)
        if first >= last:
            return None
        ranges.append(slice(first, last))
    return (ranges[0], ranges[1], ranges[2])
