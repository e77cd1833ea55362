"""Small files written byte by byte or by pydicom, and a folder as the audit meets it."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID

CT = "1.2.840.10008.5.1.4.1.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"


def explicit(tag: int, vr: str, value: bytes) -> bytes:
    """An element, explicit VR little endian (PS3.5 7.1.2)."""
    value += b" " * (len(value) % 2)
    head = struct.pack("<HH", tag >> 16, tag & 0xFFFF) + vr.encode()
    if vr in {"OB", "OW", "SQ", "UN", "UT"}:
        return head + b"\0\0" + struct.pack("<L", len(value)) + value
    return head + struct.pack("<H", len(value)) + value


def part10(ds: Dataset, syntax: str = EXPLICIT) -> bytes:
    """The file of a data set."""
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = UID(syntax)
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, ds, enforce_file_format=True)
    return buffer.getvalue()


def released(**values: Any) -> Dataset:
    """An object as a good de-identifier leaves it; keyword arguments change it."""
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID, ds.SOPInstanceUID = CT, "2.25.111"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = "2.25.112", "2.25.113"
    ds.Modality, ds.PatientName, ds.PatientID = "CT", "S-0123456789", "S-0123456789"
    ds.StudyDate = "20170101"
    ds.PatientIdentityRemoved = "YES"
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "113100", "DCM", "Basic"
    moved = Dataset()
    moved.CodeValue, moved.CodingSchemeDesignator, moved.CodeMeaning = "113107", "DCM", "Moved"
    ds.DeidentificationMethodCodeSequence = [code, moved]
    ds.Rows = ds.Columns = 16
    ds.BitsAllocated = ds.BitsStored = 8
    ds.HighBit, ds.SamplesPerPixel, ds.PixelRepresentation = 7, 1, 0
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.PixelData = bytes(range(256))
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    return ds


def original(**values: Any) -> Dataset:
    """What it was before."""
    own: dict[str, Any] = {
        "SOPInstanceUID": "1.2.826.0.1.99.1", "StudyInstanceUID": "1.2.826.0.1.99.2",
        "SeriesInstanceUID": "1.2.826.0.1.99.3", "PatientName": "Quincampoix^Maëlle",
        "PatientID": "8001234567", "PatientBirthDate": "19570312", "StudyDate": "20180405",
        "AccessionNumber": "ACC998877", "InstitutionName": "CHU Pellegrin",
        "ReferringPhysicianName": "Trévières^Loïc", "PatientTelephoneNumbers": "05 56 12 34 56",
    }  # fmt: skip
    ds = released(**(own | values))
    del ds.PatientIdentityRemoved, ds.DeidentificationMethodCodeSequence
    return ds


@pytest.fixture
def folders(
    tmp_path: Path,
) -> Callable[[list[Dataset] | list[bytes], list[Dataset]], tuple[Path, Path]]:
    """Write released files and originals into two folders."""

    def write(after: Any, before: Any) -> tuple[Path, Path]:
        out, source = tmp_path / "out", tmp_path / "in"
        for folder, objects in ((out, after), (source, before)):
            folder.mkdir()
            for number, one in enumerate(objects):
                data = one if isinstance(one, bytes) else part10(one)
                (folder / f"{number}.dcm").write_bytes(data)
        return out, source

    return write
