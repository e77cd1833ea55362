"""The slices of one series as stacks, and a stack's values on a coarse grid, slice by slice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from config.errors import InconsistentSeries, UnsupportedObject
from deid.faces.frames import Frame
from deid.faces.settings import FaceSettings

__all__ = ["Coarse", "Stack", "stacks_of"]

Array = NDArray[np.float64]
Values = NDArray[np.float32]


@dataclass(frozen=True)
class Stack:
    """Frames that lie parallel at even distances.

    Parameters
    ----------
    affine : array
        4 x 4, from (slice, row, column) to LPS millimetres; sheared where a gantry was tilted.
    shape : tuple
        Slices, rows, columns.
    slices : dict
        (instance, frame) -> slice; several frames may lie at one place (echoes, times).
    """

    affine: Array
    shape: tuple[int, int, int]
    slices: dict[tuple[int, int], int]


def stacks_of(frames: Sequence[Frame], settings: FaceSettings) -> list[Stack]:
    """Return the stacks of one series, one for each orientation and grid.

    Raises
    ------
    UnsupportedObject
        ``FACE_NOT_A_VOLUME`` when there are too few slices, or they lie too far apart.
    InconsistentSeries
        ``FACE_SERIES_IRREGULAR`` when a slice is missing or lies where none should.
    """
    groups: dict[tuple[object, ...], list[Frame]] = {}
    for frame in frames:
        turned = tuple(round(v, 2) + 0.0 for v in (*frame.along_row, *frame.along_column))
        spacing = tuple(round(v, 3) for v in frame.spacing_mm)
        groups.setdefault((turned, spacing, frame.size), []).append(frame)
    return [_stack(group, settings) for _, group in sorted(groups.items(), key=lambda g: str(g[0]))]


def _stack(frames: list[Frame], settings: FaceSettings) -> Stack:
    first = frames[0]
    row, column = np.array(first.along_row), np.array(first.along_column)
    normal = np.cross(row, column)
    places = np.array([frame.position_mm for frame in frames])
    along = places @ normal
    order = np.argsort(along, kind="stable")
    tolerance = settings.position_tolerance_mm
    breaks = np.flatnonzero(np.diff(along[order]) > tolerance) + 1
    runs = np.split(order, breaks)
    count = len(runs)
    if count < settings.least_slices:
        raise UnsupportedObject("FACE_NOT_A_VOLUME", f"{count} slices")
    centres = np.array([places[run].mean(axis=0) for run in runs])
    spread = max(float(np.abs(places[run] - places[run].mean(axis=0)).max()) for run in runs)
    numbers = np.arange(count)
    step, origin = np.polyfit(numbers, centres, 1)
    off = float(np.abs(centres - (origin + numbers[:, None] * step)).max())
    if max(spread, off) > tolerance:
        raise InconsistentSeries(
            "FACE_SERIES_IRREGULAR", f"a slice is {max(spread, off):.1f} mm off"
        )
    step_mm = float(step @ normal)
    if step_mm > settings.largest_step_mm:
        raise UnsupportedObject("FACE_NOT_A_VOLUME", f"slices {step_mm:.1f} mm apart")
    affine = np.eye(4)
    affine[:3, 0] = step
    affine[:3, 1] = column * first.spacing_mm[0]
    affine[:3, 2] = row * first.spacing_mm[1]
    affine[:3, 3] = origin
    slices = {
        (frames[i].instance, frames[i].index): number
        for number, run in enumerate(runs)
        for i in sorted(run.tolist())
    }
    return Stack(affine, (count, *first.size), slices)


class Coarse:
    """Real values of a stack, averaged over blocks of pixels, the highest of all times.

    A face that shows at any time shows in it; its size does not grow with the matrix.

    Parameters
    ----------
    stack : Stack
        Whose slices are put in.
    grid_mm : float
        Pixels are averaged to blocks of at most this width.
    """

    def __init__(self, stack: Stack, grid_mm: float) -> None:
        self.stack = stack
        spacing = np.linalg.norm(stack.affine[:3, :3], axis=0)
        rows, columns = (max(1, int(grid_mm / mm)) for mm in spacing[1:])
        self.block = (min(rows, stack.shape[1]), min(columns, stack.shape[2]))
        shape = (
            stack.shape[0],
            *(n // b for n, b in zip(stack.shape[1:], self.block, strict=True)),
        )
        self.values: Values = np.full(shape, -np.inf, np.float32)
        scale = np.diag([1.0, *(float(b) for b in self.block), 1.0])
        scale[1:3, 3] = [(b - 1) / 2 for b in self.block]  # a block's centre
        self.affine: Array = stack.affine @ scale

    def put(self, frame: Frame, stored: NDArray[np.int64]) -> None:
        """Take in the stored values of a frame of the stack, (row, column)."""
        number = self.stack.slices[frame.instance, frame.index]
        (rows, columns), shape = self.block, self.values.shape
        cut = stored[: shape[1] * rows, : shape[2] * columns]
        mean = cut.reshape(shape[1], rows, shape[2], columns).mean(axis=(1, 3))
        real = (mean * frame.slope + frame.intercept).astype(np.float32)
        np.maximum(self.values[number], real, out=self.values[number])
