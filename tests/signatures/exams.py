"""Ultrasound-like images of many patients: one device, one layout, names that vary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid
from scipy import ndimage

from deid.blank.region import Rectangle

ROWS, COLUMNS = 480, 640
NAMES = (
    "LEFEVRE Élodie", "KERVADEC Maëlle", "DE LA TOUR Jean-Baptiste", "LI An", "PETIT Zoé",
    "MBARKI Hassan", "NGUYEN Thi Hoa", "O'BRIEN Sean", "DURAND Marcel", "GARCIA Inès",
    "ROUX Anne", "LEROY-MARTIN Geneviève",
)  # fmt: skip


@dataclass(frozen=True)
class Drawn:
    """An image, where its text stands (fixed and varying), and its fan of tissue."""

    pixels: NDArray[np.uint8]
    fixed: tuple[Rectangle, ...]
    varying: tuple[Rectangle, ...]
    fan: NDArray[np.bool_]


def draw(rng: np.random.Generator, name: str, size_px: int = 16, left: int = 8) -> Drawn:
    """Speckle in a fan on black, a grey bar, name, number and date above, fixed text beside."""
    rows, columns = np.mgrid[:ROWS, :COLUMNS]
    depth = np.hypot(rows - 40, columns - COLUMNS / 2)
    angle = np.abs(np.arctan2(columns - COLUMNS / 2, rows - 40))
    fan = (depth > 60) & (depth < ROWS * 0.85) & (angle < 0.6)
    tissue = rng.rayleigh(rng.uniform(25, 55), (ROWS, COLUMNS))
    tissue *= 0.5 + ndimage.gaussian_filter(rng.normal(1, 1, (ROWS, COLUMNS)), 20)
    pixels = np.where(fan, np.clip(tissue, 0, 255), 0).astype(np.uint8)
    pixels[100:300, 600:615] = np.linspace(255, 0, 200)[:, None].astype(np.uint8)
    image = Image.fromarray(pixels)
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(size_px)
    number, day = rng.integers(10**9, 10**10), rng.integers(10, 29)
    line = size_px + 8
    varying = [
        (left, 6, name), (left, 6 + line, str(number)),
        (420, 6, f"{day}/0{rng.integers(1, 10)}/20{rng.integers(10, 25)}"),
    ]  # fmt: skip
    fixed = [(420, 6 + line, "CHU ATLAS"), (left, 440, "MI 1.1 TIS 0.4"), (300, 200, "SONO")]
    boxes: list[list[Rectangle]] = [[], []]
    for kind, texts in enumerate((fixed, varying)):
        for x, y, text in texts:
            pen.text((x, y), text, fill=255, font=font)
            x0, y0, x1, y1 = map(int, pen.textbbox((x, y), text, font=font))
            boxes[kind].append(Rectangle(y0, y1, x0, x1))
    return Drawn(np.array(image), tuple(boxes[0]), tuple(boxes[1]), fan)


def draw_many(seed: int, count: int, size_px: int = 16, left: int = 8) -> list[Drawn]:
    rng = np.random.default_rng(seed)
    return [draw(rng, NAMES[i], size_px, left) for i in rng.permutation(len(NAMES))[:count]]


def write_exams(folder: Path, images: Sequence[NDArray[np.uint8]], *, patient: str = "P") -> None:
    """Write each image as the ultrasound exam of a patient of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, pixels in enumerate(images):
        ds = Dataset()
        ds.SOPClassUID, ds.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.6.1", generate_uid()
        ds.StudyInstanceUID, ds.SeriesInstanceUID = generate_uid(), generate_uid()
        ds.Modality, ds.PatientID = "US", f"{patient}{number}" if patient else ""
        ds.PatientName = f"NAME{number}^X" if patient else ""
        ds.Manufacturer, ds.ManufacturerModelName = "ACME [Médical]", "Sono*5"
        ds.SoftwareVersions, ds.ImageType = ["3.1", "B"], ["ORIGINAL", "PRIMARY", "ABDOMINAL"]
        ds.Rows, ds.Columns, ds.SamplesPerPixel = *pixels.shape, 1
        ds.PhotometricInterpretation, ds.PixelRepresentation = "MONOCHROME2", 0
        ds.BitsAllocated, ds.BitsStored, ds.HighBit = 8, 8, 7
        ds.PixelData = pixels.tobytes()
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
        ds.save_as(folder / f"{number:03d}.dcm", enforce_file_format=True)
