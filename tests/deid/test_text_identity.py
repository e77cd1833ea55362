"""What a study says of its people beside person names: staff codes, reports, sites."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pydicom.dataset import Dataset

from config.policy import Policy
from deid.identity import harvest_identity

SR = "1.2.840.10008.5.1.4.1.1.88.11"


def _code(value: str, meaning: str, scheme: str = "DCM") -> Dataset:
    ds = Dataset()
    ds.CodeValue, ds.CodingSchemeDesignator, ds.CodeMeaning = value, scheme, meaning
    return ds


def _text(code: str, meaning: str, text: str) -> Dataset:
    ds = Dataset()
    ds.RelationshipType, ds.ValueType, ds.TextValue = "CONTAINS", "TEXT", text
    ds.ConceptNameCodeSequence = [_code(code, meaning)]
    return ds


def _reported(ds: Dataset) -> Dataset:
    operator = Dataset()
    operator.InstitutionName = "Clinique Quincampoix"
    operator.PersonIdentificationCodeSequence = [_code("10003456789", "VASSEUR Anne", "RPPS")]
    ds.OperatorIdentificationSequence = [operator]
    ds.IssuerOfPatientID = "PELLEGRIN"
    ds.StudyDate = ds.ContentDate = "20180405"
    ds.ContentSequence = [
        _text("121030", "Subject ID", "Z9988776"),
        _text("121009", "Person Observer's Organization Name", "Centre Zorglub"),
        _text("121106", "Comment", "vu par A. Vasseur a Quincampoix, Zorglub, Z9988776"),
    ]
    return ds


@pytest.fixture
def report(make: Callable[..., Dataset]) -> Dataset:
    return make(SR, "SR", pixels=False, change=_reported)


def test_codes_of_staff_and_content_items_are_harvested(report: Dataset) -> None:
    identity = harvest_identity([report])
    assert "VASSEUR Anne" in identity.names
    assert {"10003456789", "Z9988776"} <= identity.ids
    assert {"Centre Zorglub", "Clinique Quincampoix", "PELLEGRIN"} <= identity.institutions
    assert identity.exam_dates == {"20180405"}


def test_what_they_name_is_hunted_in_the_report(
    report: Dataset, research: Policy, reread: Callable[..., Dataset]
) -> None:
    out = reread(report, research)
    assert out.ContentSequence[2].TextValue.split() == ["vu", "par", "a"]


@pytest.mark.filterwarnings("ignore")
def test_days_that_the_calendar_has_not_are_no_dates(make: Callable[..., Dataset]) -> None:
    ds = make(SeriesDescription="x")
    ds.add_new(0x00080021, "UN", b"99999999")
    ds.add_new(0x00080022, "UN", b"20180230")
    assert harvest_identity([ds]).dates == {"20180405"}
