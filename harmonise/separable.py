"""Interpolation axis by axis, where the two grids run along the same axes.

The cubic B-spline is the one of ITK (Unser 1999, doi:10.1109/79.799930), as three products with
sparse matrices of four weights a row: a fraction of the work of 64 weights a voxel. Sums run in
one order in double precision, so that the answer is the same on every machine.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse

__all__ = ["is_separable", "sampled_along_axes"]

LARGEST_TURN_VOXELS = 1e-6
"""So far the axes of two grids may run apart over the whole target and still be called the same."""

LINES_AT_ONCE = 1 << 11

ON_NODES_VOXELS = 1e-6
"""Places so near the native centres are the centres, where the spline is the values themselves."""


def is_separable(matrix: NDArray[np.float64], shape: tuple[int, ...]) -> bool:
    """Tell whether a target index moves each native index along one axis of its own.

    Parameters
    ----------
    matrix : ndarray, shape (4, 4)
        From target to native index.
    shape : tuple of int
        Of the target.
    """
    turned = np.abs(matrix[:3, :3] - np.diag(np.diag(matrix[:3, :3])))
    return bool((turned @ (np.asarray(shape) - 1) <= LARGEST_TURN_VOXELS).all())


def sampled_along_axes(
    values: NDArray[np.float32],
    matrix: NDArray[np.float64],
    shape: tuple[int, ...],
    *,
    order: int,
    pad: int,
) -> NDArray[np.float32]:
    """Return ``values`` on the target; NaN further than ``pad`` voxels outside.

    Parameters
    ----------
    values : ndarray, shape (slice, row, column)
    matrix : ndarray, shape (4, 4)
        From target to native index, as :func:`is_separable` accepts it.
    shape : tuple of int
        Of the target.
    order : {1, 3}
        1 linear, 3 cubic B-spline.
    pad : int
        Edge voxels repeated around the native volume before the spline is fitted.
    """
    result: NDArray[Any] = values
    outside = {}
    for axis in sorted(range(3), key=lambda a: shape[a] / values.shape[a]):  # the fewer the sooner
        at = matrix[axis, axis] * np.arange(shape[axis]) + matrix[axis, 3] + pad
        low, high = -0.5, values.shape[axis] + 2 * pad - 0.5
        outside[axis] = (at < low) | (at > high)
        lines = np.moveaxis(result, axis, 0)
        result = np.moveaxis(_along(lines, np.clip(at, low, high), order, pad), 0, axis)
    made = result.astype(np.float32, order="C")
    for axis, beyond in outside.items():
        made[(slice(None),) * axis + (beyond,)] = np.nan
    return made


def _along(
    lines: NDArray[Any], at: NDArray[np.float64], order: int, pad: int
) -> NDArray[np.float64]:
    """Return ``lines`` along the first axis at places ``at``, a few at a time.

    In double precision a volume and its coefficients would take eight times what it is.
    """
    made = np.empty((len(at), *lines.shape[1:]))
    step = max(1, LINES_AT_ONCE // lines.shape[2])
    for first in range(0, lines.shape[1], step):
        some = lines[:, first : first + step].astype(np.float64)
        padded = np.pad(some, [(pad, pad), (0, 0), (0, 0)], mode="edge")
        made[:, first : first + step] = _sampled(padded, at, order)
    return made


def _sampled(
    lines: NDArray[np.float64], at: NDArray[np.float64], order: int
) -> NDArray[np.float64]:
    """Return ``lines`` along the first axis at places ``at`` within it."""
    nodes = np.clip(np.rint(at).astype(np.intp), 0, len(lines) - 1)
    if np.abs(at - nodes).max() <= ON_NODES_VOXELS:
        return lines[nodes]
    flat = np.ascontiguousarray(lines).reshape(len(lines), -1)
    if order == 3:
        flat = ndimage.spline_filter1d(flat, order=3, axis=0, mode="mirror")
    made: NDArray[np.float64] = _weights(at, len(lines), order) @ flat
    return made.reshape(len(at), *lines.shape[1:])


def _weights(at: NDArray[np.float64], count: int, order: int) -> sparse.csr_array:
    """Return each place's weights, two or the cubic B-spline's four; mirrored at both ends."""
    first = np.floor(at).astype(np.intp)
    t = at - first
    weights = np.stack(
        [1 - t, t]
        if order == 1
        else [
            (1 - t) ** 3 / 6,
            2 / 3 - t**2 * (2 - t) / 2,
            2 / 3 - (1 - t) ** 2 * (1 + t) / 2,
            t**3 / 6,
        ],
        axis=1,
    )
    taps = np.abs(first[:, None] + (np.arange(2) if order == 1 else np.arange(-1, 3)))
    taps = np.where(taps > count - 1, 2 * (count - 1) - taps, taps)
    rows = np.repeat(np.arange(len(at)), weights.shape[1])
    return sparse.csr_array((weights.ravel(), (rows, taps.ravel())), shape=(len(at), count))
