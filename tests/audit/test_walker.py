"""The audit's walker: every value at every level, however its length is written."""

from __future__ import annotations

import struct
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import UID

from pipelines.audit.harvest import leaves
from pipelines.audit.part10 import open_part10, split
from pipelines.audit.walker import BrokenDataSet, walk
from tests.audit.conftest import explicit, part10, released

ITEM, ITEM_END, END = b"\xfe\xff\x00\xe0", b"\xfe\xff\x0d\xe0\0\0\0\0", b"\xfe\xff\xdd\xe0\0\0\0\0"
UNDEFINED = b"\xff\xff\xff\xff"


def paths(data: bytes, **how: bool) -> list[str]:
    return [leaf.path for leaf in walk(data, 0, len(data), implicit=how.get("implicit", False))]


def test_a_sequence_of_undefined_length_holds_its_items_and_what_follows_is_found() -> None:
    inner = explicit(0x00100010, "PN", b"A^B")
    data = explicit(0x00081140, "SQ", b"")[:8] + UNDEFINED
    data += ITEM + UNDEFINED + inner + ITEM_END + END + explicit(0x00200010, "SH", b"1")
    assert paths(data) == ["<(0008,1140)>[<0000>]<(0010,0010)>", "<(0020,0010)>"]


def test_a_sequence_that_travels_as_un_is_read_as_implicit_vr() -> None:
    """PS3.5 6.2.2 note 4: a UN sequence of defined length is implicit VR little endian inside."""
    inner = struct.pack("<HHL", 0x0010, 0x0010, 4) + b"A^B "
    value = ITEM + struct.pack("<L", len(inner)) + inner
    assert paths(explicit(0x00091010, "UN", value)) == ['<(0009,"",10)>[<0000>]<(0010,0010)>']


def test_a_private_element_is_named_by_its_creator_in_capitals() -> None:
    data = explicit(0x00290010, "LO", b"Some Lab") + explicit(0x00291042, "LO", b"x")
    assert paths(data) == ["<(0029,0010)>", '<(0029,"SOME LAB",42)>']


def test_fragments_of_encapsulated_pixels_are_items() -> None:
    data = explicit(0x7FE00010, "OB", b"")[:8] + UNDEFINED
    data += ITEM + struct.pack("<L", 0) + ITEM + struct.pack("<L", 2) + b"ab" + END
    found = list(walk(data, 0, len(data), implicit=False))
    assert [(leaf.fragment, leaf.end - leaf.start) for leaf in found] == [(True, 0), (True, 2)]


@pytest.mark.parametrize("cut", [3, 9, 13])
def test_what_breaks_off_says_where(cut: int) -> None:
    data = explicit(0x00100010, "PN", b"A^B ") + explicit(0x00100020, "LO", b"1234")
    with pytest.raises(BrokenDataSet):
        list(walk(data[:-cut], 0, len(data) - cut, implicit=False))


def test_a_sequence_nested_too_deep_is_refused_and_does_not_exhaust_the_stack() -> None:
    data = b""
    for _ in range(80):
        data = explicit(0x00081140, "SQ", ITEM + struct.pack("<L", len(data)) + data)
    with pytest.raises(BrokenDataSet):
        list(walk(data, 0, len(data), implicit=False))


@pytest.mark.parametrize(
    "syntax",
    ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"],
)
def test_every_native_syntax_gives_the_same_values(syntax: str) -> None:
    inner = Dataset()
    inner.PatientID = "inner"
    ds = released(OtherPatientIDsSequence=[inner])
    ds.set_original_encoding(UID(syntax).is_implicit_VR, UID(syntax).is_little_endian)
    part = split(part10(ds, syntax))
    assert part is not None
    found, broken = leaves(part)
    values = {leaf.path: bytes(part.body[leaf.start : leaf.end]) for leaf in found}
    assert broken is None
    assert values["<(0010,1002)>[<0000>]<(0010,0020)>"] == b"inner "


@pytest.mark.realdata
@pytest.mark.filterwarnings("ignore")
def test_it_finds_what_pydicom_finds_in_real_files(realdata: Path) -> None:
    """pydicom is the referee: the same number of values that are no sequence, at every level."""

    def count(ds: Dataset) -> int:
        own = [ds.get_item(tag) for tag in ds.keys()]  # noqa: SIM118
        nested = [item for e in own if e.VR == "SQ" for item in ds[e.tag].value]
        return sum(e.VR != "SQ" for e in own) + sum(map(count, nested))

    compared = 0
    for path in sorted(realdata.glob("[CMPRS]*/**/*.dcm"))[::12]:
        part = open_part10(path)
        ds = pydicom.dcmread(path)
        if part is None or ds.file_meta.TransferSyntaxUID.is_implicit_VR:
            continue
        found, broken = leaves(part)
        if any(e.VR == "UN" for e in ds.iterall() if e.tag.is_private):
            continue  # pydicom leaves a UN sequence closed
        ours = sum(not leaf.fragment for leaf in found)
        ours += any(leaf.fragment for leaf in found)
        assert (broken, ours) == (None, count(ds)), path.name
        compared += 1
    assert compared >= 15
