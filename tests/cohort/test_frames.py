from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from config.errors import RejectedError
from harmonise.volume import Grid, Volume
from pipelines.cohort.frames import (
    Window,
    frame_count,
    frame_size_mm,
    grey,
    linked_window,
    pack_frame,
    window_limits,
)
from pipelines.cohort.packs import ReviewPack, build_pack, load_pack


@pytest.fixture
def pack(before: Volume, after: Volume, tmp_path: Path) -> ReviewPack:
    return load_pack(tmp_path, build_pack(before, after, tmp_path, role="t2w_ax", recipe="r"))


def pixels(png: bytes) -> NDArray[np.uint8]:
    """Pillow is the referee of our PNG writer."""
    with Image.open(io.BytesIO(png)) as image:
        assert image.mode == "L"
        return np.asarray(image)


def test_a_window_maps_low_to_0_and_high_to_255_and_rounds_half_up() -> None:
    values = np.array([[-5.0, 0.0, 1.0, 50.0, 100.0, 105.0]])
    # 255 * 1/100 = 2.55 -> 3; 255 * 50/100 = 127.5 -> 128
    assert grey(values, 0.0, 100.0).tolist() == [[0, 0, 3, 128, 255, 255]]


def test_what_was_not_measured_is_black() -> None:
    assert grey(np.array([[np.nan, 2.0]]), -1.0, 1.0).tolist() == [[0, 255]]


def test_a_window_without_width_divides_by_nothing() -> None:
    assert grey(np.array([[1.0, 2.0, 3.0]]), 2.0, 2.0).tolist() == [[0, 0, 255]]


def test_a_frame_shows_the_slice_as_numpy_computes_it(pack: ReviewPack) -> None:
    found = pixels(pack_frame(pack, "before", "slice", 1, Window("absolute", 20.0, 40.0)))
    expected = np.floor(np.clip((np.arange(20, 40) - 20) / 20, 0, 1) * 255 + 0.5)
    assert found.tolist() == expected.reshape(4, 5).tolist()


def test_percentile_linked_sides_of_different_units_look_alike(pack: ReviewPack) -> None:
    window = linked_window(pack.header, 1.0, 99.0)
    assert window == Window("percentile", 1.0, 99.0)
    one, two = (pixels(pack_frame(pack, s, "slice", 2, window)) for s in ("before", "after"))
    # One grey level: the percentiles are kept as float64, the values as float32.
    assert np.abs(one.astype(int) - two.astype(int)).max() <= 1


def test_the_limits_of_a_rank_are_its_percentile(pack: ReviewPack) -> None:
    window = Window("percentile", 25.0, 75.0)
    assert window_limits(pack.header, "before", window) == pytest.approx((14.75, 44.25))
    assert window_limits(pack.header, "after", window) == pytest.approx((-1.525, 1.425), abs=1e-6)


def test_quantities_of_one_unit_share_one_absolute_window(before: Volume, tmp_path: Path) -> None:
    hounsfield = replace(before, unit="[hnsf'U]", quantitative=True)
    wider = hounsfield.with_values(before.values * 2)
    pack = load_pack(tmp_path, build_pack(hounsfield, wider, tmp_path, role="ct", recipe="r"))
    window = linked_window(pack.header, 25.0, 75.0)
    assert window.mode == "absolute"
    # lowest 25th and highest 75th percentile of the two: of 0..59 and of 0..118
    assert (window.low, window.high) == pytest.approx((14.75, 88.5))


def test_equal_units_that_mean_nothing_are_linked_by_percentile(
    before: Volume, tmp_path: Path
) -> None:
    pack = load_pack(tmp_path, build_pack(before, before, tmp_path, role="t1w", recipe="r"))
    assert linked_window(pack.header, 1.0, 99.0).mode == "percentile"


def test_both_sides_and_all_slices_are_equally_long(pack: ReviewPack) -> None:
    window = linked_window(pack.header, 0.5, 99.5)
    lengths = {
        len(pack_frame(pack, side, "slice", index, window))
        for side in ("before", "after")
        for index in range(3)
    }
    assert len(lengths) == 1


@pytest.mark.parametrize(
    ("plane", "count", "size"), [("row", 4, (9.0, 2.5)), ("column", 5, (9.0, 2.0))]
)
def test_other_planes_are_other_slices_of_the_same_array(
    pack: ReviewPack, plane: str, count: int, size: tuple[float, float]
) -> None:
    assert frame_count(pack.header, plane) == count
    assert frame_size_mm(pack.header, plane) == size
    found = pixels(pack_frame(pack, "before", plane, 1, Window("absolute", 0.0, 255.0)))
    array = np.arange(60).reshape(3, 4, 5)
    across = array[:, 1, :] if plane == "row" else array[:, :, 1]
    # the slice index grows towards the head, which is shown on top
    assert found.tolist() == across[::-1].tolist()


def test_a_sagittal_stack_is_not_turned_by_a_slight_tilt(before: Volume, tmp_path: Path) -> None:
    tilted = Grid(
        before.grid.shape,
        before.grid.spacing_mm,
        direction=((0.995, 0.0, 0.0995), (0.0995, 0.0, -0.995), (0.0, 1.0, 0.0)),
    )
    volume = replace(before, grid=tilted)
    pack = load_pack(tmp_path, build_pack(volume, volume, tmp_path, role="t2w_sag", recipe="r"))
    found = pixels(pack_frame(pack, "before", "row", 0, Window("absolute", 0.0, 255.0)))
    assert found[0].tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("index", [-1, 3])
def test_a_frame_that_is_not_there_is_refused(pack: ReviewPack, index: int) -> None:
    with pytest.raises(RejectedError, match="PACK_NO_FRAME"):
        pack_frame(pack, "before", "slice", index, Window("absolute", 0.0, 1.0))
