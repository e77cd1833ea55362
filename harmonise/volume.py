"""Volume and Grid: what every step takes and gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Grid", "Volume"]


@dataclass(frozen=True)
class Grid:
    """Where the voxels are: indices ``(slice, row, column)``, LPS millimetres.

    Parameters
    ----------
    shape : tuple of int
        Slices, rows, columns.
    spacing_mm : tuple of (float or None)
        Distance between neighbours along slice, row and column index; None where unknown.
    origin_mm : tuple of float
        LPS position (x, y, z) of the centre of voxel ``[0, 0, 0]``.
    direction : tuple of tuple of float
        Three LPS unit vectors: along growing slice, row and column index.
        PS3.3 C.7.6.2.1.1: the first three values of ImageOrientationPatient are the direction of a
        growing *column* index, the last three that of a growing *row* index.
    positioned : bool
        False for projections and images without a position: origin and direction mean nothing.
    """

    shape: tuple[int, int, int]
    spacing_mm: tuple[float | None, float | None, float | None]
    origin_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    direction: tuple[
        tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]
    ] = ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))
    positioned: bool = True

    def affine(self) -> NDArray[np.float64]:
        """Return the 4 x 4 matrix from index ``(slice, row, column, 1)`` to LPS millimetres.

        An unknown spacing counts as 1 here; callers that place voxels must look at ``positioned``.
        """
        matrix = np.eye(4)
        for axis in range(3):
            matrix[:3, axis] = np.asarray(self.direction[axis]) * (self.spacing_mm[axis] or 1.0)
        matrix[:3, 3] = self.origin_mm
        return matrix


@dataclass(frozen=True)
class Volume:
    """Real values on a grid.

    Parameters
    ----------
    values : ndarray of float32, shape (slices, rows, columns)
        Real values in ``unit``. Voxels outside ``coverage`` hold no measurement (NaN).
    grid : Grid
    unit : str
        UCUM code, ``1`` for plain numbers, ``[arb'U]`` for arbitrary units.
    coverage : ndarray of bool or None
        True where the source measured something; None means everywhere.
    quantitative : bool
        True for maps whose numbers mean something by themselves (ADC, HU, SUV): no intensity step
        may change them.
    meta : dict
        Facts that steps hand on, JSON-serialisable; no identity.
    field_of_view : ndarray of bool or None
        True where an image of the source lies, whether it measured or wrote padding there; None
        means everywhere. What lies outside is nothing that any step may fill.
    regions : mapping of str to ndarray of bool
        Masks on the grid by name (rows of ``segments.yaml``): the breast, the sector of a probe,
        callipers. Written beside the volume.
    """

    values: NDArray[np.float32]
    grid: Grid
    unit: str
    coverage: NDArray[np.bool_] | None = None
    quantitative: bool = False
    meta: dict[str, Any] = field(default_factory=dict)
    field_of_view: NDArray[np.bool_] | None = None
    regions: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)

    def with_values(self, values: NDArray[np.float32], **changes: Any) -> Volume:
        """Return a copy with other values (and other fields, by name)."""
        return replace(self, values=values.astype(np.float32, copy=False), **changes)

    def with_regions(self, **masks: NDArray[np.bool_]) -> Volume:
        """Return a copy with masks added, or put in place of those of the same name."""
        return replace(self, regions={**self.regions, **masks})
