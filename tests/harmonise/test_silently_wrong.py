"""Some cases of ``make silently-wrong``: the judge tells right from wrong; ours is never WRONG."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"

EXPECTED = {
    # ours, plain SimpleITK, dcm2niix
    "plain": ("right", "right", "-"),
    "dose-mbq": ("right", "WRONG", "-"),
    "CNTS without a factor": ("refused", "WRONG", "-"),
    "row B: linear, 3 x 2 x 2 mm": ("right", "WRONG", "-"),
    "complete": ("right", "right", "right"),
    "repeated slice": ("refused", "WRONG", "WRONG"),
    "tilted and uneven": ("right", "WRONG", "WRONG"),
    "two orientations": ("right", "WRONG", "right"),
    "b in a renumbered private block": ("right", "WRONG", "WRONG"),
    "Philips scale, built": ("right", "WRONG", "right"),
}
"""By arithmetic or by the published rule; none needs the real collection."""


@pytest.fixture(scope="module")
def benchmark() -> Iterator[ModuleType]:
    sys.path.insert(0, str(FOLDER))
    try:
        import silently_wrong as module

        yield module
    finally:
        sys.path.remove(str(FOLDER))


def test_each_program_gets_the_verdict_it_earns(benchmark: ModuleType) -> None:
    named = {case.name: case for case in benchmark.all_cases(Path("nowhere"))}

    result = benchmark.silently_wrong([named[name] for name in EXPECTED], {})

    found = {
        row["name"]: tuple(row["programs"][p]["word"] for p in ("ours", "SimpleITK", "dcm2niix"))
        for row in result["cases"]
    }
    assert found == EXPECTED
    assert {row["programs"]["mirp"]["word"] for row in result["cases"]} == {"not installed"}


def test_the_table_has_a_row_a_case_and_no_case_twice(benchmark: ModuleType) -> None:
    names = [case.name for case in benchmark.all_cases(Path("nowhere"))]

    assert len(set(names)) == len(names)


def test_a_volume_moved_by_half_a_voxel_is_another_volume(benchmark: ModuleType) -> None:
    from silent.judge import Output, judge_places
    from silent.known import Known

    index = np.indices((6, 5, 4))
    values = (index[0] * 100 + index[1] * 10 + index[2]).astype(float)
    lps = (index.reshape(3, -1).T * [-1.0, -1.0, 1.0]).astype(float)
    known = [Known(lps, values.ravel(), 0.5, b_value=800.0)]
    moved = np.eye(4)
    moved[0, 3] = 0.5

    assert judge_places(known, [Output(values, np.eye(4))], complained=False).word == "right"
    assert judge_places(known, [Output(values, moved)], complained=False).word == "WRONG"
    named = [Output(values, np.eye(4), b_value=400.0)]
    assert judge_places(known, named, complained=False).word == "WRONG"
    assert judge_places(known, [], complained=False).word == "refused"
    assert judge_places([], named, complained=True).word == "WRONG"
