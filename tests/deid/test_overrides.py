"""A site's own rules: each action, one SOP class, honest codes, and always a valid object."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pydicom.dataset import Dataset

from config.overrides import Override
from config.policy import Policy
from deid.explain import explain

CT, MR = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4"
PT = "1.2.840.10008.5.1.4.1.1.128"
Reread = Callable[..., Dataset]


def _policy(attribute: str, action: str, *options: str, **values: Any) -> Policy:
    reason = "agreed with the ethics board"
    own = Override(attribute=attribute, action=action, reason=reason, **values)  # type: ignore[arg-type]
    return Policy(name="own", options=options, overrides=(own,))  # type: ignore[arg-type]


def _codes(ds: Dataset) -> list[str]:
    return [i.CodeValue for i in ds.get("DeidentificationMethodCodeSequence", [])]


def test_keep_retains_what_the_profile_removes_and_the_profile_is_not_claimed(
    make: Callable[..., Dataset], reread: Reread
) -> None:
    """An object that keeps more than PS3.15 E.2 allows does not conform to it."""
    out = reread(make(StationName="MR2"), _policy("StationName", "keep"))
    assert out.StationName == "MR2"
    assert _codes(out) == []
    assert out.PatientIdentityRemoved == "YES"
    assert "not the Basic Profile" in out.DeidentificationMethod[3]


def test_the_profile_is_claimed_where_the_override_had_nothing_to_keep(
    make: Callable[..., Dataset], reread: Reread
) -> None:
    assert _codes(reread(make(), _policy("StationName", "keep"))) == ["113100"]


def test_keep_under_the_option_that_keeps_it_anyway_costs_nothing(
    make: Callable[..., Dataset], reread: Reread
) -> None:
    out = reread(make(StationName="MR2"), _policy("StationName", "keep", "113109"))
    assert out.StationName == "MR2"
    assert _codes(out)[:1] == ["113100"]


def test_a_kept_text_still_loses_the_study_s_identity(
    make: Callable[..., Dataset], reread: Reread
) -> None:
    policy = _policy("StationName", "keep")
    assert reread(make(StationName="MR2 LEFEVRE"), policy).StationName == "MR2"


def test_an_institution_that_an_override_keeps_is_not_hunted(
    make: Callable[..., Dataset], reread: Reread, basic: Policy
) -> None:
    ds = make(InstitutionName="Pellegrin", SoftwareVersions="E11 Pellegrin")
    out = reread(ds, _policy("InstitutionName", "keep"))
    assert (out.InstitutionName, out.SoftwareVersions) == ("Pellegrin", "E11 Pellegrin")
    assert reread(ds, basic).SoftwareVersions == "E11"


def test_the_institution_kept_for_one_class_is_hunted_in_no_text_of_the_study(
    make: Callable[..., Dataset], reread: Reread
) -> None:
    policy = _policy("InstitutionName", "keep", sop_classes=("CTImageStorage",))
    values = {"InstitutionName": "Pellegrin", "SoftwareVersions": "E11 Pellegrin"}
    assert reread(make(CT, "CT", **values), policy).InstitutionName == "Pellegrin"
    out = reread(make(MR, "MR", **values), policy)
    assert "InstitutionName" not in out
    assert out.SoftwareVersions == "E11 Pellegrin"


def test_clean_keeps_the_medical_words(make: Callable[..., Dataset], reread: Reread) -> None:
    policy = _policy("SeriesDescription", "clean")
    out = reread(make(SeriesDescription="T2 TSE LEFEVRE"), policy)
    assert out.SeriesDescription == "T2 TSE"
    assert _codes(out) == []


@pytest.mark.parametrize(
    ("sop_class", "modality", "action", "expected"),
    [
        # Series Date: Type 3 in General Series (PS3.3 C.7.3.1), Type 1 in PET Series (C.8.9.1)
        (MR, "MR", "remove", None),
        (PT, "PT", "remove", "19000101"),
        (MR, "MR", "empty", ""),
        (PT, "PT", "empty", "19000101"),
        (MR, "MR", "dummy", "19000101"),
    ],
)
def test_taking_away_follows_the_type_so_that_the_object_stays_valid(
    sop_class: str,
    modality: str,
    action: str,
    expected: str | None,
    make: Callable[..., Dataset],
    reread: Reread,
) -> None:
    ds = make(sop_class, modality, SeriesDate="20180405")
    out = reread(ds, _policy("SeriesDate", action, "113107"))
    assert out.get("SeriesDate") == expected
    assert "113100" in _codes(out)


def test_an_override_of_an_attribute_outside_the_table_acts_at_every_level(
    make: Callable[..., Dataset], reread: Reread
) -> None:
    inner = Dataset()
    inner.SequenceName = "tse"
    ds = make(SequenceName="tse", ViewCodeSequence=[inner])
    out = reread(ds, _policy("SequenceName", "remove"))
    assert "SequenceName" not in out
    assert "SequenceName" not in out.ViewCodeSequence[0]


def test_an_override_for_one_class_leaves_the_others(
    make: Callable[..., Dataset], reread: Reread
) -> None:
    policy = _policy("StationName", "keep", sop_classes=("CTImageStorage",))
    assert reread(make(CT, "CT", StationName="CT1"), policy).StationName == "CT1"
    out = reread(make(MR, "MR", StationName="MR2"), policy)
    assert "StationName" not in out
    assert _codes(out) == ["113100"]


def test_an_override_lets_one_more_attribute_stay_under_deny(
    make: Callable[..., Dataset], reread: Reread
) -> None:
    policy = _policy("SequenceName", "keep").model_copy(update={"unlisted": "deny"})
    out = reread(make(SequenceName="tse", ScanOptions="FS"), policy)
    assert out.SequenceName == "tse"
    assert _codes(out) == ["113100"]  # the table does not list it


def test_the_explanation_shows_the_override_and_its_reason() -> None:
    text = explain(_policy("StationName", "keep", sop_classes=(CT,)), CT)
    assert (
        "| StationName | keep | 1.2.840.10008.5.1.4.1.1.2 | agreed with the ethics board |" in text
    )
    assert "| kept | keep by this policy: agreed with the ethics board |" in text
    assert "keep by this policy" not in explain(_policy("StationName", "keep", sop_classes=(CT,)))


@pytest.mark.parametrize(
    ("oldest", "age", "expected"),
    [(89, "095Y", "090Y"), (79, "085Y", "080Y"), (None, "095Y", "095Y"), (79, "079Y", "079Y")],
)
def test_the_oldest_age_is_the_policy_s(
    oldest: int | None,
    age: str,
    expected: str,
    make: Callable[..., Dataset],
    reread: Reread,
) -> None:
    policy = Policy(name="own", options=("113108",), oldest_age_years=oldest)
    assert reread(make(PatientAge=age), policy).PatientAge == expected
