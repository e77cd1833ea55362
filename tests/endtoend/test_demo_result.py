"""What the demo leaves: two cohorts of three hospitals, and an account of every row asked."""

from __future__ import annotations

import base64
import html
import json
import re
import shutil
import subprocess
from collections import Counter
from io import BytesIO
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from pipelines.cohort.packs import SIDES
from tests.endtoend.conftest import DemoRun, run_program

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SITES = {"chu-atlas", "chu-boreal", "chu-cyan"}
KINDS = {"prostate-mpmri": "prostate", "mammography-screening": "mammography"}
FAULTS = {"MR_MISSING_SLICE", "MR_DUPLICATE_SLICE", "MR_B_UNKNOWN", "STUDY_NOT_DELIVERED"}

both = pytest.mark.parametrize("project", sorted(KINDS))


def requests(demo_run: DemoRun, project: str) -> list[dict[str, Any]]:
    table = pq.read_table(demo_run.release(project) / "requests.parquet")
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def codes_of(row: dict[str, Any]) -> set[str]:
    named = {row["code"], *row["refused_series"], *row["quarantined"]} - {None, ""}
    return {re.match(r"\w+", code).group() for code in named}  # type: ignore[union-attr]


@both
def test_a_cohort_of_all_three_hospitals_is_released(demo_run: DemoRun, project: str) -> None:
    released = Counter(r["site"] for r in requests(demo_run, project) if r["outcome"] == "released")
    assert set(released) == SITES
    rows = pq.read_table(demo_run.release(project) / "manifest.parquet").to_pylist()
    delivered = [r for r in rows if r["nifti_path"]]
    assert {r["verdict"] for r in delivered} <= {"PASS", "REVIEW"}
    for row in delivered:
        assert (demo_run.release(project) / row["nifti_path"]).is_file()
        assert any((demo_run.release(project) / row["dicom_path"]).iterdir())


@both
def test_every_study_asked_has_one_row(demo_run: DemoRun, project: str) -> None:
    """The answer key counts the studies; mammography is chosen by modality, MR by description."""
    asked = {
        (e["site"], e["study_uid"])
        for e in demo_run.world.answer_key
        if e["project"] == KINDS[project]
    }
    rows = requests(demo_run, project)
    assert Counter(r["site"] for r in rows) == Counter(site for site, _ in asked)
    assert len({r["row_id"] for r in rows}) == len(rows)
    assert all(r["outcome"] in {"released", "refused"} for r in rows)


@both
def test_the_report_has_one_line_a_row_with_its_outcome(demo_run: DemoRun, project: str) -> None:
    text = (demo_run.release(project) / "report.html").read_text(encoding="utf-8")
    lines = re.findall(r"<tr.*?</tr>", text, flags=re.DOTALL)
    for row in requests(demo_run, project):
        own = [one for one in lines if f'<th scope="row"><code>{row["row_id"]}<' in one]
        assert len(own) == 1, row["row_id"]
        assert row["outcome"] in own[0]
        assert row["outcome"] == "released" or row["code"] in own[0]


@both
def test_the_report_shows_pictures_before_and_after(demo_run: DemoRun, project: str) -> None:
    text = (demo_run.release(project) / "report.html").read_text(encoding="utf-8")
    pictures = re.findall(r'src="data:image/png;base64,([^"]+)"', text)
    assert len(pictures) >= 2
    for picture in pictures:
        with Image.open(BytesIO(base64.b64decode(html.unescape(picture)))) as image:
            low, high = image.convert("L").getextrema()
            assert low < high, "an empty picture"
    assert "http://" not in text.replace("http://www.w3.org", "")
    assert "before" in text.lower()
    assert "after" in text.lower()


def test_the_marker_of_a_mammogram_is_on_neither_side_of_its_pair(demo_run: DemoRun) -> None:
    packs = [path.parent for path in (demo_run.home / "research").rglob("pack.json")]
    roles = {path: json.loads((path / "pack.json").read_text())["role"] for path in packs}
    mammograms = [path for path, role in roles.items() if role == "mg_presentation"]
    assert mammograms
    for path in mammograms:
        before, after = (np.load(path / f"{side}.npy", mmap_mode="r") for side in SIDES)
        unseen = np.isnan(before[0])
        assert (unseen == np.isnan(after[0])).all()
        # Chest wall left: the right edge, where markers stand, is far from the breast.
        assert unseen[:, -1].all()
        assert not unseen.all()


@both
def test_the_cohort_is_marked_as_simulated(demo_run: DemoRun, project: str) -> None:
    for name in ("report.html", "README.md"):
        assert "SIMULATED" in (demo_run.release(project) / name).read_text(encoding="utf-8")
    assert b"SIMULATED" in demo_run.stdout


@both
def test_the_checksums_hold_for_coreutils(demo_run: DemoRun, project: str) -> None:
    folder = demo_run.release(project)
    program = shutil.which("sha256sum")
    assert program
    command = [program, "--check", "--strict", "--quiet", "checksums.sha256"]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout
    listed = (folder / "checksums.sha256").read_text(encoding="utf-8").splitlines()
    there = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert {line.split("  ", 1)[1] for line in listed} == there - {"checksums.sha256"}


def test_the_four_planted_faults_are_in_the_table_of_requests(demo_run: DemoRun) -> None:
    rows = requests(demo_run, "prostate-mpmri")
    for code, fault in demo_run.world.faults.items():
        hit = [r for r in rows if code in codes_of(r)]
        assert [r["site"] for r in hit] == [fault["site"]], code
    assert set(demo_run.world.faults) == FAULTS


def test_the_four_planted_faults_are_in_the_report(demo_run: DemoRun) -> None:
    report = demo_run.release("prostate-mpmri") / "report.html"
    text = report.read_text(encoding="utf-8")
    assert {code for code in FAULTS if code in text} == FAULTS


def test_the_four_planted_faults_are_in_the_status(demo_run: DemoRun) -> None:
    done = run_program(demo_run.home, "status", "--json")
    assert done.returncode == 0, done.stderr
    (prostate,) = [
        p for p in json.loads(done.stdout)["projects"] if p["project"] == "prostate-mpmri"
    ]
    assert set(prostate["refusals"]) >= FAULTS
    assert prostate["outcomes"] == {"released": 7, "refused": 3}


def test_a_fault_costs_no_other_study_its_place(demo_run: DemoRun) -> None:
    """Sixteen studies asked; only those of the faults may be missing from the cohorts."""
    rows = [r for project in KINDS for r in requests(demo_run, project)]
    missing = [r for r in rows if r["outcome"] != "released"]
    assert len(rows) == 16
    assert all(codes_of(r) & FAULTS for r in missing)


def test_no_half_written_file_is_left(demo_run: DemoRun) -> None:
    assert list(demo_run.home.rglob("*.partial")) == []
