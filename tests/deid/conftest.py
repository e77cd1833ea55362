"""Builders of small DICOM objects, encoded and read back, as they would come from a scanner."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID

from config.library import find_policy
from config.policy import Policy
from deid.engine import Deidentifier, ReleasedDataset
from deid.identity import Identity
from deid.keys import Keys, derive_keys

MR = "1.2.840.10008.5.1.4.1.1.4"
EXPLICIT = "1.2.840.10008.1.2.1"
TOKEN = b"t" * 32


def build(
    sop_class: str = MR, modality: str = "MR", *, pixels: bool = True, **values: Any
) -> Dataset:
    """A minimal object; keyword arguments set attributes."""
    ds = Dataset()
    ds.SOPClassUID = sop_class
    ds.SOPInstanceUID = "1.2.826.0.1.3680043.9.7.1.1.1"
    ds.StudyInstanceUID = "1.2.826.0.1.3680043.9.7.1"
    ds.SeriesInstanceUID = "1.2.826.0.1.3680043.9.7.1.1"
    ds.Modality = modality
    ds.PatientName = "LEFEVRE^Elodie"
    ds.PatientID = "8001234567"
    ds.PatientBirthDate = "19570312"
    ds.PatientSex = "F"
    ds.StudyDate = "20180405"
    ds.StudyTime = "101112"
    ds.ImageType = ["ORIGINAL", "PRIMARY", "M"]
    if pixels:
        ds.Rows = ds.Columns = 2
        ds.BitsAllocated, ds.BitsStored, ds.HighBit = 16, 12, 11
        ds.SamplesPerPixel, ds.PixelRepresentation = 1, 0
        ds.PhotometricInterpretation = "MONOCHROME2"
        ds.PixelData = b"\x01\x00\x02\x00\x03\x00\x04\x00"
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    return ds


def encode(ds: Dataset, syntax: str = EXPLICIT) -> bytes:
    """The Part 10 bytes of an object."""
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = UID(syntax)
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    ds.preamble = b"LEFEVRE" + bytes(121)
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, ds, enforce_file_format=True)
    return buffer.getvalue()


def decode(data: bytes) -> Dataset:
    """An object read from bytes."""
    return pydicom.dcmread(io.BytesIO(data))


@pytest.fixture(scope="session")
def keys() -> Keys:
    return derive_keys(b"published test secret", "project")


@pytest.fixture(scope="session")
def make() -> Callable[..., Dataset]:
    """build, change, then encode and read back, so that elements lie raw as in a file."""

    def _make(
        *args: Any,
        syntax: str = EXPLICIT,
        change: Callable[[Dataset], Dataset] = lambda ds: ds,
        **values: Any,
    ) -> Dataset:
        return decode(encode(change(build(*args, **values)), syntax))

    return _make


@pytest.fixture(scope="session")
def part10() -> Callable[..., bytes]:
    """build, then encode: the bytes of a file."""

    def _part10(**values: Any) -> bytes:
        return encode(build(**values))

    return _part10


@pytest.fixture(scope="session")
def basic() -> Policy:
    return find_policy("basic")


@pytest.fixture(scope="session")
def research() -> Policy:
    return find_policy("research-longitudinal")


@pytest.fixture(scope="session")
def release(keys: Keys) -> Callable[..., ReleasedDataset]:
    """Release a dataset under a policy, with the identity it carries itself."""

    def _release(ds: Dataset, policy: Policy, identity: Identity = Identity()) -> ReleasedDataset:  # noqa: B008
        return Deidentifier(policy, keys).release(ds, token=TOKEN, identity=identity)

    return _release


@pytest.fixture(scope="session")
def reread(release: Callable[..., ReleasedDataset]) -> Callable[..., Dataset]:
    """Release, then read the released bytes."""

    def _reread(ds: Dataset, policy: Policy, identity: Identity = Identity()) -> Dataset:  # noqa: B008
        return decode(release(ds, policy, identity).to_bytes())

    return _reread
