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


@pytest.mark.parametrize(
    ("made", "outcome", "code"),
    [
        ([series(nifti=None)], "released", "RELEASED"),
        ([series(nifti=None, rejected=True)], "rejected", "REJECTED"),
        ([series(nifti="v.nii.gz", rejected=True)], "rejected", "REJECTED"),
    ],
)
def test_a_slide_is_delivered_and_rejected_as_a_volume_is(made, outcome, code):
    found = account(*made)

    assert (found.outcome, found.code) == (outcome, code)
    assert explain_code(found.code).en
