"""Every row of PS3.15 Table E.1-1 acts: at the top, two sequences deep, and in private ones."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag

from config.policy import Policy
from deid.tables import table_rows

CANARY = {
    "DA": "19991231", "TM": "235959", "DT": "19991231235959", "UI": "1.2.3.4.5.6.7.8.9.10.11",
    "PN": "KANARIENVOGEL^Xaver", "AS": "077Y", "DS": "77.7", "IS": "777", "US": 77, "AE": "KANARIE",
    "CS": "KANARIE", "SH": "KANARIENVOGEL", "OB": b"KANARIENVOGEL!", "OW": b"KANARIENVOGEL!",
    "UN": b"KANARIENVOGEL!", "UR": "http://kanarienvogel", "LO": "Kanarienvogel",
}  # fmt: skip
ROWS = [row for row in table_rows() if isinstance(row.tag, int) and row.tag >> 16 >= 8]


def _planted(tag: int) -> DataElement:
    vr = dictionary_VR(tag) if dictionary_has_tag(tag) else "LO"
    if vr == "SQ":
        item = Dataset()
        item.CodeMeaning = "Kanarienvogel"
        item.ReferencedSOPInstanceUID = CANARY["UI"]
        return DataElement(tag, "SQ", Sequence([item]))
    value = CANARY.get(vr, "Kanarienvogel")
    if tag in (0x00181002, 0x0018100B):
        value = f"{value}.{tag}"  # 113109 keeps device UIDs; elsewhere this one may not be seen
    if tag == 0x00100030:
        value = "19880704"  # a birth date is moved nowhere, so no other date may equal it
    return DataElement(tag, vr, value)


def _all_rows() -> Dataset:
    ds = Dataset()
    for row in ROWS:
        ds.add(_planted(int(row.tag)))
    ds.add_new(0x50020010, "LO", "Kanarienvogel")
    ds.add_new(0x60023000, "OW", b"KANARIENVOGEL!")
    ds.add_new(0x60024000, "LT", "Kanarienvogel")
    return ds


@pytest.fixture(scope="module")
def planted(make: Callable[..., Dataset]) -> Dataset:
    """All rows at the top, all rows two deep, all rows in a private sequence held to be safe."""
    ds = make(PatientAddress="x")
    top, deep, hidden = _all_rows(), _all_rows(), _all_rows()
    for element in top:
        if element.keyword == "EncapsulatedDocument":
            continue  # refuses the object, see test_broken
        if element.tag not in ds or element.tag == Tag("PatientAddress"):
            ds.add(element)
    outer, inner = Dataset(), Dataset()
    inner.AnatomicRegionSequence = [deep]
    outer.ViewCodeSequence = [inner]
    ds.ViewCodeSequence = [outer]
    block = ds.private_block(0x2001, "Philips Imaging DD 001", create=True)
    block.add_new(0x69, "SQ", [hidden])  # Display Shutter Sequence, PS3.15 Table E.3.10-1
    return ds


def _expectations() -> list[tuple[str, int]]:
    return [(row.basic, int(row.tag)) for row in ROWS]


def _holds(ds: Dataset, tag: int) -> bool:
    if tag not in ds:
        return False
    text = str(ds[tag].value).casefold()
    canaries = ("kanarie", "19991231", "19880704", "235959", "1.2.3.4.5.6", "077y", "77.7")
    return any(canary in text for canary in canaries) or ds[tag].value in (77, "777")


def test_the_table_shipped_is_the_reference_table(reference: Path) -> None:
    with (reference / "ps3_15_table_e1_1.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 656
    assert [(r["name"], r["basic_profile"]) for r in rows] == [
        (row.name, row.basic) for row in table_rows()
    ]


def _levels(out: Dataset) -> dict[str, Dataset]:
    levels = {
        "top": out,
        "two deep": out.ViewCodeSequence[0].ViewCodeSequence[0].AnatomicRegionSequence[0],
    }
    if (0x2001, 0x1069) in out:
        levels["private sequence"] = out[0x2001, 0x1069].value[0]
    return levels


def test_under_basic_no_row_keeps_its_value_at_any_level(
    planted: Dataset, basic: Policy, reread: Callable[..., Dataset]
) -> None:
    out = reread(planted, basic)
    assert 0x20010010 not in out
    for level, ds in _levels(out).items():
        kept = [hex(tag) for _, tag in _expectations() if _holds(ds, tag)]
        assert kept == [], f"{level}: {kept}"
        assert not any(tag.group & 0xFF00 in (0x5000, 0x6000) for tag in ds.keys())  # noqa: SIM118


def test_under_basic_x_is_gone_and_d_is_there(
    planted: Dataset, basic: Policy, reread: Callable[..., Dataset]
) -> None:
    for level, ds in _levels(reread(planted, basic)).items():
        for action, tag in _expectations():
            if action == "X":
                assert tag not in ds, f"{level} {tag:08X}"
            elif action in ("D", "U", "Z") and (tag, level) != (0x00420011, "top"):
                assert tag in ds, f"{level} {tag:08X}"
            if action in ("D", "U") and tag in ds:
                assert not ds[tag].is_empty, f"{level} {tag:08X}"


def test_with_safe_private_sequences_the_rows_still_act_inside_them(
    planted: Dataset, reread: Callable[..., Dataset]
) -> None:
    out = reread(planted, Policy(name="safe-private", options=("113111",)))
    levels = _levels(out)
    assert set(levels) == {"top", "two deep", "private sequence"}
    kept = [hex(t) for _, t in _expectations() if _holds(levels["private sequence"], t)]
    assert kept == []


def test_every_planted_date_moves_together_under_113107(
    planted: Dataset,
    research: Policy,
    release: Callable[..., object],
    reread: Callable[..., Dataset],
) -> None:
    shift = release(planted, research).shift_days  # type: ignore[attr-defined]
    assert shift > 0
    for level, ds in _levels(reread(planted, research)).items():
        dates = {
            ds[t].value[:8] for _, t in _expectations() if t in ds and ds[t].VR in ("DA", "DT")
        }
        dates -= {"", "19570312"}
        assert len(dates) <= 2, f"{level}: {dates}"  # the planted one, and StudyDate at the top
        assert "19991231" not in dates
