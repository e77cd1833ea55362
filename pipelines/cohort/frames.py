"""Frames of a review pack: one slice of one side through one window, as an 8-bit picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from config.errors import RejectedError
from harmonise.encode.png import encode_png
from pipelines.cohort.packs import RANKS, PackHeader, ReviewPack, Side

__all__ = [
    "PLANES",
    "Window",
    "frame_count",
    "frame_size_mm",
    "grey",
    "linked_window",
    "pack_frame",
    "window_limits",
]

Plane = Literal["slice", "row", "column"]

PLANES: dict[Plane, int] = {"slice": 0, "row": 1, "column": 2}
"""Plane -> the array axis along which its frames follow each other."""


@dataclass(frozen=True)
class Window:
    """What becomes black and what white, for both sides at once.

    ``percentile``: ``low`` and ``high`` are ranks (0..100) of each side's own values, so that
    sides in different units look alike; ``absolute``: they are values in the unit both share.
    """

    mode: Literal["percentile", "absolute"]
    low: float
    high: float


def linked_window(header: PackHeader, low_rank: float, high_rank: float) -> Window:
    """Return the window of a pair: absolute where both numbers mean the same, else percentiles.

    The absolute window spans both sides' ranks, never one side's alone.
    """
    comparable = all(header.quantitative.values()) and len(set(header.unit.values())) == 1
    if not comparable:
        return Window("percentile", low_rank, high_rank)
    lows = [_at_rank(values, low_rank) for values in header.percentiles.values()]
    highs = [_at_rank(values, high_rank) for values in header.percentiles.values()]
    return Window("absolute", min(lows), max(highs))


def window_limits(header: PackHeader, side: Side, window: Window) -> tuple[float, float]:
    """Return the values of one side that become black and white."""
    if window.mode == "absolute":
        return window.low, window.high
    values = header.percentiles[side]
    return _at_rank(values, window.low), _at_rank(values, window.high)


def grey(values: NDArray[np.generic], low: float, high: float) -> NDArray[np.uint8]:
    """Return ``floor(255 * clip((v - low) / (high - low), 0, 1) + 0.5)``; NaN becomes black."""
    numbers = np.nan_to_num(values.astype(np.float64), nan=-np.inf)
    # A window without width keeps the values above it white instead of dividing by zero.
    width = high - low or np.finfo(np.float64).tiny
    with np.errstate(over="ignore"):
        scaled = np.clip((numbers - low) / width, 0.0, 1.0)
    return np.floor(255.0 * scaled + 0.5).astype(np.uint8)


def pack_frame(pack: ReviewPack, side: Side, plane: Plane, index: int, window: Window) -> bytes:
    """Return one frame as a PNG whose length depends on its size alone.

    Frames across the slices are turned head up where the slice index grows towards the head (LPS
    z, PS3.3 C.7.6.2.1.1).

    Raises
    ------
    RejectedError
        ``PACK_NO_FRAME`` when the pack has no such frame.
    """
    if not 0 <= index < frame_count(pack.header, plane):
        raise RejectedError("PACK_NO_FRAME", f"{plane} {index}")
    frame = np.take(pack.values(side), index, axis=PLANES[plane])
    if plane != "slice" and _grows_to_head(pack.header):
        frame = frame[::-1]
    return encode_png(grey(frame, *window_limits(pack.header, side, window)))


def frame_count(header: PackHeader, plane: Plane) -> int:
    """Return how many frames a plane has."""
    return header.shape[PLANES[plane]]


def frame_size_mm(header: PackHeader, plane: Plane) -> tuple[float, float]:
    """Return height and width of a frame in millimetres; an unknown spacing counts as 1."""
    axes = [axis for axis in range(3) if axis != PLANES[plane]]
    height, width = (header.shape[a] * (header.spacing_mm[a] or 1.0) for a in axes)
    return height, width


def _grows_to_head(header: PackHeader) -> bool:
    """Return whether the slice index grows mainly along LPS +z."""
    if header.direction is None:
        return False
    normal = header.direction[0]
    return normal[2] > 0 and abs(normal[2]) == max(abs(part) for part in normal)


def _at_rank(values: tuple[float, ...], rank: float) -> float:
    return float(np.interp(rank, RANKS, values))
