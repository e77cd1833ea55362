"""Objects that are not what they should be: another patient's, or the same UID with other bytes."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

from pydicom.filereader import read_dataset
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian
from pynetdicom.dsutils import encode

from pipelines.acquire.archive.index import Entry

__all__ = ["foreign", "twin"]


def twin(entry: Entry) -> Entry:
    """Return the instance with its last byte changed: the same UIDs, other bytes."""
    data = bytearray(entry.dataset_bytes())
    data[-1] ^= 0x01
    return replace(entry, path=None, offset=0, data=bytes(data))


def foreign(entry: Entry) -> Entry:
    """Return the instance with another (0010,0020) Patient ID in its dataset."""
    is_implicit = entry.transfer_syntax_uid == ImplicitVRLittleEndian
    is_little = entry.transfer_syntax_uid != ExplicitVRBigEndian
    ds = read_dataset(
        BytesIO(entry.dataset_bytes()), is_implicit_VR=is_implicit, is_little_endian=is_little
    )
    ds.PatientID = f"{entry.first('PatientID')[:58]}-OTHER"
    encoded = encode(ds, is_implicit, is_little)
    assert encoded is not None, "what was decoded can be encoded"
    return replace(entry, path=None, offset=0, data=encoded)
