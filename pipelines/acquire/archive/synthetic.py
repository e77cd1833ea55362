"""Studies that are in no file: small, exact, as many as a simulation needs."""

from __future__ import annotations

from dataclasses import dataclass

from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom.dsutils import encode

from pipelines.acquire.archive.index import Entry

__all__ = ["SyntheticStudy", "entries_of"]

_CLASSES = {
    "CT": "1.2.840.10008.5.1.4.1.1.2",
    "MR": "1.2.840.10008.5.1.4.1.1.4",
    "MG": "1.2.840.10008.5.1.4.1.1.1.2",
    "US": "1.2.840.10008.5.1.4.1.1.6.1",
}


@dataclass(frozen=True)
class SyntheticStudy:
    """A study of one series of square images; its UIDs follow from its own."""

    study_uid: str
    patient_id: str
    accession_number: str
    study_date: str
    study_time: str = "101500"
    modality: str = "CT"
    description: str = "SYNTHETIC"
    instances: int = 3
    side_px: int = 16
    """Rows and columns of an image of 16 bits."""

    def sop_uid(self, number: int) -> str:
        """Return the SOP Instance UID of an image, counted from 1."""
        return f"{self.study_uid}.1.{number}"


def entries_of(study: SyntheticStudy, *, with_pixels: bool = True) -> list[Entry]:
    """Return a study's instances.

    Parameters
    ----------
    with_pixels : bool
        False leaves out the dataset itself: enough for queries, nothing to retrieve.
    """
    return [_entry(study, number, with_pixels) for number in range(1, study.instances + 1)]


def _entry(study: SyntheticStudy, number: int, with_pixels: bool) -> Entry:  # noqa: FBT001
    sop_class = _CLASSES[study.modality]
    facts = {
        "SOPInstanceUID": study.sop_uid(number),
        "StudyDate": study.study_date,
        "StudyTime": study.study_time,
        "AccessionNumber": study.accession_number,
        "Modality": study.modality,
        "StudyDescription": study.description,
        "PatientID": study.patient_id,
        "StudyInstanceUID": study.study_uid,
        "SeriesInstanceUID": f"{study.study_uid}.1",
        "InstanceNumber": str(number),
        "Rows": str(study.side_px),
        "Columns": str(study.side_px),
        "BitsAllocated": "16",
        "SamplesPerPixel": "1",
    }
    attributes = {name: (value,) for name, value in (facts | {"SOPClassUID": sop_class}).items()}
    data = _encoded(facts, sop_class, study, number) if with_pixels else b""
    return Entry(sop_class, str(ExplicitVRLittleEndian), attributes, data=data)


def _encoded(facts: dict[str, str], sop_class: str, study: SyntheticStudy, number: int) -> bytes:
    ds = Dataset()
    ds.SOPClassUID = sop_class
    for name, value in facts.items():
        is_number = name in {"Rows", "Columns", "BitsAllocated", "SamplesPerPixel"}
        setattr(ds, name, int(value) if is_number else value)
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 15, 0
    pixel = (number * 257 % 65536).to_bytes(2, "little")
    ds.PixelData = pixel * study.side_px**2
    encoded = encode(ds, is_implicit_vr=False, is_little_endian=True)
    assert encoded is not None, "what was just built can be encoded"
    return encoded
