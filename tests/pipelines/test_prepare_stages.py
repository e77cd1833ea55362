"""De-identify, hand over, harmonise, assemble: nothing twice, every refusal with a code."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from sqlalchemy import select

from config.errors import IdentityLeak, RejectedError
from config.files import sha256_file
from config.project import Review
from config.settings import load_settings
from pipelines.acquire.archive import Archive
from pipelines.catalogue import identified
from pipelines.catalogue.research import ExamView, Pack, ResearchObject, SeriesResult, StudyRow
from pipelines.cohort import twin_proof
from pipelines.cohort.assemble import assemble
from pipelines.cohort.controls import spoilt_of
from pipelines.cohort.release import draft_report, release
from pipelines.cohort.review import record_decision, review_items
from pipelines.demo.hospitals import World
from pipelines.prepare.harmonise import _settle
from pipelines.prepare.stage_deidentify import deidentify
from pipelines.prepare.stage_harmonise import harmonise
from pipelines.stages import acquire
from pipelines.status import status, tally
from pipelines.workspace import Workspace, open_workspace
from tests.support.installation import write_installation
from tests.support.twin import no_twin


def take(ws: Workspace) -> None:
    acquire(ws, ws.project("tiny"), ws.site("chu-atlas"))


def rows(ws: Workspace) -> list[StudyRow]:
    with ws.catalogue.session() as session:
        found = list(session.scalars(select(StudyRow).order_by(StudyRow.row_id)))
        session.expunge_all()
        return found


@pytest.fixture(scope="module")
def harmonised_home(tiny_world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder with everything harmonised, made once."""
    home = tmp_path_factory.mktemp("harmonised") / "home"
    settings = load_settings(home, {}).model_copy(update={"jobs": 1})
    with Archive(tiny_world.sites["chu-atlas"].files, "ATLAS") as archive:
        write_installation(settings, archive.port)
        with open_workspace(settings) as ws:
            take(ws)
            deidentify(ws, ws.project("tiny"), ws.site("chu-atlas"))
            harmonise(ws, ws.project("tiny"))
    return home


@pytest.fixture
def ready(proven: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A copy of that home, open; its releases are proven by no twin, which takes long."""
    monkeypatch.setattr("pipelines.cohort.release.prove", no_twin)
    return proven


@pytest.fixture
def proven(harmonised_home: Path, tmp_path: Path) -> Iterator[Workspace]:
    """A copy of that home, open: databases by value, the rest under a second name."""
    home = tmp_path / "home"
    shutil.copytree(harmonised_home, home, copy_function=link_files)
    with open_workspace(load_settings(home, {}).model_copy(update={"jobs": 1})) as ws:
        yield ws


def link_files(source: str, target: str) -> None:
    if source.endswith((".dcm", ".gz")):
        os.link(source, target)
    else:
        shutil.copy2(source, target)


def test_every_received_object_is_released_or_has_a_code(asking) -> None:
    with asking() as ws:
        take(ws)
        account = deidentify(ws, ws.project("tiny"), ws.site("chu-atlas"))
        with ws.ledger.session() as session:
            received = set(session.scalars(select(identified.ReceivedObject.sha256)))
            released = session.scalars(select(identified.ReleasedObject)).all()
            session.expunge_all()
        with ws.catalogue.session() as session:
            handed = session.scalars(select(ResearchObject.sha256)).all()
    assert account.done > 0
    assert {r.source_sha256 for r in released} == received
    assert all((r.sha256 is None) == (r.code is not None) for r in released)
    assert len(handed) == len({r.sha256 for r in released if r.sha256})


def test_the_objects_handed_over_are_the_bytes_their_digest_names(asking) -> None:
    with asking() as ws:
        take(ws)
        deidentify(ws, ws.project("tiny"), ws.site("chu-atlas"))
        with ws.catalogue.session() as session:
            digests = session.scalars(select(ResearchObject.sha256)).all()
        assert all(sha256_file(ws.research.object_path(d)) == d for d in digests)


def test_nothing_is_done_twice(ready: Workspace) -> None:
    project = ready.project("tiny")
    again = deidentify(ready, project, ready.site("chu-atlas"))
    assert (again.done, again.refused) == (0, {})
    second = harmonise(ready, project)
    assert (second.done, second.refused) == (0, {})
    assert second.skipped > 0


def test_another_policy_makes_everything_again(ready: Workspace) -> None:
    folder = ready.settings.config_root
    text = (folder / "projects" / "tiny.yaml").read_text()
    (folder / "projects" / "tiny.yaml").write_text(text.replace("research-longitudinal", "basic"))
    with ready.catalogue.session() as session:
        before = set(session.scalars(select(ResearchObject.sha256)))
    account = deidentify(ready, ready.project("tiny"), ready.site("chu-atlas"))
    with ready.catalogue.session() as session:
        after = set(session.scalars(select(ResearchObject.sha256)))
    assert account.done > 0
    assert not before & after


def test_an_object_of_another_patient_quarantines_the_study(asking) -> None:
    with asking() as ws:
        take(ws)
        with ws.ledger.session() as session:
            row = session.scalars(select(identified.RequestRow).limit(1)).one()
            row.patient_id = "SOMEBODY-ELSE"
            row_id = row.row_id
        deidentify(ws, ws.project("tiny"), ws.site("chu-atlas"))
        found = {r.row_id: r for r in rows(ws)}
    assert (found[row_id].outcome, found[row_id].code) == ("quarantined", "PATIENT_MISMATCH")
    assert found[row_id].subject is None
    others = {r.outcome for i, r in found.items() if i != row_id}
    assert others == {"deidentified"}


def test_a_conflict_of_two_objects_quarantines_the_study(asking) -> None:
    with asking() as ws:
        take(ws)
        with ws.ledger.session() as session:
            obj = session.scalars(select(identified.ReceivedObject).limit(1)).one()
            obj.conflict = True
        account = deidentify(ws, ws.project("tiny"), ws.site("chu-atlas"))
    assert account.refused == {"SOP_UID_CONFLICT": 1}


def test_a_truncated_object_is_refused_and_the_others_go_on(asking) -> None:
    with asking() as ws:
        take(ws)
        with ws.ledger.session() as session:
            obj = session.scalars(select(identified.ReceivedObject).limit(1)).one()
            path = ws.identified.absolute(obj.path)
        path.write_bytes(path.read_bytes()[:300])
        account = deidentify(ws, ws.project("tiny"), ws.site("chu-atlas"))
        outcomes = {r.outcome for r in rows(ws)}
    assert sum(account.refused.values()) == 1
    assert outcomes == {"deidentified"}


def test_a_missing_slice_is_refused_under_its_code(ready: Workspace) -> None:
    with ready.catalogue.session() as session:
        codes = {c for r in session.scalars(select(SeriesResult)) for c in r.codes}
    assert "MR_MISSING_SLICE" in codes
    assert "MR_MISSING_SLICE" in {r.code for r in rows(ready)}


def test_a_volume_folder_that_is_gone_is_made_again_with_the_same_bytes(ready: Workspace) -> None:
    folder = min(ready.research.volumes("tiny").iterdir())
    before = {p.name: sha256_file(p) for p in folder.rglob("*.nii.gz")}
    shutil.rmtree(folder)
    account = harmonise(ready, ready.project("tiny"))
    assert account.done == 1
    assert {p.name: sha256_file(p) for p in folder.rglob("*.nii.gz")} == before


def test_a_release_is_refused_until_the_sample_is_read(ready: Workspace) -> None:
    project = ready.project("tiny")
    with pytest.raises(RejectedError, match="GATE_NOTHING_SAMPLED"):
        release(ready, project)
    assemble(ready, project)
    with pytest.raises(RejectedError, match="GATE_UNREAD"):
        release(ready, project)
    assert not list(ready.research.cohorts("tiny").glob("v*"))


def read_all(ws: Workspace, verdict: str) -> None:
    for item in review_items(ws.catalogue, "tiny"):
        record_decision(
            ws.catalogue,
            "tiny",
            item.sha256,
            reader="r1",
            verdict=verdict,
            reasons=["banding"] if verdict == "reject" else [],
        )


def test_what_is_read_has_its_exam_beside_it_and_packs_are_not_made_twice(
    ready: Workspace,
) -> None:
    few = Review(sample=1, max_reject_rate=0.9)
    project = ready.project("tiny").model_copy(update={"review": few})
    first = assemble(ready, project)
    with ready.catalogue.session() as session:
        read = {pack.sha256 for pack in session.scalars(select(Pack))}
        views = list(session.scalars(select(ExamView)))
        session.expunge_all()
    exams = {view.exam for view in views}
    assert read < {view.sha256 for view in views}  # more hangs than is read
    for exam in exams:
        mine = [view for view in views if view.exam == exam]
        assert {"T2W", "ADC", "high b"} <= {view.place for view in mine}
        assert {view.sha256 for view in mine} & read
    assert {p.name for p in ready.research.packs.iterdir()} >= {view.sha256 for view in views}
    again = assemble(ready, project)
    assert (first.skipped, again.done, again.skipped) == (0, 0, first.done)
    beside = next(view for view in views if view.sha256 not in read)
    shutil.rmtree(ready.research.packs / beside.sha256)
    assert assemble(ready, project).done > 0
    assert (ready.research.packs / beside.sha256 / "pack.json").is_file()


def test_a_rejected_sample_keeps_the_gate_red(ready: Workspace) -> None:
    assemble(ready, ready.project("tiny"))
    read_all(ready, "reject")
    with pytest.raises(RejectedError, match="GATE_REJECTED"):
        release(ready, ready.project("tiny"))


def test_a_release_is_whole_checked_and_not_made_twice(ready: Workspace) -> None:
    project = ready.project("tiny")
    assemble(ready, project)
    read_all(ready, "accept")
    first = release(ready, project)
    again = release(ready, project)
    assert (first.version, first.new, again.version, again.new) == (1, True, 1, False)
    lines = (first.folder / "checksums.sha256").read_text().splitlines()
    listed = dict(reversed(line.split("  ", 1)) for line in lines)
    files = {p for p in first.folder.rglob("*") if p.is_file() and p.name != "checksums.sha256"}
    assert {first.folder / name for name in listed} == files
    assert all(sha256_file(first.folder / name) == digest for name, digest in listed.items())
    assert all(p.stat().st_mode & 0o222 == 0 for p in files)


@pytest.mark.parametrize("wanted", ["dicom", "nifti"])
def test_provenance_goes_with_every_format(ready: Workspace, wanted: str) -> None:
    path = ready.settings.config_root / "projects" / "tiny.yaml"
    path.write_text(path.read_text().replace("{expires:", f"{{formats: [{wanted}], expires:"))
    project = ready.project("tiny")
    assemble(ready, project)
    read_all(ready, "accept")
    data = release(ready, project).folder / "data"
    found = {kind: len(list(data.rglob(f"*{kind}"))) for kind in (".json", ".nii.gz", ".dcm")}
    assert found[".json"] > 0
    assert (found[".dcm"] > 0) == (wanted == "dicom")
    native = [p for p in data.rglob("*.nii.gz") if not p.name.endswith(".coverage.nii.gz")]
    assert len(native) == (found[".json"] if wanted == "nifti" else 0)


def test_a_changed_verdict_makes_another_version_without_the_volume(ready: Workspace) -> None:
    folder = ready.settings.config_root / "projects" / "tiny.yaml"
    text = folder.read_text().replace("{sample: 1}", "{sample: 1, max_reject_rate: 0.99}")
    folder.write_text(text)
    project = ready.project("tiny")
    assemble(ready, project)
    read_all(ready, "accept")
    release(ready, project)
    item = review_items(ready.catalogue, "tiny")[0]
    record_decision(
        ready.catalogue, "tiny", item.sha256, reader="r1", verdict="reject", reasons=["banding"]
    )
    with pytest.raises(RejectedError, match="GATE_REJECTED"):
        release(ready, project)


def test_the_sample_is_the_same_on_every_draw(ready: Workspace) -> None:
    assemble(ready, ready.project("tiny"))
    with ready.catalogue.session() as session:
        first = set(session.scalars(select(Pack.sha256)))
    second = assemble(ready, ready.project("tiny"))
    with ready.catalogue.session() as session:
        assert set(session.scalars(select(Pack.sha256))) == first
    assert second.done == 0


def test_packs_that_left_the_sample_leave_the_disk_unless_they_were_read(ready: Workspace) -> None:
    project = ready.project("tiny")
    generous = Review(max_reject_rate=0.9, sample=1)
    assemble(ready, project.model_copy(update={"review": generous}))
    few = {item.sha256 for item in review_items(ready.catalogue, "tiny")}
    assemble(ready, project)
    all_of_them = {item.sha256 for item in review_items(ready.catalogue, "tiny")}
    assert few < all_of_them
    read = min(all_of_them - few)
    record_decision(ready.catalogue, "tiny", read, reader="r1", verdict="accept")
    assemble(ready, project.model_copy(update={"review": generous}))
    spoilt = set(spoilt_of(ready.catalogue, "tiny").values())
    assert len(spoilt) == 1
    with ready.catalogue.session() as session:
        hung = set(session.scalars(select(ExamView.sha256)))
    assert few <= hung
    assert {p.name for p in ready.research.packs.iterdir()} == hung | {read} | spoilt


def test_a_draft_report_can_be_had_before_anybody_has_read(ready: Workspace) -> None:
    assemble(ready, ready.project("tiny"))
    path = draft_report(ready, ready.project("tiny"))
    assert "MR_MISSING_SLICE" in path.read_text(encoding="utf-8")


def test_status_counts_every_row_once(ready: Workspace) -> None:
    facts = status(ready.settings, "tiny")["projects"][0]
    assert facts["rows"] == len(rows(ready)) == sum(facts["outcomes"].values())
    assert facts["refusals"]["MR_MISSING_SLICE"] >= 1
    assert json.dumps(facts)
    counts, by_code = tally(ready, "tiny", "chu-atlas")
    assert counts["expected"] == counts["received"] == len(rows(ready))
    assert counts["expected"] == counts["refused"] + counts["harmonised"]
    assert by_code["MR_MISSING_SLICE"] == 1


def test_the_passports_in_the_research_zone_bear_only_new_uids(ready: Workspace) -> None:
    with ready.ledger.session() as session:
        old = set(session.scalars(select(identified.ReceivedObject.series_uid)))
        old |= set(session.scalars(select(identified.ReceivedObject.sop_uid)))
    text = "".join(p.name + p.read_text() for p in Path(ready.research.passports).glob("*.json"))
    assert text
    assert not [uid for uid in old if uid in text]


def test_a_result_that_another_process_finished_first_is_kept(tmp_path: Path) -> None:
    for name in ("partial", "target"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "same").write_text("bytes")
    _settle(tmp_path / "partial", tmp_path / "target")
    assert (tmp_path / "target" / "same").read_text() == "bytes"
    with pytest.raises(FileNotFoundError):
        _settle(tmp_path / "gone", tmp_path / "other")


def test_what_a_worker_left_while_the_next_run_was_on_is_swept_at_its_end(asking) -> None:
    with asking() as ws:
        left = ws.research.root / "packs" / ".p.partial"
        left.mkdir(parents=True)
        (left / "before.npy").write_bytes(b"1")
    assert not left.exists()


def test_a_release_says_in_four_places_what_became_of_its_twin(proven: Workspace) -> None:
    assemble(proven, proven.project("tiny"))
    read_all(proven, "accept")
    folder = release(proven, proven.project("tiny")).folder
    proof = json.loads((folder / "proof.json").read_text(encoding="utf-8"))
    assert (proof["leaks"], proof["removal"], proof["retention"]) == (0, 1.0, 1.0)
    assert proof["planted"] >= 1000
    sealed = pq.read_schema(folder / "manifest.parquet").metadata[b"accordage.proof"]
    assert json.loads(sealed) == proof
    line = f"0 of {proof['planted']} strings planted in a synthetic twin came through"
    for name in ("README.md", "report.html"):
        assert line in (folder / name).read_text(encoding="utf-8")


def test_a_release_tells_how_every_series_of_its_manifest_was_acquired(ready: Workspace) -> None:
    assemble(ready, ready.project("tiny"))
    read_all(ready, "accept")
    folder = release(ready, ready.project("tiny")).folder

    manifest = pq.read_table(folder / "manifest.parquet").to_pylist()
    acquired = pq.read_table(folder / "acquisitions.parquet").to_pylist()

    assert {row["series_uid"] for row in acquired} == {
        uid for row in manifest for uid in row["source_series_uids"]
    }
    assert len(acquired) == len({row["series_uid"] for row in acquired})
    assert {row["subject"] for row in acquired} == {row["subject"] for row in manifest}
    assert all(row["manufacturer"] for row in acquired)
    listed = (folder / "checksums.sha256").read_text(encoding="utf-8")
    assert "acquisitions.parquet" in listed
    assert "acquisitions.parquet" in (folder / "README.md").read_text(encoding="utf-8")


def test_a_leak_stops_the_release_and_nothing_is_written(
    proven: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def through(twin: object, *_: object) -> dict[str, bytes]:
        return {one.name: one.data for one in twin}  # type: ignore[attr-defined]

    assemble(proven, proven.project("tiny"))
    read_all(proven, "accept")
    monkeypatch.setattr(twin_proof, "release_twin", through)
    with pytest.raises(IdentityLeak, match=r"^TWIN_LEAK: \d+ of \d+$"):
        release(proven, proven.project("tiny"))
    assert not list(proven.research.cohorts("tiny").glob("v*"))
