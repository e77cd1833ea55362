"""Options of PS3.15 Annex E: what each retains or cleans, and codes only for what ran."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from pydicom.dataset import Dataset

from config.policy import Policy
from deid.engine import ReleasedDataset
from tests.support.content import content_item

Reread = Callable[..., Dataset]


def _policy(*options: str) -> Policy:
    return Policy(name="test", options=options)  # type: ignore[arg-type]


def _codes(ds: Dataset) -> set[str]:
    assert ds.PatientIdentityRemoved == "YES"
    assert all(
        item.CodingSchemeDesignator == "DCM" for item in ds.DeidentificationMethodCodeSequence
    )
    return {item.CodeValue for item in ds.DeidentificationMethodCodeSequence}


OPTION_CASES: list[tuple[str, dict[str, Any]]] = [
    ("113105", {"SeriesDescription": "T2 TSE AX"}),
    ("113106", {}),
    ("113107", {}),
    ("113108", {"PatientWeight": "71"}),
    ("113109", {"DeviceSerialNumber": "SN7"}),
    ("113110", {}),
    ("113112", {"InstitutionName": "CHU"}),
]


@pytest.mark.parametrize(("code", "values"), OPTION_CASES)
def test_a_code_is_written_when_its_option_ran(
    code: str, values: dict[str, Any], make: Callable[..., Dataset], reread: Reread
) -> None:
    assert _codes(reread(make(**values), _policy(code))) == {"113100", code}


@pytest.mark.parametrize("code", ["113101", "113103", "113104", "113105", "113109", "113111"])
def test_a_code_is_not_written_when_nothing_of_its_option_ran(
    code: str, make: Callable[..., Dataset], reread: Reread
) -> None:
    assert _codes(reread(make(), _policy(code))) == {"113100"}


@pytest.mark.parametrize(
    ("options", "expected"),
    [((), "REMOVED"), (("113107",), "MODIFIED"), (("113106",), "UNMODIFIED")],
)
def test_what_became_of_the_dates_is_said(
    options: tuple[str, ...], expected: str, make: Callable[..., Dataset], reread: Reread
) -> None:
    out = reread(make(), _policy(*options))
    assert out.LongitudinalTemporalInformationModified == expected


def test_an_object_without_dates_says_removed_even_under_113107(
    make: Callable[..., Dataset], reread: Reread
) -> None:
    out = reread(make(StudyDate="", StudyTime=""), _policy("113107"))
    assert out.LongitudinalTemporalInformationModified == "REMOVED"
    assert _codes(out) == {"113100"}


def test_the_method_names_the_policy_and_its_hash(
    make: Callable[..., Dataset], basic: Policy, reread: Reread
) -> None:
    program, name, version = reread(make(), basic).DeidentificationMethod
    assert (program, name) == ("Accordage", "basic")
    assert version.startswith("policy ")
    assert len(version) == len("policy ") + 16


def test_all_dates_of_an_object_move_by_the_shift_and_times_stay(
    make: Callable[..., Dataset],
    release: Callable[..., ReleasedDataset],
    reread: Reread,
    research: Policy,
) -> None:
    drug = Dataset()
    drug.RadiopharmaceuticalStartDateTime = "20180405084500.5+0200"
    drug.RadiopharmaceuticalStartTime = "084500"
    drug.RadionuclideTotalDose = "370000000"
    values: dict[str, Any] = {"RadiopharmaceuticalInformationSequence": [drug]}
    values |= {"SeriesDate": "20180405", "AcquisitionDate": "20180406"}
    values |= {"AcquisitionDateTime": "20180406000130", "TimezoneOffsetFromUTC": "+0200"}
    ds = make("1.2.840.10008.5.1.4.1.1.128", "PT", **values)
    days = timedelta(days=release(ds, research).shift_days)
    out = reread(ds, research)

    def moved(day: date) -> str:
        return (day - days).strftime("%Y%m%d")

    assert out.StudyDate == out.SeriesDate == moved(date(2018, 4, 5))
    assert out.AcquisitionDate == moved(date(2018, 4, 6))
    assert out.AcquisitionDateTime == moved(date(2018, 4, 6)) + "000130"
    item = out.RadiopharmaceuticalInformationSequence[0]
    assert item.RadiopharmaceuticalStartDateTime == moved(date(2018, 4, 5)) + "084500.5+0200"
    assert item.RadiopharmaceuticalStartTime == "084500"
    assert item.RadionuclideTotalDose == 370000000
    assert (out.StudyTime, out.TimezoneOffsetFromUTC) == ("101112", "+0200")
    assert out.PatientBirthDate == ""


def test_a_date_that_is_no_date_gets_the_basic_action(
    make: Callable[..., Dataset], reread: Reread
) -> None:
    def spoil(ds: Dataset) -> Dataset:
        ds.SeriesDate = "20180405"
        ds["SeriesDate"]._value = "ELODIE01"
        return ds

    out = reread(make(change=spoil), _policy("113107"))
    assert "SeriesDate" not in out  # Type 3 in MR


def test_a_time_that_is_no_time_does_not_pass(make: Callable[..., Dataset], reread: Reread) -> None:
    def spoil(ds: Dataset) -> Dataset:
        ds.StudyTime = "101112"
        ds["StudyTime"]._value = "DUPONT"
        return ds

    assert reread(make(change=spoil), _policy("113107")).StudyTime == ""


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        ("061Y", "061Y"),
        ("089Y", "089Y"),
        ("090Y", "090Y"),
        ("095Y", "090Y"),
        ("999M", "999M"),
        ("018M", "018M"),
    ],
)
def test_ages_over_89_become_90(
    age: str, expected: str, make: Callable[..., Dataset], reread: Reread
) -> None:
    assert reread(make(PatientAge=age), _policy("113108")).PatientAge == expected


def test_patient_and_staff_characteristics_stay_only_under_their_option(
    make: Callable[..., Dataset], reread: Reread, basic: Policy
) -> None:
    ds = make(PatientWeight="71", PatientAge="061Y", DeviceSerialNumber="SN7")
    assert "PatientWeight" not in reread(ds, basic)
    assert reread(ds, basic).PatientSex == ""
    out = reread(ds, _policy("113108"))
    assert (out.PatientWeight, out.PatientAge, out.PatientSex) == (71, "061Y", "F")
    assert "DeviceSerialNumber" not in out


def test_uids_are_equal_wherever_they_are_referenced(
    make: Callable[..., Dataset], reread: Reread, basic: Policy
) -> None:
    reference = Dataset()
    reference.ReferencedSOPClassUID = "1.2.840.10008.5.1.4.1.1.4"
    reference.ReferencedSOPInstanceUID = "1.2.826.0.1.3680043.9.7.1.1.1"
    series = Dataset()
    series.SeriesInstanceUID = "1.2.826.0.1.3680043.9.7.1.1"
    series.ReferencedInstanceSequence = [reference]
    out = reread(make(ReferencedSeriesSequence=[series]), basic)
    inner = out.ReferencedSeriesSequence[0]
    assert inner.SeriesInstanceUID == out.SeriesInstanceUID
    assert inner.ReferencedInstanceSequence[0].ReferencedSOPInstanceUID == out.SOPInstanceUID
    assert inner.ReferencedInstanceSequence[0].ReferencedSOPClassUID == "1.2.840.10008.5.1.4.1.1.4"


def test_frames_of_reference_have_a_key_of_their_own(
    make: Callable[..., Dataset], reread: Reread, basic: Policy
) -> None:
    same = "1.2.826.0.1.3680043.9.7.1"
    out = reread(make(FrameOfReferenceUID=same, StudyInstanceUID=same), basic)
    assert out.FrameOfReferenceUID != out.StudyInstanceUID


def test_uids_of_the_standard_stay(
    make: Callable[..., Dataset], reread: Reread, basic: Policy
) -> None:
    clock = "1.2.840.10008.15.1.1"  # Universal Coordinated Time, PS3.6 A
    assert (
        reread(make(SynchronizationFrameOfReferenceUID=clock), basic)[
            "SynchronizationFrameOfReferenceUID"
        ].value
        == clock
    )


def test_113110_keeps_uids(make: Callable[..., Dataset], reread: Reread) -> None:
    ds = make()
    assert reread(ds, _policy("113110")).SOPInstanceUID == ds.SOPInstanceUID


def test_structured_content_is_a_dummy_under_basic_and_a_cleaned_tree_under_113104(
    make: Callable[..., Dataset], reread: Reread, basic: Policy, research: Policy
) -> None:
    tree = [
        content_item("TEXT", TextValue="Lesion of Mme Lefevre on 05/04/2018, PSA 4.2"),
        content_item("PNAME", PersonName="GARNIER^Hubert"),
        content_item("DATE", Date="20180405"),
        content_item(
            "CONTAINER",
            ContentSequence=[content_item("TEXT", TextValue="vu par Dr Garnier: stable")],
        ),
    ]
    ds = make("1.2.840.10008.5.1.4.1.1.88.22", "SR", pixels=False, ContentSequence=tree)
    plain = reread(ds, basic)
    assert [i.TextValue for i in plain.ContentSequence] == ["REMOVED"]
    out = reread(ds, research)
    texts = [out.ContentSequence[0].TextValue, out.ContentSequence[3].ContentSequence[0].TextValue]
    assert all(word not in text for text in texts for word in ("efevre", "arnier", "2018"))
    assert "PSA 4.2" in texts[0]
    assert "stable" in texts[1]
    assert out.ContentSequence[1].PersonName == "REMOVED"
    assert out.ContentSequence[2].Date != "20180405"
    assert {"113104", "113107"} <= _codes(out)


def test_a_key_object_keeps_its_references_under_basic(
    make: Callable[..., Dataset], reread: Reread, basic: Policy
) -> None:
    reference, text = Dataset(), Dataset()
    image = Dataset()
    image.ReferencedSOPClassUID = "1.2.840.10008.5.1.4.1.1.4"
    image.ReferencedSOPInstanceUID = "1.2.3.4.5.6.7"
    reference.RelationshipType, reference.ValueType = "CONTAINS", "IMAGE"
    reference.ReferencedSOPSequence = [image]
    text.RelationshipType, text.ValueType, text.TextValue = "CONTAINS", "TEXT", "for Dr Garnier"
    ds = make(
        "1.2.840.10008.5.1.4.1.1.88.59", "KO", pixels=False, ContentSequence=[text, reference]
    )
    out = reread(ds, basic)
    assert [item.ValueType for item in out.ContentSequence] == ["IMAGE"]


def test_two_releases_of_one_object_are_the_same_bytes(
    make: Callable[..., Dataset], release: Callable[..., ReleasedDataset], research: Policy
) -> None:
    values = {"SeriesDescription": "T2 LEFEVRE", "PatientAge": "061Y"}
    assert (
        release(make(**values), research).to_bytes() == release(make(**values), research).to_bytes()
    )


def test_the_source_keeps_its_values(
    make: Callable[..., Dataset], release: Callable[..., ReleasedDataset], basic: Policy
) -> None:
    ds = make(SeriesDescription="T2 LEFEVRE")
    release(ds, basic)
    assert (ds.PatientName, ds.SeriesDescription) == ("LEFEVRE^Elodie", "T2 LEFEVRE")
