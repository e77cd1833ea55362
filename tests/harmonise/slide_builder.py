"""Synthetic whole slides: a picture cut into tiles, stored as a scanner stores them."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence as Items
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless, JPEGBaseline8Bit

from tests.harmonise.builders import uid

WSI = "1.2.840.10008.5.1.4.1.1.77.1.6"
HAEMATOXYLIN, EOSIN = ("12710003", "hematoxylin stain"), ("36879007", "water soluble eosin stain")
DAB = ("255805004", "myeloperoxidase stain")


def code(value: str, meaning: str, scheme: str = "SCT") -> Dataset:
    ds = Dataset()
    ds.CodeValue, ds.CodingSchemeDesignator, ds.CodeMeaning = value, scheme, meaning
    return ds


def section(rows: int, columns: int, *, seed: int = 1) -> np.ndarray:
    """Return a picture of an H&E section on glass, mixed from two dyes by Beer and Lambert."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:rows, :columns]
    inside = ((y / rows - 0.5) / 0.42) ** 2 + ((x / columns - 0.5) / 0.38) ** 2 < 1
    fine = rng.random((2, math.ceil(rows / 3), math.ceil(columns / 3)))
    grain = np.stack([np.kron(part, np.ones((3, 3)))[:rows, :columns] for part in fine])
    nuclei = np.where(grain[0] > 0.8, 1.4, 0.1 * grain[1])
    amounts = np.stack([nuclei, 0.3 + 0.6 * grain[1]]) * inside
    dyes = np.array([[0.65, 0.70, 0.29], [0.30, 0.90, 0.25]])
    return mixed(amounts, dyes)


def mixed(amounts: np.ndarray, dyes: np.ndarray) -> np.ndarray:
    """Return the picture of two dyes: amounts (2, rows, columns), dyes (2, 3)."""
    unit = dyes / np.linalg.norm(dyes, axis=1, keepdims=True)
    light = 240 * np.exp(-np.tensordot(amounts, unit, axes=(0, 0)))
    return np.clip(np.rint(light - 1), 0, 255).astype(np.uint8)


def tiles_of(picture: np.ndarray, size: int) -> list[np.ndarray]:
    """Return tiles row by row; beyond the edge white."""
    down, across = (math.ceil(n / size) for n in picture.shape[:2])
    whole = np.full((down * size, across * size, 3), 255, np.uint8)
    whole[: picture.shape[0], : picture.shape[1]] = picture
    return [
        whole[r * size : (r + 1) * size, c * size : (c + 1) * size]
        for r in range(down)
        for c in range(across)
    ]


def specimen(stains: Sequence[tuple[str, str]]) -> Dataset:
    ds = Dataset()
    ds.SpecimenIdentifier, ds.SpecimenUID = "K-1", uid(77)
    ds.IssuerOfTheSpecimenIdentifierSequence = []
    ds.SpecimenPreparationSequence = []
    if stains:
        step = Dataset()
        step.SpecimenPreparationStepContentItemSequence = Items(
            [_item("111701", "Processing type", "DCM", "127790008", "Staining")]
            + [_item("424361007", "Using substance", "SCT", *stain) for stain in stains]
        )
        ds.SpecimenPreparationSequence = Items([step])
    return ds


def _item(concept: str, meaning: str, scheme: str, value: str, named: str) -> Dataset:
    item = Dataset()
    item.ValueType = "CODE"
    item.ConceptNameCodeSequence = Items([code(concept, meaning, scheme)])
    item.ConceptCodeSequence = Items([code(value, named)])
    return item


def level(
    picture: np.ndarray,
    *,
    um: float = 0.5,
    size: int = 256,
    number: int = 1,
    kind: str = "VOLUME",
    stains: Sequence[tuple[str, str]] = (HAEMATOXYLIN, EOSIN),
    profile: bytes | None = None,
    sparse: bool = False,
    **changes: Any,
) -> Dataset:
    """Return one level as a native object; ``changes`` are attributes by keyword, None deletes."""
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = WSI, uid(5000 + number)
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = uid(51), uid(52), uid(53)
    ds.PatientID, ds.PatientName, ds.PatientBirthDate, ds.PatientSex = "S-SLIDE", "S-SLIDE", "", ""
    ds.StudyDate, ds.StudyTime, ds.AccessionNumber, ds.StudyID = "20200101", "120000", "", ""
    ds.ReferringPhysicianName = ""
    ds.ContentDate, ds.ContentTime = "20200101", "120000"
    ds.AcquisitionDateTime = "20200101120000"
    ds.Modality, ds.SeriesNumber, ds.InstanceNumber = "SM", 1, number
    ds.ImageType = ["ORIGINAL", "PRIMARY", kind, "NONE"]
    ds.Manufacturer, ds.ManufacturerModelName = "Maker", "Model"
    ds.DeviceSerialNumber, ds.SoftwareVersions = "1", "1"
    ds.PositionReferenceIndicator = "SLIDE_CORNER"
    ds.AcquisitionContextSequence = []
    ds.ContainerIdentifier = "K-1"
    ds.IssuerOfTheContainerIdentifierSequence = []
    ds.ContainerTypeCodeSequence = Items([code("433466003", "Microscope slide")])
    ds.SpecimenDescriptionSequence = Items([specimen(stains)])
    ds.VolumetricProperties, ds.FocusMethod, ds.ExtendedDepthOfField = "VOLUME", "AUTO", "NO"
    ds.SpecimenLabelInImage, ds.BurnedInAnnotation = "NO", "NO"
    ds.LossyImageCompression = "00"
    rows, columns = picture.shape[:2]
    ds.TotalPixelMatrixRows, ds.TotalPixelMatrixColumns = rows, columns
    ds.ImagedVolumeHeight, ds.ImagedVolumeWidth = rows * um / 1000, columns * um / 1000
    ds.ImagedVolumeDepth = 4.0
    ds.ImageOrientationSlide = [0.0, -1.0, 0.0, -1.0, 0.0, 0.0]
    origin = Dataset()
    origin.XOffsetInSlideCoordinateSystem = origin.YOffsetInSlideCoordinateSystem = 10.0
    ds.TotalPixelMatrixOriginSequence = Items([origin])
    ds.TotalPixelMatrixFocalPlanes = ds.NumberOfOpticalPaths = 1
    path = Dataset()
    path.OpticalPathIdentifier = "1"
    path.IlluminationTypeCodeSequence = Items([code("111744", "Brightfield illumination", "DCM")])
    path.IlluminationColorCodeSequence = Items([code("414298005", "Full Spectrum")])
    if profile:
        path.ICCProfile = profile
    ds.OpticalPathSequence = Items([path])
    tiles = tiles_of(picture, size)
    _write_groups(ds, um, size, tiles, sparse=sparse)
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PlanarConfiguration = 3, "RGB", 0
    ds.Rows = ds.Columns = size
    ds.BitsAllocated = ds.BitsStored = 8
    ds.HighBit, ds.PixelRepresentation = 7, 0
    ds.NumberOfFrames = len(tiles)
    ds.PixelData = b"".join(tile.tobytes() for tile in tiles)
    ds["PixelData"].VR = "OB"
    for keyword, value in changes.items():
        if value is None:
            delattr(ds, keyword)
        else:
            setattr(ds, keyword, value)
    return ds


def _write_groups(
    ds: Dataset, um: float, size: int, tiles: list[np.ndarray], *, sparse: bool
) -> None:
    organisation = Dataset()
    organisation.DimensionOrganizationUID = uid(54)
    ds.DimensionOrganizationSequence = Items([organisation])
    ds.DimensionOrganizationType = "TILED_SPARSE" if sparse else "TILED_FULL"
    measures, kind, path, shared = Dataset(), Dataset(), Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = [um / 1000, um / 1000], 0.004
    kind.FrameType = list(ds.ImageType)
    path.OpticalPathIdentifier = "1"
    shared.PixelMeasuresSequence = Items([measures])
    shared.WholeSlideMicroscopyImageFrameTypeSequence = Items([kind])
    shared.OpticalPathIdentificationSequence = Items([path])
    ds.SharedFunctionalGroupsSequence = Items([shared])
    if sparse:
        across = math.ceil(ds.TotalPixelMatrixColumns / size)
        groups = []
        for index in range(len(tiles)):
            plane, group = Dataset(), Dataset()
            plane.RowPositionInTotalImagePixelMatrix = index // across * size + 1
            plane.ColumnPositionInTotalImagePixelMatrix = index % across * size + 1
            group.PlanePositionSlideSequence = Items([plane])
            groups.append(group)
        ds.PerFrameFunctionalGroupsSequence = Items(groups)


def pyramid(picture: np.ndarray, levels: int = 3, *, um: float = 0.5, **changes: Any):
    """Return levels that halve the picture each time."""
    made = []
    for n in range(levels):
        made.append(level(picture, um=um * 2**n, number=n + 1, **changes))
        rows, columns = (side // 2 * 2 for side in picture.shape[:2])
        even = picture[:rows, :columns].reshape(rows // 2, 2, columns // 2, 2, 3)
        picture = np.rint(even.mean(axis=(1, 3))).astype(np.uint8)
    return made


def write(ds: Dataset, path: Path, *, syntax: str = ExplicitVRLittleEndian, quality: int = 90):
    """Write an object, its tiles as they are, as JPEG or as lossless JPEG 2000."""
    if syntax != ExplicitVRLittleEndian:
        size = ds.Rows * ds.Columns * 3
        raw = [ds.PixelData[n * size : (n + 1) * size] for n in range(ds.NumberOfFrames)]
        frames = []
        for data in raw:
            image = Image.frombytes("RGB", (ds.Columns, ds.Rows), data)
            buffer = io.BytesIO()
            if syntax == JPEGBaseline8Bit:
                image.save(buffer, "JPEG", quality=quality, subsampling=1)
                ds.PhotometricInterpretation = "YBR_FULL_422"
            else:
                image.save(buffer, "JPEG2000", irreversible=False, no_jp2=True)
                ds.PhotometricInterpretation = "YBR_RCT"
            frames.append(buffer.getvalue())
        ds.PixelData = encapsulate(frames)
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = syntax
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = WSI, ds.SOPInstanceUID
    path.parent.mkdir(parents=True, exist_ok=True)
    file = pydicom.FileDataset(str(path), ds, file_meta=meta, preamble=b"\0" * 128)
    pydicom.dcmwrite(path, file, enforce_file_format=True)
    return path


def write_all(datasets: Sequence[Dataset], folder: Path, **how: Any) -> list[Path]:
    """Write objects as ``0001.dcm``, ``0002.dcm``, ..."""
    return [write(ds, folder / f"{n:04d}.dcm", **how) for n, ds in enumerate(datasets, start=1)]


__all__ = ["JPEG2000Lossless", "JPEGBaseline8Bit", "level", "pyramid", "section", "write"]
