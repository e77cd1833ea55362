"""Text out of raw bytes: right in each character set, silent on what is wrong."""

from __future__ import annotations

from io import BytesIO

import pytest
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset

from pipelines.acquire.text import text, texts


def element(group: int, number: int, vr: bytes, value: bytes) -> bytes:
    value += b" " * (len(value) % 2)
    head = group.to_bytes(2, "little") + number.to_bytes(2, "little") + vr
    return head + len(value).to_bytes(2, "little") + value


def parsed(charset: bytes, name: bytes) -> Dataset:
    encoded = element(8, 5, b"CS", charset) + element(16, 16, b"PN", name)
    return read_dataset(BytesIO(encoded), is_implicit_VR=False, is_little_endian=True)


@pytest.mark.filterwarnings("ignore:Unknown encoding")  # pydicom names the term, no value
@pytest.mark.parametrize(
    ("charset", "encoded", "expected"),
    [
        (b"ISO_IR 100", b"Lef\xe8vre^Zo\xe9", "Lefèvre^Zoé"),
        (b"ISO_IR 192", "Lefèvre^Zoé".encode(), "Lefèvre^Zoé"),
        (b"ISO_IR 144", b"\xbb\xee^\xb0", "Лю^А"),  # ISO 8859-5: BB=Л EE=ю B0=А
        (b"GB18030", "王^小东".encode("gb18030"), "王^小东"),  # PS3.5 Annex J
        # PS3.5 section H.3.1: Yamada^Tarou in ISO 2022 IR 87
        (
            b"\\ISO 2022 IR 87",
            b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B",
            "Yamada^Tarou=山田^太郎",
        ),
        (b"NO SUCH SET", b"Lef\xe8vre", "Lefèvre"),  # read as Latin-1 rather than refused
        (b"ISO_IR 192", b"Lef\xe8vre", "Lef�vre"),  # wrong bytes are replaced, not raised
    ],
)
def test_names_are_read_in_their_character_set(
    charset: bytes, encoded: bytes, expected: str
) -> None:
    assert text(parsed(charset, encoded), "PatientName") == expected


def test_an_absent_attribute_is_empty_text() -> None:
    assert text(Dataset(), "PatientID") == ""
    assert texts(Dataset(), "ModalitiesInStudy") == ()


def test_several_values_come_apart_without_padding() -> None:
    encoded = element(8, 0x61, b"CS", b"MR\\SR ")
    ds = read_dataset(BytesIO(encoded), is_implicit_VR=False, is_little_endian=True)
    assert texts(ds, "ModalitiesInStudy") == ("MR", "SR")


def test_a_value_that_is_set_reads_like_one_that_was_parsed() -> None:
    ds = Dataset()
    ds.ModalitiesInStudy = ["MR", "SR"]
    ds.PatientID = "P1"
    ds.SOPInstanceUID = "1.2.3"
    assert texts(ds, "ModalitiesInStudy") == ("MR", "SR")
    assert (text(ds, "PatientID"), text(ds, "SOPInstanceUID")) == ("P1", "1.2.3")


def test_an_overlong_value_gives_no_warning() -> None:
    """Warnings are errors here: pydicom's would quote the value."""
    encoded = element(8, 0x50, b"SH", b"A" * 40)  # SH holds 16
    ds = read_dataset(BytesIO(encoded), is_implicit_VR=False, is_little_endian=True)
    assert text(ds, "AccessionNumber") == "A" * 40
