"""The files of the pixel benchmark: frames of ``burned_frames.py`` and CT slices as DICOM."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from burned_frames import Frames, draw
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

__all__ = ["Case", "make_cases"]

_ROOT = "1.2.826.0.1.3680043.9.7.4"
_CLASSES = {
    "ultrasound": ("US", "1.2.840.10008.5.1.4.1.1.6.1"),
    "cine": ("US", "1.2.840.10008.5.1.4.1.1.3.1"),
    "mammogram": ("MG", "1.2.840.10008.5.1.4.1.1.1.2"),
    "radiograph": ("CR", "1.2.840.10008.5.1.4.1.1.1"),
    "capture": ("OT", "1.2.840.10008.5.1.4.1.1.7"),
    "CT": ("CT", "1.2.840.10008.5.1.4.1.1.2"),
}
_FIRST = {"ultrasound": 0, "mammogram": 6, "radiograph": 10, "capture": 14, "cine": 18}
_CYCLE = 20
"""Frames after which the plan of ``burned_frames.py`` begins again."""


@dataclass(frozen=True)
class Case:
    """One file: what the gate is to decide of it, and the frames it was made of."""

    path: Path
    outcome: str
    kind: str
    frames: Frames | None


def make_cases(folder: Path, count: int, seed: int) -> Iterator[Case]:
    """Write ``count`` files of each outcome and kind, and yield them."""
    for index in range(count):
        yield _ct(folder, index)
        for kind, first in _FIRST.items():
            frames = draw(seed, first + _CYCLE * index)
            yield _case(folder, "read", kind, frames)
        yield _case(
            folder, "cleared", "mammogram", draw(seed, _FIRST["mammogram"] + _CYCLE * index)
        )
        for offset, outcome in ((1, "regions"), (2, "signature")):
            frames = draw(seed, _FIRST["ultrasound"] + offset + _CYCLE * index)
            yield _case(folder, outcome, "ultrasound", frames)


def _case(folder: Path, outcome: str, kind: str, frames: Frames) -> Case:
    ds = _image(kind, f"{outcome}.{frames.name}")
    for keyword, value in frames.header.items():
        setattr(ds, keyword, value)
    if frames.samples.ndim == 4:
        ds.PlanarConfiguration = 0
    if kind == "cine":
        ds.NumberOfFrames = len(frames.samples)
    person = frames.person
    ds.PatientName, ds.PatientID = f"{person.family}^{person.given}", person.number
    ds.PatientBirthDate = "{:04}{:02}{:02}".format(*person.born)
    ds.StudyDate = "{:04}{:02}{:02}".format(*person.seen)
    ds.InstitutionName, ds.ReferringPhysicianName = person.hospital, person.doctor
    ds.Manufacturer = {"cleared": "CLEARED", "signature": "SIGNED"}.get(outcome, "ACME")
    if outcome == "regions":
        ds.SequenceOfUltrasoundRegions = [_region(frames)]
    return _saved(folder, ds, frames.samples, Case(folder / "", outcome, kind, frames))


def _ct(folder: Path, index: int) -> Case:
    ds = _image("CT", f"ct.{index}")
    ds.Rows = ds.Columns = 512
    ds.SamplesPerPixel, ds.PixelRepresentation = 1, 0
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 16, 12, 11
    ds.PhotometricInterpretation, ds.ImageType = "MONOCHROME2", ["ORIGINAL", "PRIMARY", "AXIAL"]
    noise = np.random.default_rng(index).integers(0, 4096, (512, 512), np.uint16)
    return _saved(folder, ds, noise, Case(folder / "", "not_needed", "CT", None))


def _image(kind: str, name: str) -> Dataset:
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.Modality, ds.SOPClassUID = _CLASSES[kind]
    number = int.from_bytes(name.encode()[:12], "big")
    ds.SOPInstanceUID = f"{_ROOT}.{number}"
    ds.StudyInstanceUID = ds.SeriesInstanceUID = _ROOT
    ds.SpecificCharacterSet, ds.ImageType = "ISO_IR 192", ["ORIGINAL", "PRIMARY"]
    return ds


def _region(frames: Frames) -> Dataset:
    """Return the box of the fan as an item of Sequence of Ultrasound Regions, C.8.5.5."""
    rows = np.flatnonzero(frames.tissue.any(axis=1))
    columns = np.flatnonzero(frames.tissue.any(axis=0))
    item = Dataset()
    item.RegionLocationMinX0, item.RegionLocationMaxX1 = int(columns[0]), int(columns[-1])
    item.RegionLocationMinY0, item.RegionLocationMaxY1 = int(rows[0]), int(rows[-1])
    item.RegionSpatialFormat, item.RegionDataType, item.RegionFlags = 1, 1, 0
    return item


def _saved(folder: Path, ds: Dataset, samples: np.ndarray, case: Case) -> Case:
    data = np.ascontiguousarray(samples).tobytes()
    ds.add_new(0x7FE00010, "OW" if ds.BitsAllocated == 16 else "OB", data + b"\0" * (len(data) % 2))
    path = folder / f"{case.outcome}-{case.kind}-{len(list(folder.iterdir())):04d}.dcm"
    ds.save_as(path, enforce_file_format=True)
    return Case(path, case.outcome, case.kind, case.frames)
