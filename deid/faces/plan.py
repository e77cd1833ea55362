"""What is emptied in each frame of a series, decided before anything is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from config.errors import InconsistentSeries, RejectedError, UnreadableObject, UnsupportedObject
from deid.blank.stored import stored_frames
from deid.faces.anatomy import Anatomy, read_anatomy
from deid.faces.check import face_window
from deid.faces.frames import Frame, read_frames
from deid.faces.grid import on_grid, sample
from deid.faces.head import Head, find_head
from deid.faces.region import face_region
from deid.faces.settings import FaceSettings
from deid.faces.volume import Coarse, Stack, stacks_of

__all__ = ["FacePlan", "StackPlan", "plan_faces"]

Read = Callable[[int], Dataset]


@dataclass(frozen=True)
class StackPlan:
    """One stack of a series and what is emptied of it.

    Parameters
    ----------
    stack : Stack
        Where its frames lie.
    head : Head
        What was found in it.
    values : array
        Real values before on the head's grid, (z, y, x).
    region : array of float32
        1 where the grid is emptied, else 0.
    window : array of bool
        Rays from the front, (z, x), that met the face.
    """

    stack: Stack
    head: Head
    values: NDArray[np.float32]
    region: NDArray[np.float32]
    window: NDArray[np.bool_]

    def mask(self, number: int) -> NDArray[np.bool_]:
        """Return the pixels of a slice that are emptied, (row, column)."""
        _, rows, columns = self.stack.shape
        affine = self.stack.affine
        row = np.arange(rows)[:, None, None] * affine[:3, 1]
        column = np.arange(columns)[None, :, None] * affine[:3, 2]
        points = affine[:3, 3] + number * affine[:3, 0] + row + column
        return sample(self.region, self.head.grid, points)


@dataclass(frozen=True)
class FacePlan:
    """The stacks of one series.

    Parameters
    ----------
    modality : str
        CT or MR.
    anatomy : Anatomy
        What the headers said.
    frames : tuple of tuple of Frame
        Of each instance.
    stacks : tuple of StackPlan
        In a fixed order.
    """

    modality: str
    anatomy: Anatomy
    frames: tuple[tuple[Frame, ...], ...]
    stacks: tuple[StackPlan, ...]

    def stack_of(self, frame: Frame) -> tuple[int, int]:
        """Return the index of the stack of a frame, and its slice there."""
        for index, planned in enumerate(self.stacks):
            number = planned.stack.slices.get((frame.instance, frame.index))
            if number is not None:
                return index, number
        raise InconsistentSeries("FACE_SERIES_IRREGULAR", "a frame of no stack")


def plan_faces(count: int, read: Read, settings: FaceSettings) -> FacePlan:
    """Look at all instances of one series and decide what of them is emptied.

    Each instance is read twice, one at a time; what is kept is as large as a head on a coarse
    grid, whatever the matrix and the number of times.

    Parameters
    ----------
    count : int
        Instances of the series.
    read : callable
        Index of an instance to its dataset with file meta and pixels; identified.
    settings : FaceSettings
        Lengths, thresholds, limits.

    Raises
    ------
    RejectedError
        ``FACE_NOT_A_VOLUME``, ``FACE_SERIES_IRREGULAR``, ``FACE_HEAD_NOT_FOUND``,
        ``FACE_NOT_FOUND``; ``FACE_ANATOMY_UNKNOWN`` instead of the last two where no header
        names a part of the body; those of reading pixels.
    """
    if not count:
        raise InconsistentSeries("FACE_SERIES_IRREGULAR", "no instance")
    frames: list[tuple[Frame, ...]] = []
    anatomies: list[Anatomy] = []
    modalities: set[str] = set()
    series: set[str] = set()
    for index in range(count):
        ds = read(index)
        frames.append(tuple(read_frames(ds, index)))
        modalities.add(str(ds.get("Modality") or "").strip().upper())
        series.add(str(ds.get("SeriesInstanceUID") or ""))
        anatomies.append(read_anatomy([ds], settings))
    if len(series) != 1 or len(modalities) != 1 or not modalities <= {"CT", "MR"}:
        raise InconsistentSeries("FACE_SERIES_IRREGULAR", "not one series of CT or MR")
    anatomy = _strictest(anatomies)
    stacks = stacks_of([f for several in frames for f in several], settings)
    coarse = _values(frames, stacks, read, settings)
    modality = next(iter(modalities))
    try:
        planned = tuple(_plan_stack(c, modality, settings) for c in coarse)
    except RejectedError as err:
        if anatomy.answer != "head" and err.code in {"FACE_HEAD_NOT_FOUND", "FACE_NOT_FOUND"}:
            raise RejectedError("FACE_ANATOMY_UNKNOWN", err.code) from err
        raise
    return FacePlan(modality, anatomy, tuple(frames), planned)


def _strictest(anatomies: Sequence[Anatomy]) -> Anatomy:
    order = ("head", "unknown", "not_head")
    return min(anatomies, key=lambda found: order.index(found.answer))


def _values(
    frames: Sequence[tuple[Frame, ...]], stacks: Sequence[Stack], read: Read, settings: FaceSettings
) -> list[Coarse]:
    coarse = [Coarse(stack, settings.head.grid_mm) for stack in stacks]
    for index, places in enumerate(frames):
        count = 0
        for place, stored in zip(places, stored_frames(read(index)), strict=False):
            count += 1
            if stored.shape != place.size:
                raise UnreadableObject("BLANK_NOT_DECODED", "another size than the header says")
            for one in coarse:
                if (place.instance, place.index) in one.stack.slices:
                    one.put(place, stored)
        if count != len(places):
            raise UnreadableObject("BLANK_PIXELS_SHORT", f"{count} of {len(places)} frames")
    return coarse


def _plan_stack(coarse: Coarse, modality: str, settings: FaceSettings) -> StackPlan:
    grid, values = on_grid(
        coarse.values, coarse.affine, settings.head.grid_mm, settings.head.reach_mm
    )
    head = find_head(grid, values, modality=modality, settings=settings.head)
    lowest = head.centre_mm[2] + settings.region.bottom * head.axes_mm[2]
    if grid.cut and lowest < grid.origin_mm[2]:
        raise UnsupportedObject("FACE_HEAD_NOT_FOUND", "the head is not at the top of the volume")
    window = face_window(head, settings.check)
    region = face_region(head, settings.region).astype(np.float32)
    return StackPlan(coarse.stack, head, values, region, window)
