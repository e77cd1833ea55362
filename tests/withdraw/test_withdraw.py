"""A patient's opposition leaves no byte of them in the working areas, and says so."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from sqlalchemy import select

from config.errors import RejectedError
from pipelines.catalogue.identified import ReceivedObject, RequestRow
from pipelines.catalogue.research import (
    ExamView,
    Pack,
    Release,
    ResearchObject,
    SeriesResult,
    StudyRow,
)
from pipelines.cohort.release import release
from pipelines.stages import prepare
from pipelines.withdraw import withdraw as module
from pipelines.withdraw.withdraw import Receipt, withdraw
from pipelines.workspace import Workspace
from tests.withdraw.conftest import PROJECTS, read_all


def of_one_patient(ws: Workspace) -> dict[str, tuple[str, set[str]]]:
    """For each project the subject of one patient, and every UID by which it is known."""
    with ws.ledger.session() as session:
        patient = session.scalars(
            select(RequestRow.patient_id).where(RequestRow.subject.is_not(None))
        ).first()
        chosen = select(RequestRow).where(RequestRow.patient_id == patient)
        rows = {r.row_id: r.project for r in session.scalars(chosen)}
    found: dict[str, tuple[str, set[str]]] = {}
    with ws.catalogue.session() as session:
        for row_id, project in rows.items():
            row = session.get_one(StudyRow, row_id)
            if row.subject is None:
                continue
            names = {row.subject, str(row.study_uid)}
            for obj in session.scalars(
                select(ResearchObject).where(ResearchObject.row_id == row_id)
            ):
                names |= {obj.series_uid, obj.sop_uid, obj.sha256}
            subject, known = found.get(project, (row.subject, set()))
            assert subject == row.subject
            found[project] = (subject, known | names)
    assert set(found) == set(PROJECTS)
    return found


def naming(root: Path, names: set[str]) -> list[str]:
    """Search all of a folder, a whole file at a time, in paths and bytes."""
    found = []
    for path in (p for p in root.rglob("*") if p.is_file()):
        content = path.read_bytes()
        if any(n in path.as_posix() or n.encode() in content for n in names):
            found.append(path.relative_to(root).as_posix())
    return found


def pixels_of(ws: Workspace, project: str, subject: str) -> set[str]:
    """The digests of the files that a project's releases hold of a subject and of nobody else.

    Two patients' coverage may well be the same mask.
    """
    lines = [
        line
        for path in ws.research.cohorts(project).rglob("checksums.sha256")
        for line in path.read_text().splitlines()
    ]
    theirs = {line[:64] for line in lines if f"data/{subject}/" not in line}
    return {line[:64] for line in lines if f"data/{subject}/" in line} - theirs


def digests_in(root: Path) -> set[str]:
    from config.files import sha256_file

    return {sha256_file(p) for p in root.rglob("*") if p.is_file()}


def test_three_releases_of_two_projects_lose_every_byte_of_the_patient(ws: Workspace) -> None:
    patient = of_one_patient(ws)
    assert naming(ws.research.root, set.union(*(n for _, n in patient.values()))), "it is blind"
    pictures = set.union(*(pixels_of(ws, p, s) for p, (s, _) in patient.items()))
    assert pictures & digests_in(ws.research.root)
    receipts = {p: withdraw(ws, ws.project(p), subject) for p, (subject, _) in patient.items()}
    assert {p: r.closed_versions for p, r in receipts.items()} == {"tiny": (1, 2), "other": (1,)}
    for _, names in patient.values():
        assert naming(ws.research.root, names) == []
        assert naming(ws.identified.outgoing, names) == []
    assert not pictures & digests_in(ws.research.root)
    for receipt in receipts.values():
        assert receipt.files_left == 0
        assert receipt.files_searched > 0
        assert receipt.removed["objects"] > 0
        assert receipt.removed["volumes"] > 0


def test_the_other_patients_are_released_anew_and_their_files_are_the_same(ws: Workspace) -> None:
    (subject, _) = of_one_patient(ws)["other"]
    folder = ws.research.cohorts("other")
    before = {line for line in (folder / "v1" / "checksums.sha256").read_text().splitlines()
              if "data/" in line and subject not in line}  # fmt: skip
    receipt = withdraw(ws, ws.project("other"), subject)
    if receipt.next_version is None:  # another pair was drawn in place of theirs
        read_all(ws, "other")
        assert release(ws, ws.project("other")).version == 2
    after = (folder / "v2" / "checksums.sha256").read_text().splitlines()
    assert before == {line for line in after if "data/" in line}
    rows = pq.read_table(folder / "v2" / "requests.parquet").to_pylist()
    gone = [r for r in rows if r["outcome"] == "withdrawn"]
    assert [(r["subject"], r["code"]) for r in gone] == [(None, "WITHDRAWN")] * receipt.rows
    note = json.loads((folder / "v1" / "CLOSED.json").read_text())
    assert "Delete every copy" in note["closed"]


def test_the_receipt_names_nobody(ws: Workspace) -> None:
    subject, names = of_one_patient(ws)["tiny"]
    with ws.ledger.session() as session:
        row = session.scalars(select(RequestRow).where(RequestRow.project == "tiny")).first()
        assert row is not None
        who = {row.patient_id, row.accession_number, row.study_uid}
    withdraw(ws, ws.project("tiny"), subject)
    texts = [p.read_text() for p in (ws.research.root / "receipts").iterdir()]
    assert len(texts) == 2
    assert not [n for n in names | who for text in texts if n in text]
    assert any("Retrait de tiny" in text for text in texts)


def test_what_another_project_still_asks_for_stays_at_the_site_until_it_withdraws_too(
    ws: Workspace,
) -> None:
    patient = of_one_patient(ws)

    def received() -> int:
        with ws.ledger.session() as session:
            rows = session.scalars(select(ReceivedObject)).all()
            assert all(ws.identified.absolute(one.path).is_file() for one in rows)
            return len(rows)

    before = received()
    withdraw(ws, ws.project("tiny"), patient["tiny"][0])
    assert received() == before
    withdraw(ws, ws.project("other"), patient["other"][0])
    assert received() < before


def test_the_patient_is_neither_prepared_nor_taken_in_again(ws: Workspace) -> None:
    subject, names = of_one_patient(ws)["tiny"]
    with ws.ledger.session() as session:  # as if the site had not heard of it
        kept = {
            r.row_id: (r.outcome, r.subject, r.research_study_uid)
            for r in session.scalars(select(RequestRow).where(RequestRow.project == "tiny"))
        }
    withdraw(ws, ws.project("tiny"), subject)
    prepare(ws, ws.project("tiny"))
    with ws.ledger.session() as session:
        for row in session.scalars(select(RequestRow).where(RequestRow.project == "tiny")):
            row.outcome, row.deid_key = kept[row.row_id][0], None
    prepare(ws, ws.project("tiny"))
    with ws.catalogue.session() as session:
        assert session.scalars(select(StudyRow).where(StudyRow.subject == subject)).all() == []
        volumes = session.scalars(select(SeriesResult).where(SeriesResult.project == "tiny")).all()
        assert subject not in {v.manifest["subject"] for v in volumes}
    assert naming(ws.research.root, names) == []


def test_a_pair_that_was_read_and_left_the_sample_goes_too(ws: Workspace) -> None:
    with ws.catalogue.session() as session:
        packs = session.scalars(select(Pack)).all()
        drawn = next(one.volume_id for one in packs if one.project == "tiny")
        volumes = session.scalars(select(SeriesResult).where(SeriesResult.project == "tiny")).all()
        whose = {v.volume_id: v.manifest["subject"] for v in volumes}
        subject = whose[drawn]
        left = {one.sha256 for one in packs if whose.get(one.volume_id) == subject}
        for one in [*packs, *session.scalars(select(ExamView)).all()]:
            if one.sha256 in left:  # the other project's too: equal pixels are one pack
                session.delete(one)  # as `cohort build` does when it draws others
        kept = {one.sha256 for one in packs} - left
    withdraw(ws, ws.project("tiny"), subject)
    there = {path.name for path in ws.research.packs.iterdir()}
    assert left
    assert not left & there
    assert kept <= there


def test_one_interrupted_half_way_goes_on(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    subject, names = of_one_patient(ws)["tiny"]
    with monkeypatch.context() as broken:
        broken.setattr(module, "forget", lambda *_: (_ for _ in ()).throw(OSError("power cut")))
        with pytest.raises(OSError, match="power cut"):
            withdraw(ws, ws.project("tiny"), subject)
    withdraw(ws, ws.project("tiny"), subject)
    assert naming(ws.research.root, names) == []


def test_a_copy_that_somebody_made_by_hand_is_found_and_refused(ws: Workspace) -> None:
    subject, _ = of_one_patient(ws)["tiny"]
    source = next((ws.research.cohorts("tiny") / "v1" / "data" / subject).rglob("*.json"))
    shutil.copy(source, ws.research.root / "copy.json")
    with pytest.raises(RejectedError, match=r"WITHDRAWAL_INCOMPLETE.*1 of "):
        withdraw(ws, ws.project("tiny"), subject)
    (ws.research.root / "copy.json").unlink()


def test_a_subject_of_nobody_is_refused_and_changes_nothing(ws: Workspace) -> None:
    with pytest.raises(RejectedError, match="VAULT_UNKNOWN_SUBJECT"):
        withdraw(ws, ws.project("tiny"), "S-0000000000")
    with ws.catalogue.session() as session:
        assert all(r.closed_at is None for r in session.scalars(select(Release)))


def test_a_receipt_is_plain_values() -> None:
    assert Receipt.__dataclass_fields__.keys() >= {"files_searched", "files_left", "removed"}
