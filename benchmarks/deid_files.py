"""The files of the de-identification benchmark: CT slices and mammograms, made and not found.

A CT slice has 264 elements: those of a real scanner's header, filled up with private elements of
one creator, and the values that vary from slice to slice vary. Names and numbers are invented.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

__all__ = ["CT_ELEMENTS", "make_ct", "make_mg"]

CT_ELEMENTS = 264
_CT = "1.2.840.10008.5.1.4.1.1.2"
_MG = "1.2.840.10008.5.1.4.1.1.1.2"
_ROOT = "1.2.826.0.1.3680043.9.7"
_CREATOR = "ACCORDAGE BENCH"
_PIXEL_DATA = 0x7FE00010


def make_ct(folder: Path, count: int, base: Path) -> None:
    """Write ``count`` slices of 512 x 512 with the header of the object at ``base``."""
    ds = pydicom.dcmread(base, stop_before_pixels=True)
    _identify(ds, "CT", _CT)
    ds.Rows = ds.Columns = 512
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 16, 12, 11
    ds.SamplesPerPixel, ds.PixelRepresentation = 1, 0
    ds.PhotometricInterpretation = "MONOCHROME2"
    block = ds.private_block(0x0057, _CREATOR, create=True)
    varying = 1  # pixels come last
    for number in range(CT_ELEMENTS - len(ds) - varying):
        block.add_new(number, ("LO", "DS", "IS", "US")[number % 4], _value(number))
    for index in range(count):
        _vary(ds, index)
        ds.add_new(_PIXEL_DATA, "OW", _noise(index) * 16384)
        if len(ds) != CT_ELEMENTS:
            raise SystemExit(f"{len(ds)} elements instead of {CT_ELEMENTS}")
        ds.save_as(folder / f"{index:04d}.dcm", enforce_file_format=True)


def make_mg(folder: Path, count: int) -> None:
    """Write ``count`` mammograms of 3328 x 2560."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    _identify(ds, "MG", _MG)
    ds.ImageType = ["ORIGINAL", "PRIMARY"]
    ds.Manufacturer, ds.ManufacturerModelName = "HOLOGIC, Inc.", "Selenia Dimensions"
    ds.PresentationIntentType = "FOR PRESENTATION"
    ds.Rows, ds.Columns = 3328, 2560
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 16, 12, 11
    ds.SamplesPerPixel, ds.PixelRepresentation = 1, 0
    ds.PhotometricInterpretation, ds.BurnedInAnnotation = "MONOCHROME2", "NO"
    for index in range(count):
        ds.SOPInstanceUID = f"{_ROOT}.2.{index}"
        ds.InstanceNumber = index
        ds.ViewPosition = ("CC", "MLO")[index % 2]
        ds.ImageLaterality = ("L", "R")[index // 2 % 2]
        ds.add_new(_PIXEL_DATA, "OW", _noise(index) * (3328 * 2560 // 16))
        ds.save_as(folder / f"{index:04d}.dcm", enforce_file_format=True)


def _identify(ds: Dataset, modality: str, sop_class: str) -> None:
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID, ds.Modality = sop_class, modality
    ds.StudyInstanceUID, ds.SeriesInstanceUID = f"{_ROOT}.1", f"{_ROOT}.1.{len(modality)}"
    ds.FrameOfReferenceUID = f"{_ROOT}.1.9"
    ds.PatientName, ds.PatientID = "LEFEVRE^Elodie", "8001234567"
    ds.PatientBirthDate, ds.PatientSex = "19570312", "F"
    ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = "20180405"
    ds.StudyTime, ds.AccessionNumber = "101112", "A2018040512"
    ds.ReferringPhysicianName, ds.InstitutionName = "MARTIN^Paul", "CHU DE BORDEAUX"


def _vary(ds: Dataset, index: int) -> None:
    """Give a slice its own instance, number, place and times, current and window."""
    ds.SOPInstanceUID = f"{_ROOT}.1.2.{index}"
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    ds.InstanceNumber = index + 1
    ds.ImagePositionPatient = ["-250.0", "-250.0", f"{-1.25 * index:.2f}"]
    ds.SliceLocation = f"{-1.25 * index:.2f}"
    ds.ContentTime = ds.AcquisitionTime = f"1012{index // 60 % 60:02d}.{index:06d}"
    ds.XRayTubeCurrent = 100 + index % 250
    ds.Exposure = 10 + index % 31
    ds.WindowCenter = 40 + index % 3


def _value(number: int) -> str | int:
    texts: tuple[str | int, ...] = (f"RECON MODE {number}", f"{number}.25", str(number), number)
    return texts[number % 4]


def _noise(index: int) -> bytes:
    return hashlib.sha256(str(index).encode()).digest()
