"""Some of the mutated files of ``make fuzz``: no crash, no hang, nothing planted gets out."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def fuzz() -> ModuleType:
    sys.path.insert(0, str(FOLDER))
    try:
        import fuzz as module
    finally:
        sys.path.remove(str(FOLDER))
    return module


def test_the_seeds_hold_the_planted_person(fuzz: ModuleType) -> None:
    seeds = fuzz.seeds(None)
    assert len(seeds) == 12
    assert all(fuzz.WHOLE.encode() in seed for seed in seeds)


@pytest.mark.filterwarnings("ignore")
def test_mutated_files_are_released_clean_or_refused_with_a_code(fuzz: ModuleType) -> None:
    from config.codes import codes

    try:
        account = fuzz.run_batch(range(300), seed=7, realdata=None)
    finally:
        logging.disable(logging.NOTSET)
    assert account.crashes == {}
    assert (account.hangs, account.leaks) == ([], [])
    assert set(account.outcomes) <= {"released", *codes()}
    assert account.outcomes["released"] >= 60
    assert sum(account.outcomes.values()) == 300
