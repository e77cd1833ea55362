"""A head made of ellipsoids, scanned as CT or MR in any plane; what each voxel is, is known."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import UID

AIR, SCALP, SKULL, BRAIN, EYE, NOSE, LIPS, CHIN, EAR, REST, LID = range(11)
FACE = (NOSE, LIPS, CHIN)
VALUES = {
    "CT": [-1000, 40, 900, 35, 10, 40, 40, 60, 40, 0, 40],
    "T1": [0, 300, 30, 180, 60, 280, 260, 250, 240, 0, 270],
    "T2": [0, 110, 25, 170, 400, 120, 130, 120, 110, 0, 120],
}
SOP = {
    "CT": ("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.2.1"),
    "MR": ("1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.4.1"),
}
EXPLICIT = "1.2.840.10008.1.2.1"

PLANES = {
    "axial": ((1, 0, 0), (0, 1, 0)),
    "sagittal": ((0, 1, 0), (0, 0, -1)),
    "coronal": ((1, 0, 0), (0, 0, -1)),
}


@dataclass(frozen=True)
class Scan:
    """How the head is scanned: millimetres and degrees."""

    contrast: str = "CT"
    plane: str = "axial"
    rows: int = 130
    columns: int = 116
    spacing_mm: tuple[float, float] = (2.0, 2.0)
    slices: int = 62
    step_mm: float = 4.0
    centre_mm: tuple[float, float, float] = (0.0, -5.0, -38.0)
    tilt_deg: float = 0.0
    """Of the planes, about the left-right axis, as for scans along the orbitomeatal line."""
    gantry: bool = False
    """With a tilt: the table moves along z, not along the normal of the planes."""
    nod_deg: float = 0.0
    """Of the head: positive lowers the chin."""
    size: float = 1.0
    nose_mm: float = 24.0
    trunk: bool = False
    """Neck and trunk below, arms down."""
    enhanced: bool = False
    seed: int = 1
    header: dict[str, object] = field(default_factory=dict)

    @property
    def modality(self) -> str:
        return "CT" if self.contrast == "CT" else "MR"

    def axes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Along rows, along columns, from slice to slice (one step)."""
        turn = rotation(self.tilt_deg)
        row, column = (turn @ np.array(v, float) for v in PLANES[self.plane])
        normal = np.cross(row, column)
        step = np.array([0.0, 0.0, 1.0]) / normal[2] if self.gantry else normal
        return row, column, step * self.step_mm

    def first_mm(self, number: int) -> np.ndarray:
        row, column, step = self.axes()
        corner = (self.columns - 1) / 2 * self.spacing_mm[1] * row
        corner = corner + (self.rows - 1) / 2 * self.spacing_mm[0] * column
        return np.array(self.centre_mm) - corner + (number - (self.slices - 1) / 2) * step

    def points_mm(self, number: int) -> np.ndarray:
        row, column, _ = self.axes()
        down = np.arange(self.rows)[:, None, None] * self.spacing_mm[0] * column
        along = np.arange(self.columns)[None, :, None] * self.spacing_mm[1] * row
        return self.first_mm(number) + down + along


def rotation(degrees: float) -> np.ndarray:
    """About the x axis of LPS; positive turns the front down."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])


def labels(scan: Scan, number: int) -> np.ndarray:
    """What each pixel of a slice is."""
    p = scan.points_mm(number) @ rotation(scan.nod_deg) / scan.size
    rest = scan.contrast == "CT" and not scan.nod_deg and not scan.trunk
    found = what_is(p, scan.nose_mm, rest=rest)
    trunk = (p[..., 0] / 190) ** 2 + ((p[..., 1] - 15) / 110) ** 2 < 1
    found[trunk & (p[..., 2] < -185) & scan.trunk] = SCALP
    return found


def what_is(p: np.ndarray, nose_mm: float, *, rest: bool) -> np.ndarray:
    """Tissue at LPS points, the centre of the vault at 0; adult lengths in millimetres."""
    x, y, z = np.moveaxis(p, -1, 0)

    def inside(centre: Sequence[float], half: Sequence[float]) -> np.ndarray:
        parts = zip((x, y, z), centre, half, strict=True)
        return sum(((q - c) / h) ** 2 for q, c, h in parts) < 1

    found = np.zeros(x.shape, np.uint8)
    if rest:
        found[(y > 96) & (y < 101) & (np.abs(x) < 100) & (z > -110)] = REST
    for side in (-1, 1):
        found[inside((side * 70, 12, -42), (14, 4, 26))] = EAR
    neck = (x / 55) ** 2 + ((y - 15) / 55) ** 2 < 1
    found[neck & (z < -40)] = SCALP
    jaw = (x / 60) ** 2 + ((y + 25) / 64) ** 2 < 1 + (z + 60) / 400
    found[jaw & (z < -25) & (z > -140)] = SCALP
    found[inside((0, -87, -60), (16, nose_mm, 22))] = NOSE
    found[inside((0, -86, -92), (26, 12, 9))] = LIPS
    found[inside((0, -78, -126), (22, 20, 16))] = CHIN
    found[inside((0, 0, 0), (76, 95, 82))] = SCALP
    found[inside((0, -84, -22), (60, 14, 14))] = SCALP  # the brows
    found[inside((0, 0, 0), (71, 90, 77))] = SKULL
    cranial = inside((0, 0, 0), (64, 83, 70))
    found[cranial] = SCALP
    front = (y < -30) & (z > -20)
    back = (y >= -30) & (z > -62)
    found[cranial & (front | back)] = BRAIN
    stem = 5 - 0.19 * (z + 50)  # further back the lower, as stem and cord are
    found[((y - stem) ** 2 + x * x < 100) & (z < -50) & (z > -140)] = BRAIN
    for side in (-1, 1):
        found[inside((side * 32, -80, -37), (15, 16, 13))] = LID
        found[inside((side * 32, -79, -37), (12, 12, 10))] = EYE
        found[inside((side * 10, -70, -58), (6, 30, 12))] = AIR  # nasal passages
    found[inside((0, -45, -100), (15, 20, 6))] = AIR  # mouth
    return found


def stored(scan: Scan, number: int) -> np.ndarray:
    """Stored values of a slice: CT with intercept -1024, MR as measured."""
    random = np.random.default_rng((scan.seed, number))
    real = np.array(VALUES[scan.contrast], float)[labels(scan, number)]
    if scan.contrast == "CT":
        noisy = real + random.normal(0, 15, real.shape) + 1024
        return np.clip(np.round(noisy), 0, 4095).astype(np.uint16)
    noise = random.normal(0, 6, (2, *real.shape))
    return np.round(np.hypot(real + noise[0], noise[1])).astype(np.uint16)


def series(scan: Scan, numbers: Sequence[int] | None = None) -> list[Dataset]:
    """The instances of one series, as read from files."""
    chosen = range(scan.slices) if numbers is None else numbers
    if scan.enhanced:
        return [_read(_enhanced(scan, list(chosen)))]
    return [_read(_classic(scan, number)) for number in chosen]


def _image(scan: Scan, uid: int, *, enhanced: bool) -> Dataset:
    ds = Dataset()
    ds.SOPClassUID = SOP[scan.modality][enhanced]
    ds.SOPInstanceUID = f"1.2.826.0.1.3680043.9.7.2.1.{uid}"
    ds.StudyInstanceUID = "1.2.826.0.1.3680043.9.7.2"
    ds.SeriesInstanceUID = "1.2.826.0.1.3680043.9.7.2.1"
    ds.Modality = scan.modality
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL" if scan.contrast == "CT" else "M"]
    ds.BodyPartExamined = "HEAD"
    ds.Rows, ds.Columns = scan.rows, scan.columns
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    for keyword, value in scan.header.items():
        if value is None:
            delattr(ds, keyword)
        else:
            setattr(ds, keyword, value)
    return ds


def _place(ds: Dataset, scan: Scan, number: int) -> None:
    ds.ImagePositionPatient = [f"{v:.4f}" for v in scan.first_mm(number)]


def _turn(ds: Dataset, scan: Scan) -> None:
    row, column, _ = scan.axes()
    ds.ImageOrientationPatient = [f"{v:.8f}" for v in (*row, *column)]


def _rescale(ds: Dataset, scan: Scan) -> None:
    ds.RescaleSlope, ds.RescaleIntercept = 1, -1024 if scan.contrast == "CT" else 0


def _classic(scan: Scan, number: int) -> Dataset:
    ds = _image(scan, number + 1, enhanced=False)
    _place(ds, scan, number)
    _turn(ds, scan)
    ds.PixelSpacing = list(scan.spacing_mm)
    _rescale(ds, scan)
    ds.InstanceNumber = number + 1
    ds.PixelData = stored(scan, number).tobytes()
    return ds


def _enhanced(scan: Scan, numbers: list[int]) -> Dataset:
    ds = _image(scan, 1, enhanced=True)
    ds.NumberOfFrames = len(numbers)
    turn, measures, values = Dataset(), Dataset(), Dataset()
    _turn(turn, scan)
    measures.PixelSpacing = list(scan.spacing_mm)
    _rescale(values, scan)
    shared = Dataset()
    shared.PlaneOrientationSequence = Items([turn])
    shared.PixelMeasuresSequence = Items([measures])
    shared.PixelValueTransformationSequence = Items([values])
    ds.SharedFunctionalGroupsSequence = Items([shared])
    frames = []
    for number in numbers:
        place, frame = Dataset(), Dataset()
        _place(place, scan, number)
        frame.PlanePositionSequence = Items([place])
        frames.append(frame)
    ds.PerFrameFunctionalGroupsSequence = Items(frames)
    ds.PixelData = b"".join(stored(scan, number).tobytes() for number in numbers)
    return ds


def _read(ds: Dataset) -> Dataset:
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = UID(EXPLICIT)
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    ds["PixelData"].VR = "OW"
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, ds, enforce_file_format=True)
    buffer.seek(0)
    return pydicom.dcmread(buffer)
