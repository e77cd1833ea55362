"""Files that are not what they should be: read to a bound, or refused with a code."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID

from config.errors import UnreadableObject
from pipelines.prepare import read
from pipelines.prepare.peek import Peeker
from pipelines.prepare.read import read_header, read_object

EXPLICIT, DEFLATED = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99"
JPEG = "1.2.840.10008.1.2.4.50"


def _bytes(syntax: str = EXPLICIT, **values: object) -> bytes:
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.4", "1.2.3.1"
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.PatientID = "1.2.3", "1.2.3.0", "P"
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = UID(syntax)
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, ds, enforce_file_format=True)
    return buffer.getvalue()


def _code(path: Path) -> str:
    def read_both() -> None:
        read_header(path)
        read_object(path)

    with pytest.raises(UnreadableObject) as caught:
        read_both()
    return caught.value.code


def test_a_header_value_of_three_gigabytes_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "large.dcm"
    size = 3 << 30
    with path.open("wb") as stream:
        stream.write(_bytes())
        stream.write(struct.pack("<HH2sHL", 0x0042, 0x0011, b"OB", 0, size))
        stream.truncate(stream.tell() + size)  # sparse: no block of it is on the disk
    assert _code(path) == "DEID_TOO_LARGE"
    assert Peeker().peek(path).code == "DEID_TOO_LARGE"


def test_a_deflated_object_that_unpacks_without_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read, "_LARGEST_INFLATED_BYTES", 1 << 20)
    path = tmp_path / "bomb.dcm"
    path.write_bytes(_bytes(DEFLATED, TextValue="A" * (2 << 20)))
    assert path.stat().st_size < 1 << 14
    assert _code(path) == "DEID_TOO_LARGE"


@pytest.mark.parametrize("cut", [-1, -20])
def test_a_deflated_object_that_ends_early_is_refused(cut: int, tmp_path: Path) -> None:
    plain = _bytes(DEFLATED, ImageComments="".join(map(str, range(500))))
    path = tmp_path / "short.dcm"
    path.write_bytes(plain.rstrip(b"\0")[:cut])
    assert _code(path) in {"DEID_TRUNCATED", "FILE_UNREADABLE"}


def test_a_file_without_preamble_and_meta_group_is_read(tmp_path: Path) -> None:
    whole = _bytes()
    start = 144 + int.from_bytes(whole[140:144], "little")  # PS3.10 7.1
    path = tmp_path / "bare.dcm"
    path.write_bytes(whole[start:])
    assert read_header(path).PatientID == "P"
    assert read_object(path).SOPInstanceUID == "1.2.3.1"


@pytest.mark.parametrize("garbage", [b"", b"x" * 50, b"\0" * 5000, b"DICM" * 100])
def test_what_is_no_dicom_is_refused(garbage: bytes, tmp_path: Path) -> None:
    path = tmp_path / "other.dcm"
    path.write_bytes(garbage)
    assert _code(path) in {"FILE_UNREADABLE", "DEID_TRUNCATED"}


def test_a_file_that_ends_anywhere_before_its_end_is_refused(tmp_path: Path) -> None:
    pixels = encapsulate([b"\xff\xd8" + bytes(40) + b"\xff\xd9"])
    whole = _bytes(JPEG, Rows=2, Columns=2, PixelData=pixels)
    path = tmp_path / "cut.dcm"
    path.write_bytes(whole)
    read_object(path)
    ends = {e.file_tell for e in pydicom.dcmread(path) if e.file_tell}
    boundaries = {at for at in range(400, len(whole)) if _begins(whole, at, ends)}
    for at in set(range(400, len(whole))) - boundaries:
        path.write_bytes(whole[:at])
        assert _code(path) in {"FILE_UNREADABLE", "DEID_TRUNCATED"}, at


def _begins(data: bytes, at: int, values: set[int | None]) -> bool:
    """Tell whether an element begins at ``at``: to end there is to end between two elements."""
    return at + 8 in values or at + 12 in values


def test_a_dicomdir_is_named_as_one(tmp_path: Path) -> None:
    path = tmp_path / "DICOMDIR"
    path.write_bytes(_bytes(SOPClassUID="1.2.840.10008.1.3.10"))
    assert Peeker().peek(path).code == "DICOMDIR_NOT_RELEASED"


def test_the_bound_of_deflate_is_that_of_the_bytes_it_gives() -> None:
    stream = io.BytesIO(zlib.compressobj(wbits=-15).flush())
    read._require_bounded(stream)


def test_a_file_that_ends_anywhere_in_its_first_bytes_is_looked_at_without_a_fall(
    tmp_path: Path,
) -> None:
    """The meta group's length stands at 140 to 143 (PS3.10 7.1)."""
    data, path = _bytes(), tmp_path / "short.dcm"
    for end in range(128, 400):
        path.write_bytes(data[:end])
        peek = Peeker().look(path)
        assert peek is None or peek.code in {None, "FILE_UNREADABLE", "DEID_TRUNCATED"}, end
