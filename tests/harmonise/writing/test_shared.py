"""What the images of a series share is written once, and the bytes are those pydicom writes."""

from __future__ import annotations

import io
import tracemalloc

import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from harmonise.data import table
from harmonise.encode.header import inherited
from harmonise.encode.shared import Shared
from tests.harmonise import builders


def stored(ds: Dataset, syntax: str) -> Dataset:
    """A header as it comes from a file: its elements not yet parsed."""
    stream = io.BytesIO()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = syntax
    pydicom.dcmwrite(stream, ds, implicit_vr=syntax == ImplicitVRLittleEndian, little_endian=True)
    stream.seek(0)
    return pydicom.dcmread(stream, force=True, stop_before_pixels=True)


def header(index: int, syntax: str) -> Dataset:
    (ds,) = builders.t2w(1, SpecificCharacterSet="ISO_IR 100", StudyDescription="Prostate é")
    ds.AcquisitionTime = f"1200{index:02d}"
    item = Dataset()
    item.CodeValue = "1"
    builders.add_private(item, 0x0011, "SOMEBODY", 0x01, "LO", "private")
    ds.ProcedureCodeSequence = Items([item])
    return stored(ds, syntax)


def plainly(ds: Dataset) -> bytes:
    stream = io.BytesIO()
    pydicom.dcmwrite(stream, ds, implicit_vr=False, little_endian=True)
    return stream.getvalue()


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_the_bytes_are_those_pydicom_writes_of_the_same_object(syntax: str) -> None:
    shared = Shared()
    for index in range(3):
        shared.begin()
        ds = inherited(header(index, syntax), {}, shared)
        ds.ImageType = ["DERIVED", "SECONDARY", str(index)]
        ds.RepetitionTime = 1000 + index

        data = shared.encode(ds)

        alone = inherited(header(index, syntax), {})
        alone.ImageType = ["DERIVED", "SECONDARY", str(index)]
        alone.RepetitionTime = 1000 + index
        assert data == plainly(alone)
        assert b"private" not in data
        assert f"1200{index:02d}".encode() in data


def with_codes(meanings: list[str], *, undefined: bool) -> Dataset:
    (ds,) = builders.t2w(1)
    items = []
    for meaning in meanings:
        item = Dataset()
        item.CodeMeaning = meaning
        item.is_undefined_length_sequence_item = undefined
        items.append(item)
    ds.ProcedureCodeSequence = Items(items)
    ds["ProcedureCodeSequence"].is_undefined_length = undefined
    return stored(ds, ExplicitVRLittleEndian)


@pytest.mark.parametrize("undefined", [True, False])
def test_a_sequence_is_written_once_and_another_as_what_it_is(undefined: bool) -> None:
    shared = Shared()
    for meanings in (["A"], ["A"], ["A", "B"], ["AB"], []):
        shared.begin()
        ds = inherited(with_codes(meanings, undefined=undefined), {}, shared)
        alone = inherited(with_codes(meanings, undefined=undefined), {})
        assert shared.encode(ds) == plainly(alone)
        assert [item.CodeMeaning for item in ds.ProcedureCodeSequence] == meanings


def test_what_is_put_into_every_object_is_made_once_and_written_as_pydicom_does() -> None:
    shared, made = Shared(), []

    def make() -> Items:
        item = Dataset()
        item.CodeMeaning = "Resampling"
        made.append(item)
        return Items([item])

    for index in range(3):
        shared.begin()
        ds, alone = (inherited(header(index, ExplicitVRLittleEndian), {}) for _ in range(2))
        shared.put(ds, "DerivationCodeSequence", make)
        alone.DerivationCodeSequence = Items([made[0]])
        assert shared.encode(ds) == plainly(alone)
    assert len(made) == 1


def test_pixels_are_not_kept() -> None:
    shared = Shared()
    tracemalloc.start()
    for index in range(20):
        shared.begin()
        ds = inherited(header(index, ExplicitVRLittleEndian), {}, shared)
        ds.PixelData = bytes([index]) * 1_000_000
        ds["PixelData"].VR = "OW"
        shared.encode(ds)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 5_000_000


def test_what_one_object_sets_anew_is_not_seen_by_the_next_of_the_same_header() -> None:
    shared, source = Shared(), header(0, ExplicitVRLittleEndian)
    shared.begin()
    first = inherited(source, {}, shared)
    first.ImageType = ["DERIVED"]
    first.EchoTime = 1.0

    shared.begin()
    second = inherited(source, {}, shared)

    assert list(second.ImageType) == ["ORIGINAL", "PRIMARY", "M", "ND"]
    assert list(source.ImageType) == ["ORIGINAL", "PRIMARY", "M", "ND"]
    assert second.EchoTime == 104.0


def test_the_codes_of_derivations_are_those_of_cid_7203() -> None:
    """PS3.16; pydicom's dictionary, which takes too much memory to load, is the referee."""
    known = table("derived_attributes")["derivations"]

    assert set(known) == set(codes.cid7203.dir())
    for keyword, (value, meaning) in known.items():
        code = getattr(codes.cid7203, keyword)
        assert (code.value, code.scheme_designator, code.meaning) == (value, "DCM", meaning)
