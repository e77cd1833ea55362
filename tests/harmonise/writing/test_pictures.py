"""Pictures of 16 bits beside a mammogram, and the benchmark that measures mammograms a second."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from benchmarks import projection
from harmonise.encode.picture import fitted, may_be_picture, write_picture
from harmonise.volume import Grid, Volume


def projection_of(values):
    values = np.asarray(values, np.float32)[np.newaxis]
    return Volume(values, Grid(values.shape, (None, 0.1, 0.1), positioned=False), "1")


def test_a_picture_holds_every_grey_level(tmp_path):
    values = np.arange(65536).reshape(256, 256)

    path = write_picture(projection_of(values), tmp_path / "a.png")

    assert (np.asarray(Image.open(io.BytesIO(path.read_bytes()))) == values).all()


def test_a_picture_for_models_is_shrunk_to_fit_and_never_stretched():
    """200 x 90 into 100 x 60: a factor of 2 for both, black beyond column 45."""
    image = np.full((200, 90), 7.0, np.float32)

    found = fitted(image, (100, 60))

    assert found.shape == (100, 60)
    assert (found[:, :45] == 7.0).all()
    assert (found[:, 45:] == 0.0).all()


def test_a_small_picture_is_not_enlarged():
    found = fitted(np.ones((10, 8), np.float32), (20, 16))

    assert found.sum() == 80


@pytest.mark.parametrize("values", [[[np.nan, 1.0]], [[-1.0, 1.0]], [[0.0, 70000.0]]])
def test_what_16_bits_cannot_hold_is_no_picture(values):
    assert not may_be_picture(projection_of(values))


def test_the_benchmark_runs_each_of_its_tasks(tmp_path):
    """One image of a sixty-fourth of the pixels."""
    projection.images(tmp_path / "in", 1, 8)
    (path,) = (tmp_path / "in").iterdir()

    for task in projection.TASKS.values():
        (tmp_path / "out").mkdir(exist_ok=True)
        task(path, tmp_path / "out")

    assert list((tmp_path / "out").rglob("*.breast.dcm"))
