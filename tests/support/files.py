"""Small DICOM files for network tests: valid objects, invented people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

ROOT = "2.25.4242"


def write_instance(folder: Path, study: int, series: int, number: int, **values: Any) -> Path:
    """Write one 8 x 8 image; UIDs follow from the three numbers, ``values`` set attributes."""
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 100"
    ds.SOPClassUID = values.pop("SOPClassUID", MRImageStorage)
    ds.SOPInstanceUID = f"{ROOT}.{study}.{series}.{number}"
    ds.StudyInstanceUID = f"{ROOT}.{study}"
    ds.SeriesInstanceUID = f"{ROOT}.{study}.{series}"
    ds.PatientID = f"PID{study:03d}"
    ds.PatientName = "Lefèvre^Zoé"
    ds.PatientBirthDate = "19610203"
    ds.StudyDate = "20200115"
    ds.StudyTime = "101500"
    ds.AccessionNumber = f"ACC{study}"
    ds.StudyDescription = "IRM PROSTATE"
    ds.Modality = "MR"
    ds.SeriesNumber = series
    ds.InstanceNumber = number
    ds.Rows = ds.Columns = 8
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.BitsAllocated = ds.BitsStored = 16
    ds.HighBit = 15
    ds.PixelRepresentation = 0
    ds.PixelData = np.full((8, 8), number, "<u2").tobytes()
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{study}-{series}-{number}.dcm"
    ds.save_as(path, enforce_file_format=True)
    return path


def dataset_bytes(path: Path) -> bytes:
    """Return what follows the file meta group, by its group length (PS3.10 section 7.1)."""
    content = path.read_bytes()
    assert content[128:132] == b"DICM"
    # (0002,0000) UL 4 bytes: tag 4, VR 2, length 2, value 4
    assert content[132:140] == b"\x02\x00\x00\x00UL\x04\x00"
    return content[144 + int.from_bytes(content[140:144], "little") :]
