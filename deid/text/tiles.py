"""A frame in blocks and tiles: what is searched in one piece, and what is kept of the answer."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from deid.blank.region import Rectangle

__all__ = ["by_block", "slices", "tiles"]

Mask = NDArray[np.bool_]


def slices(place: Rectangle) -> tuple[slice, slice]:
    """Return the rows and columns of a rectangle."""
    return (
        slice(place.row_start, place.row_stop),
        slice(place.column_start, place.column_stop),
    )


def tiles(
    wanted: Mask, size: tuple[int, ...], *, side: int, block: int, margin: int
) -> Iterator[tuple[tuple[slice, slice], tuple[slice, slice]]]:
    """Yield what is shown to the reader and, within, what is kept of its answer."""
    kept = margin // 3
    for top in range(0, wanted.shape[0], side):
        for left in range(0, wanted.shape[1], side):
            part = wanted[top : top + side, left : left + side]
            if not part.any():
                continue
            rows = np.flatnonzero(part.any(axis=1)) + top
            columns = np.flatnonzero(part.any(axis=0)) + left
            spans = (
                (int(rows[0]) * block, int(rows[-1] + 1) * block, size[0]),
                (int(columns[0]) * block, int(columns[-1] + 1) * block, size[1]),
            )
            yield _widened(spans, margin), _widened(spans, kept)


def by_block(mask: Mask, block: int) -> Mask:
    """Return the blocks of which a pixel is in the mask."""
    size = tuple(-(-n // block) for n in mask.shape)
    filled = np.pad(mask, [(0, -n % block) for n in mask.shape])
    return np.asarray(filled.reshape(size[0], block, size[1], block).any(axis=(1, 3)), bool)


def _widened(
    spans: tuple[tuple[int, int, int], tuple[int, int, int]], by: int
) -> tuple[slice, slice]:
    (top, bottom, rows), (left, right, columns) = spans
    return (
        slice(max(top - by, 0), min(bottom + by, rows)),
        slice(max(left - by, 0), min(right + by, columns)),
    )
