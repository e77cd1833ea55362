"""What readers said, as DICOM that dciodvfy and highdicom read."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from highdicom.sr import srread
from pydicom import dcmread

from pipelines.cohort.evidence import write_evidence
from pipelines.cohort.review import record_decision, review_items
from pipelines.workspace import Workspace
from tests.support.referees import all_dciodvfy_errors

from .conftest import reject


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*.dcm")
    }


@pytest.fixture
def evidence(ws: Workspace, tmp_path: Path) -> Path:
    items = review_items(ws.catalogue, "other")
    reject(ws, "other", items[0].sha256, "over-smoothed")
    record_decision(
        ws.catalogue, "other", items[0].sha256, reader="d.name", verdict="accept", simulated=True
    )
    found = write_evidence(ws, "other", tmp_path / "evidence")
    assert found == {"reports": len(items) + 1, "rejections": 1}
    return tmp_path / "evidence"


def test_reports_and_notes_are_valid_dicom(evidence: Path) -> None:
    one = next(evidence.rglob("*.ko.dcm"))
    assert all_dciodvfy_errors([one, *sorted(evidence.rglob("*.sr.dcm"))[:4]]) == set()


def test_a_note_says_rejected_for_quality_reasons_and_names_the_series(
    ws: Workspace, evidence: Path
) -> None:
    note = dcmread(next(evidence.rglob("*.ko.dcm")))
    title = note.ConceptNameCodeSequence[0]
    assert (title.CodeValue, title.CodingSchemeDesignator) == ("113001", "DCM")
    # (0040,A375): the study's and the series' objects that are rejected
    (series,) = note.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence
    volume = next(evidence.rglob("*.ko.dcm")).parent.name
    originals = [
        dcmread(path, stop_before_pixels=True)
        for path in ws.research.volumes("other").rglob(f"{volume}/*.dcm")
    ]
    assert {o.SOPInstanceUID for o in originals} == {
        ref.ReferencedSOPInstanceUID for ref in series.ReferencedSOPSequence
    }


def test_a_report_reads_back_with_its_verdict_and_names_nobody(evidence: Path) -> None:
    read = [srread(path) for path in sorted(evidence.rglob("*.sr.dcm"))]
    said = set()
    for report in read:
        (group,) = report.content.get_image_measurement_groups()
        said |= {e.value.value for e in group.get_qualitative_evaluations()}
    assert said == {"accept", "reject", "over-smoothed"}
    everything = b"".join(path.read_bytes() for path in evidence.rglob("*.dcm"))
    assert b"R1^" in everything
    assert b"d.name" not in everything


def test_the_same_reads_give_the_same_bytes(ws: Workspace, evidence: Path, tmp_path: Path) -> None:
    write_evidence(ws, "other", tmp_path / "again")
    assert digests(tmp_path / "again") == digests(evidence)
