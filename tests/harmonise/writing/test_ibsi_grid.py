"""The IBSI grid on a built phantom: sizes and voxel counts exactly those of mirp, rows B to E."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from harmonise.grids import centred_grid
from harmonise.interpolate import interpolate
from harmonise.volume import Grid
from tests.harmonise.writing import phantom

ANSWERS = json.loads((Path(__file__).parents[2] / "referees" / "answers" / "grid.json").read_text())
NATIVE = Grid(shape=phantom.SHAPE, spacing_mm=phantom.SPACING_MM)


@pytest.fixture(scope="module")
def scene():
    return phantom.image(), phantom.mask()


def test_the_phantom_is_the_one_the_referee_was_given(scene):
    whole = hashlib.sha256(b"".join(part.astype("<i2").tobytes() for part in scene))

    assert whole.hexdigest() == ANSWERS["input_sha256"]


@pytest.mark.parametrize("name", phantom.ROWS)
def test_size_and_voxel_count_are_exactly_the_referees(name, scene):
    """Mask linear, threshold 0.5; image rounded to whole HU after interpolation (IBSI 1)."""
    row, expected = phantom.ROWS[name], ANSWERS["rows"][name]
    target = centred_grid(NATIVE, row["spacing_mm"])
    image, mask = (part.astype(np.float32) for part in scene)

    values = np.rint(interpolate(image, NATIVE, target, order=row["order"]))
    inside = interpolate(mask, NATIVE, target, order=1) >= 0.5

    assert list(values.shape) == expected["size"]
    assert int(inside.sum()) == expected["roi_voxels"]
    assert values[inside].mean(dtype=np.float64) == pytest.approx(expected["roi_mean"], abs=0.01)
    assert float(values[inside].min()) == pytest.approx(expected["roi_min"], abs=1)
    assert float(values[inside].max()) == pytest.approx(expected["roi_max"], abs=1)
