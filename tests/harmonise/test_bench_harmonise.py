"""One round of ``make bench-harmonise``: contestants do the work they are timed for."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def bench() -> Iterator[SimpleNamespace]:
    sys.path.insert(0, str(FOLDER))
    try:
        import harmonise_contestant
        import harmonise_speed

        yield SimpleNamespace(contestant=harmonise_contestant, speed=harmonise_speed)
    finally:
        sys.path.remove(str(FOLDER))


@pytest.mark.realdata
def test_ours_and_the_bare_script_make_the_same_number_of_volumes(
    bench: SimpleNamespace, realdata: Path, tmp_path: Path
) -> None:
    bench.speed.copy_study(realdata / bench.speed.STUDY, tmp_path / "in", 1)
    for name in ("ours", "bare"):
        (tmp_path / name).mkdir()

    bench.contestant.ours(tmp_path / "in", tmp_path / "ours")
    bench.contestant.bare(tmp_path / "in", writes=True)(tmp_path / "in", tmp_path / "bare")

    assert len(list((tmp_path / "ours").rglob("*.nii.gz"))) == 6
    assert len(list((tmp_path / "bare").rglob("*.nii.gz"))) == 6
    assert bench.speed.largest_volume_mb(tmp_path / "in" / "study1") == pytest.approx(
        19 * 384 * 384 * 4 / 1e6
    )


def test_ratios_are_of_medians_and_an_absent_contestant_leaves_a_gap(
    bench: SimpleNamespace,
) -> None:
    medians = {
        "ours": {"seconds": 3.0, "cpu_s": 2.0, "peak_mb": 150.0},
        "bare": {"seconds": 2.0, "cpu_s": 2.0, "peak_mb": 100.0},
        "folder, 1 worker": {"seconds": 9.0, "cpu_s": 9.0, "peak_mb": 150.0},
        "folder, 2 workers": {"seconds": 5.0, "cpu_s": 0.1, "peak_mb": 150.0},
    }

    rows = {row["what"]: row for row in bench.speed.lines_of(medians, volume_mb=10.0)}

    assert rows["ours / bare SimpleITK"]["wall"] == 1.5
    assert rows["studies a minute, ours / picai-prep"]["wall"] is None
    assert rows["two workers / one"]["wall"] == 1.8
    assert rows["peak memory of ours, MB"]["wanted"] == "<= 230"
