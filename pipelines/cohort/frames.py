"""Frames of a review pack: one slice of one side as 16-bit codes, which the browser windows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from config.errors import RejectedError
from pipelines.cohort.packs import SIDES, PackHeader, ReviewPack, Side

__all__ = [
    "LARGEST_CODE",
    "PLANES",
    "Plane",
    "Scale",
    "frame_count",
    "frame_shape",
    "frame_size_mm",
    "grey",
    "is_comparable",
    "pack_codes",
    "rank_codes",
    "scale_of",
]

Plane = Literal["slice", "row", "column"]

PLANES: dict[Plane, int] = {"slice": 0, "row": 1, "column": 2}
"""Plane -> the array axis along which its frames follow each other."""

LARGEST_CODE = 65_535
_FAR = 16


@dataclass(frozen=True)
class Scale:
    """What the codes of one side mean: code 1 is ``low``, code 65,535 is ``high``."""

    low: float
    high: float
    double: bool = False
    """Whether single precision would be too coarse, for this side or the other: that one side took
    longer than the other would tell them apart."""

    @property
    def is_far(self) -> bool:
        """Whether it lies so far from zero that single precision is more than a 14th of a code."""
        return abs(self.low) > _FAR * abs((self.high - self.low) or 1.0)

    def codes(self, values: NDArray[np.generic]) -> NDArray[np.uint16]:
        """Return values as codes; beyond the scale they saturate, what was not measured is 0."""
        width = (self.high - self.low) or 1.0
        needed = np.float64 if self.double or self.is_far else np.float32
        scaled: NDArray[Any] = values.astype(needed)
        scaled -= self.low
        scaled *= (LARGEST_CODE - 1) / width
        np.clip(scaled, 0, LARGEST_CODE - 1, out=scaled)
        scaled += 1.5  # truncated below, so rounded
        if values.dtype.kind == "f":
            scaled[np.isnan(scaled)] = 0
        return scaled.astype("<u2")

    def code(self, value: float) -> float:
        """Return where a value lies between the codes, also beyond them."""
        width = (self.high - self.low) or 1.0
        return (value - self.low) / width * (LARGEST_CODE - 1) + 1


def is_comparable(header: PackHeader) -> bool:
    """Return whether a number means the same on both sides: same unit, both quantitative."""
    return all(header.quantitative.values()) and len(set(header.unit.values())) == 1


def scale_of(header: PackHeader, side: Side) -> Scale:
    """Return the scale of a side's codes, from its 0.1st to its 99.9th percentile.

    Sides whose numbers mean the same share one scale over both; others have each their own, so
    that nothing but the picture tells which side had which unit.
    """
    ends = {one: (header.percentiles[one][0], header.percentiles[one][-1]) for one in SIDES}
    if is_comparable(header):
        return Scale(min(low for low, _ in ends.values()), max(high for _, high in ends.values()))
    return Scale(*ends[side], double=any(Scale(*one).is_far for one in ends.values()))


def pack_codes(pack: ReviewPack, side: Side, plane: Plane, index: int, every: int = 1) -> bytes:
    """Return one frame as 16-bit little-endian codes, rows by columns; its length is its size's.

    A frame in colours is its RGB samples of 8 bits.

    With ``every``, only each so-manieth row and column, for what hangs small.

    Frames across the slices are turned head up where the slice index grows towards the head (LPS
    z, PS3.3 C.7.6.2.1.1).

    Raises
    ------
    RejectedError
        ``PACK_NO_FRAME`` when the pack has no such frame.
    """
    if not 0 <= index < frame_count(pack.header, plane):
        raise RejectedError("PACK_NO_FRAME", f"{plane} {index}")
    frame = np.take(pack.values(side), index, axis=PLANES[plane])[::every, ::every]
    if pack.header.colours:
        return np.ascontiguousarray(frame).tobytes()
    if plane != "slice" and _grows_to_head(pack.header):
        frame = frame[::-1]
    return scale_of(pack.header, side).codes(frame).tobytes()


def rank_codes(header: PackHeader, side: Side) -> list[float]:
    """Return the codes of a side's percentiles, in the order of `RANKS`."""
    scale = scale_of(header, side)
    return [round(scale.code(value), 2) for value in header.percentiles[side]]


def grey(values: NDArray[np.generic], low: float, high: float) -> NDArray[np.uint8]:
    """Return ``floor(255 * clip((v - low) / (high - low), 0, 1) + 0.5)``; NaN becomes black."""
    numbers = np.nan_to_num(values.astype(np.float64), nan=-np.inf)
    # A window without width keeps the values above it white instead of dividing by zero.
    width = high - low or np.finfo(np.float64).tiny
    with np.errstate(over="ignore"):
        scaled = np.clip((numbers - low) / width, 0.0, 1.0)
    return np.floor(255.0 * scaled + 0.5).astype(np.uint8)


def frame_count(header: PackHeader, plane: Plane) -> int:
    """Return how many frames a plane has; fields of a slide lie in one plane alone."""
    if header.colours and plane != "slice":
        return 0
    return header.shape[PLANES[plane]]


def frame_shape(header: PackHeader, plane: Plane) -> tuple[int, int]:
    """Return rows and columns of a frame."""
    rows, columns = (header.shape[axis] for axis in range(3) if axis != PLANES[plane])
    return rows, columns


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
