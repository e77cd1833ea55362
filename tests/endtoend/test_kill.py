"""``kill -9`` costs nothing but time; the long form with ten kills is ``make chaos``."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.chaos import differences, facts, kill_and_rerun, moments, start_demo
from tests.endtoend.conftest import DemoRun

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

PROJECT = "mammography-screening"
"""The smaller of the demo's projects."""


@dataclass(frozen=True)
class Quiet:
    facts: Mapping[str, str]
    seconds: float


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory, demo_run: DemoRun) -> Quiet:
    """An undisturbed run without a server, on hospitals made already."""
    home = new_home(tmp_path_factory.mktemp("quiet"), demo_run)
    start = time.perf_counter()
    assert start_demo(home, "--no-server", "--project", PROJECT).wait() == 0
    return Quiet(facts(home, [PROJECT]), time.perf_counter() - start)


def new_home(folder: Path, demo_run: DemoRun) -> Path:
    home = folder / "home"
    shutil.copytree(demo_run.home / "demo", home / "demo", copy_function=shutil.copyfile)
    return home


def test_the_demo_without_a_server_makes_the_same_cohort(demo_run: DemoRun, quiet: Quiet) -> None:
    served = facts(demo_run.home, [PROJECT])
    for name in ("manifest.parquet", "checksums.sha256"):
        assert served[f"{name} of {PROJECT}"] == quiet.facts[f"{name} of {PROJECT}"]


def test_a_run_after_a_kill_ends_like_one_undisturbed(
    tmp_path: Path, demo_run: DemoRun, quiet: Quiet
) -> None:
    home = new_home(tmp_path, demo_run)
    # Late, only the parent, with a server: its children must follow. Early kills of the whole
    # group, too, are those of `make chaos`.
    moment_s = moments(quiet.seconds, 2, seed=7)[1]
    kill = kill_and_rerun(
        home, moment_s, ["--project", PROJECT], [PROJECT], quiet.facts, group=False
    )
    assert kill.hit, "it had ended before"
    assert kill.orphans == ()
    assert kill.exit_code == 0
    assert kill.differences == ()


def test_the_comparison_notices_what_is_lost_and_what_is_doubled(quiet: Quiet) -> None:
    changed = {**quiet.facts, "research.study_row": "7"}
    changed.pop("research.pack")
    assert len(differences(quiet.facts, changed)) == 2
    assert differences(quiet.facts, dict(quiet.facts)) == ()
