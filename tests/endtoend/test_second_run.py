"""A second run of unchanged projects costs next to nothing, opens no object and changes nothing."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.chaos import facts
from tests.endtoend.conftest import DemoRun, run_program
from tests.support.opened import OpenedFiles

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

PROJECTS = ("prostate-mpmri", "mammography-screening")
PIXELS = (
    "identified/objects",
    "identified/outgoing",
    "research/objects",
    "research/volumes",
    "research/packs",
    "research/cohorts",
)
"""Every folder in which an image lies."""
LARGEST_SHARE = 0.05
"""Stage time of the second run over the first (issue's contract)."""


@dataclass(frozen=True)
class Second:
    first_s: float
    second_s: float
    first_done: int
    second_done: int
    second_skipped: int
    opened: list[Path]
    before: dict[str, str]
    after: dict[str, str]


def stage_runs(home: Path, zone: str) -> list[tuple[int, float, int, int, str]]:
    base = sqlite3.connect(home / zone / "catalogue.sqlite")
    try:
        query = "SELECT run_id, seconds, done, skipped, stage FROM stage_run"
        return list(base.execute(query))
    finally:
        base.close()


@pytest.fixture(scope="module")
def second(demo_run: DemoRun) -> Second:
    home = demo_run.home
    zones = ("identified", "research")
    earlier = {zone: stage_runs(home, zone) for zone in zones}
    before = facts(home, PROJECTS)
    with OpenedFiles([home / name for name in PIXELS]) as watch:
        (home / "research" / "cohorts" / PROJECTS[0] / "v1" / "README.md").read_bytes()
        assert [p.name for p in watch.names()] == ["README.md"], "the watch is blind"
        done = run_program(home, "demo", "--no-server")
        opened = watch.names()
    assert done.returncode == 0, done.stderr.decode()
    first = [run for zone in zones for run in earlier[zone]]
    later = [
        run
        for zone in zones
        for run in stage_runs(home, zone)
        if run[0] > max(r[0] for r in earlier[zone])
    ]
    return Second(
        first_s=sum(r[1] for r in first),
        second_s=sum(r[1] for r in later),
        first_done=sum(r[2] for r in first),
        second_done=sum(r[2] for r in later if r[4] not in {"resolve", "retrieve"}),
        second_skipped=sum(r[3] for r in later),
        opened=opened,
        before=before,
        after=facts(home, PROJECTS),
    )


def test_a_second_run_takes_less_than_a_twentieth_of_the_stage_time(second: Second) -> None:
    share = second.second_s / second.first_s
    print(f"stages: first {second.first_s:.2f} s, second {second.second_s:.2f} s, {share:.2%}")  # noqa: T201
    assert share < LARGEST_SHARE


def test_a_second_run_opens_no_object_volume_pack_or_cohort(second: Second) -> None:
    assert second.opened == []


def test_a_second_run_finds_everything_done_before(second: Second) -> None:
    """Only the study that cannot be delivered is asked for again."""
    assert second.second_done == 0
    assert second.second_skipped > 0


def test_a_second_run_changes_no_file_row_or_version(second: Second) -> None:
    assert second.after == second.before
    assert second.after["versions of prostate-mpmri"] == "v1"
