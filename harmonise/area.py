"""Area mean: larger pixels, each the mean of what it covers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

__all__ = ["area_mean", "area_weights"]


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


def area_mean(plane: NDArray[Any], row_ratio: float, column_ratio: float) -> NDArray[np.float32]:
    """Return a plane in cells of ``row_ratio`` x ``column_ratio`` pixels; sums in float32."""
    by_row = area_weights(plane.shape[0], row_ratio)[1].astype(np.float32)
    by_column = area_weights(plane.shape[1], column_ratio)[1].astype(np.float32)
    lines = by_row @ plane.astype(np.float32, copy=False)
    return np.asarray((by_column @ lines.T).T, dtype=np.float32, order="C")
