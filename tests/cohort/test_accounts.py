"""Accounts: what nobody could be shown is not delivered, and is not said to have been rejected."""

from __future__ import annotations

import pytest

from config.codes import explain_code
from pipelines.catalogue.research import StudyRow
from pipelines.cohort.accounts import SeriesAccount, _row


def series(*, nifti: str | None, rejected: bool = False) -> SeriesAccount:
    facts = {"nifti_path": nifti, "dicom_path": "S/1/v"}
    return SeriesAccount("R-1", "a", "v", "slide", "PASS", (), facts, "f", rejected=rejected)


def account(*made: SeriesAccount):
    row = StudyRow(
        row_id="R-1",
        project="p",
        site="a",
        outcome="harmonised",
        acquired_as="complete",
        detail="",
        expected=1,
        received=1,
        quarantined={},
    )
    return _row(row, made)


def test_what_the_reading_room_cannot_show_is_not_delivered():
    assert not series(nifti=None).delivered
    assert series(nifti="v.nii.gz").delivered


@pytest.mark.parametrize(
    ("made", "outcome", "code"),
    [
        ([series(nifti=None)], "refused", "NOT_SHOWN"),
        ([series(nifti=None), series(nifti="v.nii.gz")], "released", "RELEASED"),
        ([series(nifti="v.nii.gz", rejected=True)], "rejected", "REJECTED"),
    ],
)
def test_a_study_of_slides_alone_is_refused_and_not_rejected(made, outcome, code):
    found = account(*made)

    assert (found.outcome, found.code) == (outcome, code)
    assert explain_code(found.code).en
