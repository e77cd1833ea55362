"""Synthetic DICOM for the harmonise tests: built in memory, written as Part 10 files.

Every builder takes the attribute that a test is about as a keyword, so that a test says only what
matters. Values are deterministic; UIDs are the arc 1.2.826.0.1.3680043.8.498 and a number.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import ExplicitVRLittleEndian

ARC = "1.2.826.0.1.3680043.8.498"
AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
SAGITTAL = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)
CORONAL = (1.0, 0.0, 0.0, 0.0, 0.0, -1.0)

MR = "1.2.840.10008.5.1.4.1.1.4"
ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.4.1"
CT = "1.2.840.10008.5.1.4.1.1.2"
PT = "1.2.840.10008.5.1.4.1.1.128"
MG_PRESENTATION = "1.2.840.10008.5.1.4.1.1.1.2"
US = "1.2.840.10008.5.1.4.1.1.6.1"
US_MULTI_FRAME = "1.2.840.10008.5.1.4.1.1.3.1"
MG_TOMOSYNTHESIS = "1.2.840.10008.5.1.4.1.1.13.1.3"
MG_PROCESSING = "1.2.840.10008.5.1.4.1.1.1.2.1"

PerSlice = Callable[[int, Dataset], None]


def uid(number: int) -> str:
    """Return a UID of the tests' arc."""
    return f"{ARC}.{number}"


def add_private(ds: Dataset, group: int, creator: str, element: int, vr: str, value: Any) -> None:
    """Add a private element in the creator's block, made where there is none."""
    ds.private_block(group, creator, create=True).add_new(element, vr, value)


def add_private_bytes(
    ds: Dataset, group: int, creator: str, element: int, value: bytes, *, block: int = 0x10
) -> None:
    """Add a private element as UN bytes in a block of one's choice, as an archive rewrites it."""
    ds.add_new((group, block), "LO", creator)
    ds.add_new((group, block << 8 | element), "UN", value)


def float_bytes(*values: float) -> bytes:
    """Return the little-endian bytes of VR FL."""
    return struct.pack(f"<{len(values)}f", *values)


def double_bytes(*values: float) -> bytes:
    """Return the little-endian bytes of VR FD."""
    return struct.pack(f"<{len(values)}d", *values)


def csa_bytes(tags: dict[str, list[str]], *, magic: bool = True) -> bytes:
    """Return a CSA header as the scanner writes one: SV10, or the older form without a magic."""
    out = b"SV10\4\3\2\1" if magic else b""
    out += struct.pack("<ii", len(tags), 77)
    first = len(next(iter(tags.values())))
    for name, values in tags.items():
        out += struct.pack("<64si4siii", name.encode(), len(values), b"FD", 4, len(values), 77)
        for value in values:
            raw = value.encode() + b"\0"
            size = len(raw)
            lengths = (size, size, 77, size) if magic else (size + first, size, 77, size)
            out += struct.pack("<4i", *lengths) + raw + b"\0" * (-size % 4)
    return out


def image(values: np.ndarray, **changes: Any) -> Dataset:
    """Return a monochrome 16-bit image object with the identifiers every object needs."""
    ds = Dataset()
    ds.SOPClassUID = MR
    ds.SOPInstanceUID = uid(100)
    ds.StudyInstanceUID = uid(1)
    ds.SeriesInstanceUID = uid(10)
    ds.FrameOfReferenceUID = uid(2)
    ds.PatientID = "S-TEST"
    ds.PatientName = "TEST"
    ds.Modality = "MR"
    ds.Manufacturer = "SIEMENS"
    ds.ManufacturerModelName = "Skyra"
    ds.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND"]
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.BitsAllocated = 16
    ds.BitsStored = 16
    ds.HighBit = 15
    ds.PixelRepresentation = 1 if values.min() < 0 else 0
    ds.Rows, ds.Columns = values.shape[-2:]
    ds.PixelData = np.ascontiguousarray(
        values.astype("<i2" if ds.PixelRepresentation else "<u2")
    ).tobytes()
    return changed(ds, changes)


def changed(ds: Dataset, changes: dict[str, Any]) -> Dataset:
    """Set attributes by keyword; None deletes one."""
    for keyword, value in changes.items():
        if value is not None:
            setattr(ds, keyword, value)
        elif keyword in ds:
            delattr(ds, keyword)
    return ds


def write(ds: Dataset, path: Path) -> Path:
    """Write a Part 10 file, Explicit VR Little Endian."""
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    path.parent.mkdir(parents=True, exist_ok=True)
    ds.save_as(path, enforce_file_format=True)
    return path


def ramp(count: int, rows: int, columns: int) -> np.ndarray:
    """Return values that name their own index: 1000 x slice + 10 x row + column."""
    slices, lines, points = np.meshgrid(
        np.arange(count), np.arange(rows), np.arange(columns), indexing="ij"
    )
    return 1000 * slices + 10 * lines + points


def slices(
    count: int = 5,
    *,
    spacing_mm: float = 3.0,
    orientation: Sequence[float] = AXIAL,
    origin_mm: Sequence[float] = (-10.0, -20.0, -30.0),
    values: np.ndarray | None = None,
    shift_mm: Callable[[int], Sequence[float]] | None = None,
    keep: Iterable[int] | None = None,
    first_uid: int = 100,
    per_slice: PerSlice | None = None,
    **changes: Any,
) -> list[Dataset]:
    """Return the objects of one classic series, slices ascending along the normal.

    Parameters
    ----------
    count : int
        Slices of the full grid.
    shift_mm : callable, optional
        Displacement added to the position of slice ``i``, LPS millimetres.
    keep : iterable of int, optional
        Slices that are made; all where None.
    per_slice : callable, optional
        Changes each object in place, given its index.
    changes
        Attributes by keyword, for every object.
    """
    data = ramp(count, 6, 8) if values is None else values
    normal = np.cross(orientation[:3], orientation[3:])
    made = []
    for index in range(count) if keep is None else keep:
        place = np.asarray(origin_mm) + index * spacing_mm * normal
        if shift_mm is not None:
            place = place + np.asarray(shift_mm(index))
        ds = image(data[index])
        ds.SOPInstanceUID = uid(first_uid + index)
        ds.InstanceNumber = index + 1
        ds.ImagePositionPatient = [f"{value:.9g}"[:16] for value in place]
        ds.ImageOrientationPatient = [f"{value:.12g}"[:16] for value in orientation]
        ds.PixelSpacing = [2.0, 1.5]
        ds.SliceThickness = spacing_mm
        changed(ds, changes)
        if per_slice is not None:
            per_slice(index, ds)
        made.append(ds)
    return made


def write_all(datasets: Iterable[Dataset], folder: Path) -> list[Path]:
    """Write objects into a folder, one file each, and return the paths."""
    return [write(ds, folder / f"{n:04d}.dcm") for n, ds in enumerate(datasets)]


def t2w(count: int = 5, **changes: Any) -> list[Dataset]:
    """Return an axial T2 TSE series."""
    said = {
        "SeriesDescription": "t2_tse_tra",
        "ScanningSequence": "SE",
        "EchoTime": 104.0,
        "RepetitionTime": 4480.0,
    }
    return slices(count, **{**said, **changes})


def dwi(count: int = 5, b_value: float | None = 800.0, **changes: Any) -> list[Dataset]:
    """Return an axial diffusion series of one b-value in the public element; None leaves it out."""
    said = {
        "SeriesDescription": "ep2d_diff_tra",
        "ImageType": ["ORIGINAL", "PRIMARY", "DIFFUSION", "NONE"],
        "ScanningSequence": "EP",
        "EchoTime": 63.0,
        "RepetitionTime": 2700.0,
        "DiffusionBValue": b_value,
    }
    return slices(count, **{**said, **changes})


def adc(count: int = 5, **changes: Any) -> list[Dataset]:
    """Return an axial ADC map as Siemens makes it: integers, no unit."""
    said = {
        "SeriesDescription": "ep2d_diff_tra_ADC",
        "ImageType": ["DERIVED", "PRIMARY", "DIFFUSION", "ADC"],
        "ScanningSequence": "EP",
        "EchoTime": 63.0,
        "RepetitionTime": 2700.0,
    }
    return slices(count, **{**said, **changes})


def ct(count: int = 5, **changes: Any) -> list[Dataset]:
    """Return an axial CT series in Hounsfield units."""
    said = {
        "SOPClassUID": CT,
        "Modality": "CT",
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "RescaleSlope": 1,
        "RescaleIntercept": -1024,
        "RescaleType": "HU",
    }
    return slices(count, **{**said, **changes})


def nuclide(value: str, meaning: str) -> Items:
    """Return a RadionuclideCodeSequence of CID 18."""
    return Items([_item(CodeValue=value, CodingSchemeDesignator="SRT", CodeMeaning=meaning)])


def injection(**changes: Any) -> Items:
    """Return a RadiopharmaceuticalInformationSequence: 350 MBq of FDG at 11:00."""
    item = _item(
        Radiopharmaceutical="FDG",
        RadiopharmaceuticalStartTime="110000.00",
        RadiopharmaceuticalStartDateTime="20240305110000.00",
        RadionuclideTotalDose=3.5e8,
        RadionuclideHalfLife=6586.2,
        RadionuclideCodeSequence=nuclide("C-111A1", "^18^Fluorine"),
    )
    return Items([changed(item, changes)])


def pet(count: int = 5, **changes: Any) -> list[Dataset]:
    """Return an axial PET series in Bq/ml, corrected to the administration: 5000 Bq/ml is SUV 1."""
    said = {
        "PatientWeight": 70,
        "CorrectedImage": ["DECY", "ATTN", "SCAT"],
        "DecayCorrection": "ADMIN",
        "RadiopharmaceuticalInformationSequence": injection(),
        "SeriesDate": "20240305",
        "SeriesTime": "120000",
        "AcquisitionDate": "20240305",
        "AcquisitionTime": "120000",
        "FrameReferenceTime": 0,
        "ActualFrameDuration": 120000,
        "SOPClassUID": PT,
        "Modality": "PT",
        "ImageType": ["ORIGINAL", "PRIMARY"],
        "RescaleSlope": 1,
        "RescaleIntercept": 0,
        "Units": "BQML",
    }
    return slices(count, **{**said, **changes})


def enhanced_pet(count: int, **changes: Any) -> Dataset:
    """Return an Enhanced PET object in Bq/ml, frames acquired from 12:00 in steps of 5 minutes."""

    def times(index: int, group: Dataset) -> None:
        content = _item(
            FrameAcquisitionDateTime=f"2024030512{5 * index:02d}00",
            FrameReferenceDateTime=f"2024030512{5 * index + 1:02d}00",
            FrameAcquisitionDuration=120000.0,
        )
        group.FrameContentSequence = Items([content])
        group.RealWorldValueMappingSequence = real_world_map(2.0, 0.0, "Bq/ml")

    said = {
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.130",
        "Modality": "PT",
        "PatientWeight": 70,
        "RadiopharmaceuticalInformationSequence": injection(),
        "DecayCorrected": "YES",
        "AttenuationCorrected": "YES",
        "DecayCorrectionDateTime": "20240305120000",
        "SeriesDate": "20240305",
        "SeriesTime": "130000",
    }
    places = [(0.0, 0.0, 3.0 * index) for index in range(count)]
    values = ramp(count, 6, 8)
    return enhanced_mr(values, places_mm=places, per_frame=times, **{**said, **changes})


def mammogram(values: np.ndarray, **changes: Any) -> Dataset:
    """Return a mammogram for presentation: left breast, MLO, no VOI of its own."""
    ds = image(
        values,
        SOPClassUID=MG_PRESENTATION,
        SOPInstanceUID=uid(300),
        SeriesInstanceUID=uid(30),
        Modality="MG",
        Manufacturer="HOLOGIC, Inc.",
        ManufacturerModelName="Selenia Dimensions",
        FrameOfReferenceUID=None,
        ImageType=["DERIVED", "PRIMARY"],
        PresentationIntentType="FOR PRESENTATION",
        BitsStored=12,
        HighBit=11,
        ImagerPixelSpacing=[0.07, 0.07],
        EstimatedRadiographicMagnificationFactor=1.0,
        ImageLaterality="L",
        ViewPosition="MLO",
        PatientOrientation=["A", "FR"],
        PresentationLUTShape="IDENTITY",
        RescaleSlope=1,
        RescaleIntercept=0,
        RescaleType="US",
    )
    return changed(ds, changes)


def ultrasound(values: np.ndarray, regions: Sequence[Dataset] = (), **changes: Any) -> Dataset:
    """Return an ultrasound object of 8 bits.

    ``values`` has shape (rows, columns), (frames, rows, columns), or (rows, columns, 3) in RGB.
    """
    colour = values.shape[-1] == 3
    frames = values.shape[0] if values.ndim == 3 and not colour and values.shape[0] > 1 else 0
    ds = image(values[..., 0] if colour else values)
    ds.SOPClassUID = US_MULTI_FRAME if frames else US
    ds.SOPInstanceUID, ds.SeriesInstanceUID = uid(500), uid(50)
    ds.Modality, ds.Manufacturer, ds.ManufacturerModelName = "US", "ACME", "Sono"
    ds.ImageType = ["ORIGINAL", "PRIMARY", "ABDOMINAL"]
    del ds.FrameOfReferenceUID
    ds.BitsAllocated = ds.BitsStored = 8
    ds.HighBit, ds.PixelRepresentation = 7, 0
    if colour:
        ds.SamplesPerPixel, ds.PlanarConfiguration = 3, 0
        ds.PhotometricInterpretation = "RGB"
        ds.Rows, ds.Columns = values.shape[:2]
    if frames:
        ds.NumberOfFrames = frames
    ds.PixelData = values.astype(np.uint8).tobytes()
    if regions:
        ds.SequenceOfUltrasoundRegions = Items(list(regions))
    return changed(ds, changes)


def voi_lut(table: Sequence[int], *, first: int, bits: int, explanation: str = "NORMAL") -> Items:
    """Return a VOILUTSequence of one item (PS3.3 C.11.2)."""
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [len(table) % 65536, first, bits])
    item.LUTExplanation = explanation
    item.add_new("LUTData", "US", list(table))
    return Items([item])


def enhanced_mr(
    values: np.ndarray,
    *,
    places_mm: Sequence[Sequence[float]],
    orientation: Sequence[float] = AXIAL,
    per_frame: Callable[[int, Dataset], None] | None = None,
    slopes: Sequence[float] | None = None,
    **changes: Any,
) -> Dataset:
    """Return an Enhanced MR object, one frame a position (PS3.3 A.36.2, C.7.6.16)."""
    ds = image(
        values,
        SOPClassUID=ENHANCED_MR,
        NumberOfFrames=len(values),
        ImageType=["ORIGINAL", "PRIMARY", "M", "NONE"],
        SeriesDescription="t2_tse_tra",
        EchoPulseSequence="SPIN",
        EchoPlanarPulseSequence="NO",
    )
    shared = Dataset()
    shared.PlaneOrientationSequence = Items([_item(ImageOrientationPatient=list(orientation))])
    shared.PixelMeasuresSequence = Items([_item(PixelSpacing=[2.0, 1.5], SliceThickness=3.0)])
    shared.MREchoSequence = Items([_item(EffectiveEchoTime=104.0)])
    ds.SharedFunctionalGroupsSequence = Items([shared])
    frames = []
    for index, place in enumerate(places_mm):
        group = Dataset()
        group.PlanePositionSequence = Items([_item(ImagePositionPatient=list(place))])
        slope = 1.0 if slopes is None else slopes[index]
        group.PixelValueTransformationSequence = Items(
            [_item(RescaleSlope=slope, RescaleIntercept=0.0, RescaleType="US")]
        )
        if per_frame is not None:
            per_frame(index, group)
        frames.append(group)
    ds.PerFrameFunctionalGroupsSequence = Items(frames)
    return changed(ds, changes)


def _item(**values: Any) -> Dataset:
    return changed(Dataset(), values)


def real_world_map(slope: float, intercept: float, unit: str) -> Items:
    """Return a RealWorldValueMappingSequence of one linear map (PS3.3 C.7.6.16.2.11)."""
    code = _item(CodeValue=unit, CodingSchemeDesignator="UCUM", CodeMeaning=unit)
    return Items(
        [
            _item(
                RealWorldValueSlope=slope,
                RealWorldValueIntercept=intercept,
                LUTLabel="test",
                LUTExplanation="test",
                MeasurementUnitsCodeSequence=Items([code]),
            )
        ]
    )
