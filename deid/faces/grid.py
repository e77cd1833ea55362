"""An even grid along the patient's axes, on which a head is looked at whatever the slices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from config.errors import UnsupportedObject

__all__ = ["Grid", "ball", "on_grid", "sample"]

MOST_CELLS = 20_000_000


@dataclass(frozen=True)
class Grid:
    """Cells of equal sides; arrays on it are (z, y, x), each towards higher LPS coordinates.

    Parameters
    ----------
    origin_mm : tuple
        LPS (x, y, z) of the centre of the first cell.
    shape : tuple
        Cells along z, y, x: head, back and left are the high ends.
    step_mm : float
        Side of a cell.
    cut : bool
        Whether the volume goes on below the grid.
    """

    origin_mm: tuple[float, float, float]
    shape: tuple[int, int, int]
    step_mm: float
    cut: bool = False

    def axes(self) -> tuple[NDArray[np.float64], ...]:
        """Return z, y and x in millimetres, each shaped to spread over the grid."""
        x, y, z = (
            np.asarray(self.origin_mm[i] + self.step_mm * np.arange(self.shape[2 - i]), np.float64)
            for i in range(3)
        )
        return z[:, None, None], y[None, :, None], x[None, None, :]


def on_grid(
    values: NDArray[np.float32], affine: NDArray[np.float64], step_mm: float, reach_mm: float
) -> tuple[Grid, NDArray[np.float32]]:
    """Return a grid around a volume and its values there, NaN outside the volume.

    Parameters
    ----------
    values : array
        (slice, row, column).
    affine : array
        4 x 4, from (slice, row, column) to LPS millimetres.
    step_mm : float
        Of the grid.
    reach_mm : float
        Height of the grid from the top of the volume, which may go on to the feet.

    Raises
    ------
    UnsupportedObject
        ``FACE_NOT_A_VOLUME`` when it spans more than any patient.
    """
    corners = np.array(
        [[k, j, i, 1.0] for k in (0, values.shape[0] - 1) for j in (0, values.shape[1] - 1)
         for i in (0, values.shape[2] - 1)]
    )  # fmt: skip
    placed = (affine @ corners.T).T[:, :3]
    low, high = placed.min(axis=0), placed.max(axis=0)
    cut = bool(high[2] - low[2] > reach_mm)
    low[2] = high[2] - reach_mm if cut else low[2]
    counts = [int((high[i] - low[i]) / step_mm) + 1 for i in range(3)]
    if np.prod([float(n) for n in counts]) > MOST_CELLS or min(counts) < 2:
        raise UnsupportedObject("FACE_NOT_A_VOLUME", "another size than a patient's")
    grid = Grid(
        (float(low[0]), float(low[1]), float(low[2])),
        (counts[2], counts[1], counts[0]),
        step_mm,
        cut,
    )
    to_lps = np.zeros((4, 4))
    to_lps[[0, 1, 2], [2, 1, 0]] = step_mm
    to_lps[:3, 3] = low
    to_lps[3, 3] = 1.0
    way = np.linalg.inv(affine) @ to_lps
    found = ndimage.affine_transform(
        values, way[:3, :3], way[:3, 3], grid.shape, order=1, mode="constant", cval=np.nan
    )
    return grid, found.astype(np.float32, copy=False)


def sample(
    region: NDArray[np.float32], grid: Grid, points_mm: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Tell for LPS points, (..., 3), whether a region of 0 and 1 on the grid holds them.

    Up to a cell beyond the grid its outermost cells go on; further away there is no region.
    """
    index = (points_mm - np.array(grid.origin_mm)) / grid.step_mm
    coordinates = np.moveaxis(index[..., ::-1], -1, 0)
    found = ndimage.map_coordinates(region, coordinates, order=1, mode="nearest")
    count = np.array(grid.shape[::-1])
    near = ((index > -1.01) & (index < count + 0.01)).all(axis=-1)
    return np.asarray((found >= 0.5) & near)


def ball(radius_mm: float, step_mm: float) -> NDArray[np.bool_]:
    """Return a ball as a structuring element."""
    cells = max(1, round(radius_mm / step_mm))
    z, y, x = np.ogrid[-cells : cells + 1, -cells : cells + 1, -cells : cells + 1]
    return np.asarray(z * z + y * y + x * x <= cells * cells + 0.5)
