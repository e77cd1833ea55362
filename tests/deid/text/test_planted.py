"""Some of the frames of ``make pixels``: identities go and markers stay."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

from deid.text.rapid import RapidReader

FOLDER = Path(__file__).resolve().parents[3] / "benchmarks"
SMALL_PX = 500_000
SEED = 3


@pytest.fixture(scope="module")
def pixels() -> ModuleType:
    sys.path.insert(0, str(FOLDER))
    try:
        import pixels as module
    finally:
        sys.path.remove(str(FOLDER))
    return module


def test_the_key_is_of_the_frame(pixels: ModuleType) -> None:
    frames = pixels.draw(SEED, 0)
    again = pixels.draw(SEED, 0)
    assert (frames.samples == again.samples).all()
    for planted in frames.planted:
        top, bottom, left, right = planted.box
        assert planted.ink.shape == (bottom - top, right - left)
        assert planted.ink[0].any()
        assert planted.ink[:, -1].any()


@pytest.mark.slow
def test_planted_identities_go_and_markers_stay(pixels: ModuleType, rapid: RapidReader) -> None:
    counts: Counter[str] = Counter()
    done = 0
    for index in (*range(14, 200, 20), *range(15, 200, 20), 0):
        frames = pixels.draw(SEED, index)
        if frames.tissue.size > SMALL_PX or done == 8:
            continue
        counts += pixels.run_one(rapid, frames).counts
        done += 1
    assert done == 8
    assert counts["identity"] >= 10
    assert counts["identity gone"] == counts["identity"]
    assert counts["marker kept"] == counts["marker"]
    assert counts["identity gone to the last pixel"] >= counts["identity"] - 1
    assert counts["refused"] == 0
