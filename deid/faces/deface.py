"""Removing the face from one series: decide, write, look again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID

from config.errors import AccordageError, RejectedError
from deid.blank.entry import BlankedPixels
from deid.blank.masked import fill_object
from deid.blank.stored import grey_shape, stored_frames
from deid.faces.check import Residue, require_removed
from deid.faces.fill import air_value
from deid.faces.grid import on_grid
from deid.faces.picture import face_picture
from deid.faces.plan import FacePlan, Read, plan_faces
from deid.faces.settings import FaceSettings
from deid.faces.volume import Coarse

__all__ = ["DefacedSeries", "FaceWriter", "deface_series"]

Write = Callable[[int, BlankedPixels], None]


@dataclass(frozen=True)
class DefacedSeries:
    """What was done to one series, after the check.

    Parameters
    ----------
    record : dict
        Numbers only, nothing of the patient: for the provenance and the report.
    pictures : tuple of bytes
        PNG of each stack, before and after. They show the face: identified zone only.
    """

    record: dict[str, object]
    pictures: tuple[bytes, ...]


class FaceWriter:
    """Writes the new pixels of one series and looks at what it wrote.

    Parameters
    ----------
    plan : FacePlan
        What is emptied.
    settings : FaceSettings
        The same that the plan was made with.
    """

    def __init__(self, plan: FacePlan, settings: FaceSettings) -> None:
        self.plan, self.settings = plan, settings
        self._after = [Coarse(p.stack, settings.head.grid_mm) for p in plan.stacks]
        self._emptied = [0] * len(plan.stacks)
        self._written: set[int] = set()
        self._mask = lru_cache(maxsize=8)(lambda which, n: plan.stacks[which].mask(n))

    def replace_pixels(self, index: int, ds: Dataset) -> BlankedPixels:
        """Return the new Pixel Data of an instance, read back and compared already.

        Nothing made of it may leave the identified zone before ``finish`` returned.

        Parameters
        ----------
        index : int
            Of the instance, as the plan counted it.
        ds : Dataset
            The instance with its file meta and pixels; left as it is.

        Raises
        ------
        RejectedError
            ``FACE_FAILED`` when what was written is not what was decided, and the codes of
            ``deid.blank.masked.fill_object``.
        """
        shape = grey_shape(ds)
        frames = self.plan.frames[index]
        if shape.frames != len(frames):
            raise RejectedError("FACE_FAILED", "another instance than was planned")

        def fill_of(number: int) -> tuple[NDArray[np.bool_], int]:
            frame = frames[number]
            which, slice_number = self.plan.stack_of(frame)
            planned = self.plan.stacks[which]
            value = air_value(
                shape, frame.slope, frame.intercept,
                modality=self.plan.modality, threshold=planned.head.threshold,
            )  # fmt: skip
            return self._mask(which, slice_number), value

        made = fill_object(ds, fill_of)
        value = b"".join(made.value)
        new = _with_pixels(ds, made, value)
        self._look(index, ds, new, fill_of)
        return replace(made, value=iter((value,)))

    def _look(
        self,
        index: int,
        ds: Dataset,
        new: Dataset,
        fill_of: Callable[[int], tuple[NDArray[np.bool_], int]],
    ) -> None:
        pairs = zip(stored_frames(ds), stored_frames(new), strict=True)
        for number, (before, after) in enumerate(pairs):
            mask, value = fill_of(number)
            if not np.array_equal(after, np.where(mask, value, before)):
                raise RejectedError("FACE_FAILED", "what was written is not what was decided")
            frame = self.plan.frames[index][number]
            which, _ = self.plan.stack_of(frame)
            self._after[which].put(frame, after)
            self._emptied[which] += int(mask.sum())
        self._written.add(index)

    def finish(self) -> DefacedSeries:
        """Check that no face is left in what was written.

        Raises
        ------
        RejectedError
            ``FACE_NOT_REMOVED``; ``FACE_FAILED`` when an instance was left out.
        """
        if self._written != set(range(len(self.plan.frames))):
            raise RejectedError("FACE_FAILED", "an instance was left out")
        pictures, stacks = [], []
        look = self.settings.head
        for planned, coarse, emptied in zip(
            self.plan.stacks, self._after, self._emptied, strict=True
        ):
            _, after = on_grid(coarse.values, coarse.affine, look.grid_mm, look.reach_mm)
            found = require_removed(planned.head, after, planned.window, self.settings.check)
            pictures.append(face_picture(planned.head, after, planned.values))
            stacks.append(_record(planned.head.axes_mm, planned.head.residual_mm, found, emptied))
        anatomy = self.plan.anatomy
        record: dict[str, object] = {
            "anatomy": anatomy.answer, "why": list(anatomy.why), "stacks": stacks,
        }  # fmt: skip
        return DefacedSeries(record, tuple(pictures))


def deface_series(
    count: int, read: Read, write: Write, settings: FaceSettings | None = None
) -> DefacedSeries:
    """Remove the face from one series of head CT or MR.

    Each instance is read three times, one at a time. What ``write`` was given may be released
    only after this returned: when it raises, every instance of the series is to be refused.

    Parameters
    ----------
    count : int
        Instances of the series; all of them, or missing ones are found and refused.
    read : callable
        Index of an instance to its identified dataset with file meta and pixels.
    write : callable
        Takes the index and the new pixels of an instance, to a place that is not yet released.
    settings : FaceSettings, optional
        Lengths, thresholds, limits.

    Raises
    ------
    RejectedError
        See ``plan_faces``, ``FaceWriter``; ``FACE_FAILED`` for any failure that has no name.
    """
    settings = settings or FaceSettings()
    try:
        plan = plan_faces(count, read, settings)
        writer = FaceWriter(plan, settings)
        for index in range(count):
            write(index, writer.replace_pixels(index, read(index)))
        return writer.finish()
    except (AccordageError, OSError, MemoryError):
        raise
    except Exception as err:  # what was not foreseen must stop the series too
        raise RejectedError("FACE_FAILED", type(err).__name__) from err


def _with_pixels(ds: Dataset, made: BlankedPixels, value: bytes) -> Dataset:
    new = Dataset()
    for keyword in (
        "Rows", "Columns", "NumberOfFrames", "SamplesPerPixel", "BitsAllocated", "BitsStored",
        "HighBit", "PixelRepresentation", "PhotometricInterpretation", "PlanarConfiguration",
    ):  # fmt: skip
        if keyword in ds:
            new[keyword] = ds[keyword]
    new.add_new("PixelData", made.vr, value)
    new.file_meta = FileMetaDataset()
    new.file_meta.TransferSyntaxUID = UID(made.transfer_syntax_uid)
    return new


def _record(
    axes_mm: tuple[float, float, float], residual_mm: float, found: Residue, emptied: int
) -> dict[str, object]:
    return {
        "vault_axes_mm": [round(v, 1) for v in axes_mm],
        "vault_residual_mm": round(residual_mm, 2),
        "voxels_emptied": emptied,
        "rays": found.rays,
        "moved_share": round(found.moved_share, 4),
        "median_mm": round(found.median_mm, 1),
        "detail_correlation": round(found.detail_correlation, 3),
    }
