"""Our SUVbw beside the frozen answers of mirp and z-rad (`make referees` asks them again)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from harmonise.geometry import judge
from harmonise.stacks import read_stacks
from harmonise.vendor.pixels import load_volume
from tests.harmonise import builders
from tests.harmonise.suv import cases

ANSWERS = json.loads((Path(__file__).parents[2] / "referees" / "answers" / "suv.json").read_text())
REFEREES = ("mirp", "z-rad")
BUILT = sorted(cases.cases())
REAL = {
    **{name: f"PT/suv-dro/{name}/PT" for name in ANSWERS["cases"] if name.startswith("DRO_")},
    "ge-discovery-st": "PT/sts_001-ge-discovery-st",
    "ge-suv": "PETCT/ibsi-sts_002/PET",
    "siemens-vision": "PT/openrem-siemens-vision",
}
ANSWERED = [
    (name, referee)
    for name in REAL
    for referee in REFEREES
    if isinstance(ANSWERS["cases"][name][referee], list)  # z-rad reads no single slice
]


def mean(plane):
    return np.mean(plane, dtype=np.float64)


def ours(paths):
    (stack,), _ = read_stacks(paths)
    values = load_volume(stack, judge(stack)).values
    return [[float(f(plane)) for f in (np.min, np.median, np.max, mean)] for plane in values]


@pytest.mark.parametrize("name", BUILT)
def test_a_built_trap_gives_what_it_was_built_for(name, tmp_path):
    found = ours(builders.write_all(cases.cases()[name], tmp_path))

    times = [1, 2, 3] if name == "slope-per-slice" else [1, 1, 1]
    expected = [pytest.approx([0.2 * n, 1.0 * n, 4.0 * n], abs=1e-4) for n in times]
    assert [row[:3] for row in found] == expected


@pytest.mark.parametrize("referee", REFEREES)
@pytest.mark.parametrize("name", BUILT)
def test_a_built_trap_gives_what_the_referee_says(name, referee, tmp_path):
    found = ours(builders.write_all(cases.cases()[name], tmp_path))

    assert found == [pytest.approx(row, abs=1e-4) for row in ANSWERS["cases"][name][referee]]


@pytest.mark.realdata
@pytest.mark.parametrize(("name", "referee"), ANSWERED)
def test_a_real_series_gives_what_the_referee_says(name, referee, realdata):
    found = ours(sorted((realdata / REAL[name]).iterdir()))

    assert found == [pytest.approx(row, abs=1e-4) for row in ANSWERS["cases"][name][referee]]


def test_every_series_was_answered():
    assert set(ANSWERS["cases"]) == {*BUILT, *REAL}
    assert len(ANSWERED) == 2 * len(REAL) - 1
