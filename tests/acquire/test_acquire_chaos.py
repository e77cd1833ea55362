"""Every fault of the archive alone, and a few seeded mixtures, kill -9 included.

The whole, 200 runs of 50 studies, is ``make chaos-acquire``.
"""

from __future__ import annotations

import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipelines.acquire.archive.synthetic import SyntheticStudy

CHAOS = SimpleNamespace(
    **runpy.run_path(str(Path(__file__).resolve().parents[2] / "benchmarks" / "acquire_chaos.py"))
)
NAMES = [fault.name for fault in CHAOS.study_faults(SyntheticStudy("1.2", "P", "A", "20210101"))]


def test_every_fault_of_the_archive_is_in_the_chaos_or_tested_elsewhere() -> None:
    """A fault that is added without a run that shows its outcome fails here."""
    from pipelines.acquire.archive import Faults

    studies = CHAOS.study_faults(SyntheticStudy("1.2", "P", "A", "20210101"))
    used = [fault.faults for fault in studies] + [*CHAOS.ARCHIVE_FAULTS]
    shown = {name for one in used for name in one.model_fields_set}
    speed = {"latency_s", "bytes_per_s", "slow_after_n", "slow_factor", "down_from_s", "down_for_s"}
    assert set(Faults.model_fields) - shown == speed | {"ignored_keys"}, (
        "speed and outages: benchmarks/simulated_night.py; ignored keys: test_lists.py"
    )


def test_all_faults_in_one_archive_each_end_as_they_must(tmp_path: Path) -> None:
    plan = CHAOS.plan_run(0, len(NAMES))
    plan.faults = {
        study.study_uid: CHAOS.study_faults(study)[n] for n, study in enumerate(plan.studies)
    }
    problems, outcomes, _ = CHAOS.run(plan, tmp_path)
    assert problems == []
    assert sum(outcomes.values()) == len(NAMES)


@pytest.mark.parametrize("seed", range(1, 3))
def test_a_seeded_mixture_of_faults_loses_doubles_and_spoils_nothing(
    seed: int, tmp_path: Path
) -> None:
    plan = CHAOS.plan_run(seed, 4)
    plan.kills = 1 if seed == 1 else 0
    problems, outcomes, _ = CHAOS.run(plan, tmp_path)
    assert problems == []
    assert sum(outcomes.values()) == 4
