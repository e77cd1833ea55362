"""What lengths alone find at the front of a dataset is what pydicom reads there."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset, read_file_meta_info
from pydicom.filewriter import write_dataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from pipelines.acquire.dimse import read_header
from pipelines.acquire.front import front_elements
from pipelines.acquire.text import text, text_in

LAST = 0x0020000E
KEYWORDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID", "PatientID",
            "AccessionNumber", "StudyDate", "PatientName")  # fmt: skip
PLAIN = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)
VALUES = st.text("ABC 0123456789^\\", max_size=30)


def encoded(ds: Dataset, syntax: str) -> bytes:
    stream = DicomBytesIO()
    stream.is_little_endian = syntax != ExplicitVRBigEndian
    stream.is_implicit_VR = syntax == ImplicitVRLittleEndian
    write_dataset(stream, ds)
    return stream.getvalue()


def header(**values: str) -> Dataset:
    ds = Dataset()
    ds.SOPInstanceUID, ds.StudyInstanceUID, ds.SeriesInstanceUID = "1.2.3", "1.2", "1.2.4"
    ds.InstanceNumber = 1
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    return ds


@pytest.mark.parametrize("syntax", PLAIN)
@given(patient=VALUES, accession=VALUES, name=VALUES)
def test_the_values_are_those_pydicom_reads(
    syntax: str, patient: str, accession: str, name: str
) -> None:
    ds = header(PatientID=patient, AccessionNumber=accession[:16], PatientName=name)
    data = encoded(ds, syntax)
    found = front_elements(data, syntax, LAST)
    read = read_dataset(BytesIO(data), syntax == ImplicitVRLittleEndian, True)
    assert found is not None
    for tag, value in found.items():
        assert value == (read.get_item(tag).value or b"")
    for keyword in KEYWORDS:
        assert text_in(found, keyword) == text(read, keyword)


@pytest.mark.parametrize("charset", ["ISO_IR 100", "ISO_IR 192", "ISO_IR 101", ""])
def test_text_is_decoded_by_the_character_set_of_the_object(charset: str) -> None:
    ds = header(SpecificCharacterSet=charset, PatientID="Ab")
    for syntax in PLAIN:
        data = encoded(ds, syntax).replace(b"Ab", b"\xc3\xa9")
        found = front_elements(data, syntax, LAST)
        assert found is not None
        read = read_header(data, syntax, LAST)
        assert text_in(found, "PatientID") == text(read, "PatientID") != ""


@pytest.mark.parametrize("syntax", PLAIN)
def test_sequences_of_no_given_length_are_passed_over(syntax: str) -> None:
    inner, ds = header(PatientID="inner"), header(PatientID="outer")
    inner.ReferencedImageSequence = Sequence([Dataset(), header()])
    inner["ReferencedImageSequence"].is_undefined_length = True
    inner.is_undefined_length_sequence_item = True
    ds.ReferencedStudySequence = Sequence([inner, header()])
    ds["ReferencedStudySequence"].is_undefined_length = True
    found = front_elements(encoded(ds, syntax), syntax, LAST)
    assert found is not None
    assert text_in(found, "PatientID") == "outer"
    assert text_in(found, "SeriesInstanceUID") == "1.2.4"


def test_where_lengths_do_not_lead_there_nothing_is_said() -> None:
    whole = encoded(header(), ExplicitVRLittleEndian)
    assert front_elements(whole, ExplicitVRLittleEndian, LAST) is not None
    assert front_elements(whole[:40], ExplicitVRLittleEndian, LAST) is None
    assert front_elements(b"", ExplicitVRLittleEndian, LAST) is None
    assert front_elements(whole + whole, ExplicitVRLittleEndian, 0x00200013) is None
    assert front_elements(whole.replace(b"UI", b"??"), ExplicitVRLittleEndian, LAST) is None
    deep = (b"\x08\0\x10\x11" + b"\xff" * 4 + b"\xfe\xff\0\xe0" + b"\xff" * 4) * 5000
    assert front_elements(deep, ImplicitVRLittleEndian, LAST) is None
    big = encoded(header(), ExplicitVRBigEndian)
    assert front_elements(big, ExplicitVRBigEndian, LAST) is None


@pytest.mark.realdata
@pytest.mark.filterwarnings("ignore:Incorrect value for Specific Character Set")
def test_real_objects_are_called_what_pydicom_calls_them(realdata: Path) -> None:
    seen = 0
    for path in sorted(realdata.rglob("*.dcm")):
        try:
            meta = read_file_meta_info(path)
            syntax = str(meta.TransferSyntaxUID)
            start = 128 + 4 + 12 + int(meta.FileMetaInformationGroupLength)
            data = path.read_bytes()[start : start + (1 << 16)]
        except Exception:  # noqa: BLE001 - no Part 10 file
            continue
        found = front_elements(data, syntax, LAST)
        if found is None:
            continue
        read = read_header(data, syntax, LAST)
        assert [text_in(found, k) for k in KEYWORDS] == [text(read, k) for k in KEYWORDS]
        seen += 1
    assert seen > 400
