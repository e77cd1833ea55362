"""Each of the twelve options against its own column of PS3.15 Table E.1-1, read from the CSV."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from config.policy import Policy

COLUMNS = {
    "113103": "clean_graphics", "113104": "clean_structured", "113105": "clean_descriptors",
    "113106": "retain_full_dates", "113107": "retain_modified_dates",
    "113108": "retain_patient_chars", "113109": "retain_device", "113110": "retain_uids",
    "113112": "retain_institution",
}  # fmt: skip
TEXT = ("LO", "LT", "SH", "ST", "UC", "UT")
VALUES = {
    "DA": "19991231", "TM": "235959", "DT": "19991231235959", "UI": "1.2.3.4.5.6.7.8.9.10.11",
    "PN": "KANARIENVOGEL^Xaver", "AS": "077Y", "DS": "77.7", "IS": "777", "US": 77, "AE": "KANARIE",
    "CS": "KANARIE", "OB": b"KANARIENVOGEL!", "OW": b"KANARIENVOGEL!", "UN": b"KANARIENVOGEL!",
    "UR": "http://kanarienvogel",
}  # fmt: skip
OPTIONS = sorted(COLUMNS)
Reread = Callable[..., Dataset]


def _rows() -> list[dict[str, str]]:
    path = Path(__file__).resolve().parents[2] / "deid" / "data" / "ps3_15_table_e1_1.csv"
    lines = [line for line in path.read_text("utf-8").splitlines() if not line.startswith("#")]
    rows = []
    for row in csv.DictReader(lines):
        if "X" in row["tag"][:10] or "odd" in row["tag"]:
            continue
        tag = int(row["tag"][1:5] + row["tag"][6:10], 16)
        if tag >> 16 >= 8 and dictionary_has_tag(tag):
            rows.append(row | {"number": str(tag), "vr": dictionary_VR(tag)})
    return rows


ROWS = _rows()


def _planted(tag: int, vr: str, *, cleaned: bool) -> DataElement:
    if vr == "SQ":
        item = Dataset()
        item.CodeMeaning = "KANARIENVOGEL^Xaver"
        item.ReferencedSOPInstanceUID = VALUES["UI"]
        return DataElement(tag, "SQ", Sequence([item]))
    value = VALUES.get(vr, "T2 Kanarienvogel" if cleaned else f"W{tag:08X}")
    if tag in (0x00181002, 0x0018100B):
        value = f"{value}.{tag}"  # 113109 keeps device UIDs; elsewhere this one may not be seen
    if tag == 0x00100030:
        value = "19880704"  # a birth date is moved nowhere, so no other date may equal it
    if tag == 0x00080201:
        value = "+0100"
    return DataElement(tag, vr, value)


@pytest.fixture(scope="module")
def planted(make: Callable[..., Dataset]) -> Dataset:
    """Every row of the table at the top of one MR object."""
    ds = make()
    for row in ROWS:
        if row["keyword"] not in {"EncapsulatedDocument", "SpecificCharacterSet"}:
            cleaned = "C" in (row[COLUMNS[code]] for code in ("113105", "113108"))
            ds[int(row["number"])] = _planted(int(row["number"]), row["vr"], cleaned=cleaned)
    ds.PatientName, ds.PatientID = "KANARIENVOGEL^Xaver", "77001234567"
    return ds


@pytest.fixture(scope="module")
def outcomes(planted: Dataset, reread: Reread) -> dict[str, Dataset]:
    """The object released under each option alone."""
    return {code: reread(planted, Policy(name="one", options=(code,))) for code in OPTIONS}


def _text(ds: Dataset, tag: int) -> str:
    return str(ds[tag].value).casefold() if tag in ds else ""


def _is_date(row: dict[str, str]) -> bool:
    return bool(row["retain_full_dates"])


def _is_own(row: dict[str, str]) -> bool:
    return row["keyword"] in {"PatientName", "PatientID", "EncapsulatedDocument"}


@pytest.mark.parametrize("code", ["113108", "113109", "113110", "113112"])
def test_what_the_column_keeps_is_kept(
    code: str, planted: Dataset, outcomes: dict[str, Dataset]
) -> None:
    """Dates of devices follow the date options, so that (0028,0303) stays true."""
    kept = [r for r in ROWS if r[COLUMNS[code]] == "K" and not _is_date(r)]
    assert kept
    for row in kept:
        tag = int(row["number"])
        assert tag in outcomes[code], row["keyword"]
        if row["vr"] == "SQ":
            assert len(outcomes[code][tag].value) == 1
        else:
            assert outcomes[code][tag].value == planted[tag].value, row["keyword"]


@pytest.mark.parametrize("code", OPTIONS)
def test_what_no_column_of_the_option_names_meets_the_basic_profile(
    code: str, outcomes: dict[str, Dataset]
) -> None:
    for row in ROWS:
        if row[COLUMNS[code]] or _is_own(row):
            continue
        tag = int(row["number"])
        text = _text(outcomes[code], tag)
        canaries = ("t2", f"w{tag:08x}", "1999", "1988", "235959", "1.2.3.4.5.6.7", "077y")
        found = [canary for canary in canaries if canary in text]
        assert not found, f"{row['keyword']} under {code}"
        if row["basic_profile"] == "X":
            assert tag not in outcomes[code], f"{row['keyword']} under {code}"


@pytest.mark.parametrize("code", ["113105", "113104", "113103"])
def test_what_the_column_cleans_stays_without_the_name(
    code: str, outcomes: dict[str, Dataset]
) -> None:
    cleaned = [r for r in ROWS if r[COLUMNS[code]] == "C"]
    assert cleaned
    for row in cleaned:
        tag = int(row["number"])
        assert "kanarie" not in _text(outcomes[code], tag), row["keyword"]
        if row["keyword"] == "LabelText":  # a name by its purpose: nothing of it stays
            assert tag not in outcomes[code]
        elif row["vr"] in TEXT:
            assert outcomes[code][tag].value == "T2", row["keyword"]
        elif row["vr"] == "SQ":
            assert tag in outcomes[code], row["keyword"]


@pytest.mark.parametrize("code", ["113106", "113107"])
def test_dates_stay_or_move_together(
    code: str,
    planted: Dataset,
    outcomes: dict[str, Dataset],
    release: Callable[..., object],
) -> None:
    days = release(planted, Policy(name="one", options=(code,))).shift_days  # type: ignore[attr-defined]
    day = date(1999, 12, 31) - timedelta(days=days if code == "113107" else 0)
    for row in (r for r in ROWS if r[COLUMNS[code]]):
        tag, vr = int(row["number"]), row["vr"]
        if vr in ("DA", "DT"):
            assert outcomes[code][tag].value[:8] == day.strftime("%Y%m%d"), row["keyword"]
        elif vr == "TM":
            assert outcomes[code][tag].value == "235959", row["keyword"]


@pytest.mark.parametrize("code", ["113101"])
def test_a_step_that_cannot_run_on_headers_changes_nothing_and_claims_nothing(
    code: str, make: Callable[..., Dataset], reread: Reread
) -> None:
    ds = make(SeriesDescription="T2", BurnedInAnnotation="NO")
    plain, asked = reread(ds, Policy(name="one")), reread(ds, Policy(name="one", options=(code,)))
    del plain.DeidentificationMethod, asked.DeidentificationMethod
    assert plain == asked
    assert [item.CodeValue for item in asked.DeidentificationMethodCodeSequence] == ["113100"]


def test_113111_keeps_what_table_e_3_10_1_lists(
    make: Callable[..., Dataset], reread: Reread
) -> None:
    def add(ds: Dataset) -> Dataset:
        block = ds.private_block(0x2001, "Philips Imaging DD 001", create=True)
        block.add_new(0x03, "FL", 800.0)  # Diffusion B-Factor, PS3.15 Table E.3.10-1
        ds.private_block(0x0029, "NOBODY KNOWS", create=True).add_new(0x01, "LO", "x")
        return ds

    out = reread(make(change=add), Policy(name="one", options=("113111",)))
    assert out[0x2001, 0x1003].value == 800.0
    assert not any(tag.group == 0x0029 for tag in out.keys())  # noqa: SIM118
    assert (0x2001, 0x1003) not in reread(make(change=add), Policy(name="one"))


@pytest.mark.parametrize("code", OPTIONS)
def test_the_code_of_the_option_is_the_only_one_beside_the_profile(
    code: str, outcomes: dict[str, Dataset]
) -> None:
    codes = {item.CodeValue for item in outcomes[code].DeidentificationMethodCodeSequence}
    assert codes == {"113100", code}
