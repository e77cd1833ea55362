from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from config.errors import RejectedError
from harmonise.volume import Grid, Volume
from pipelines.cohort.frames import (
    LARGEST_CODE,
    Scale,
    frame_count,
    frame_size_mm,
    grey,
    is_comparable,
    pack_codes,
    rank_codes,
    scale_of,
)
from pipelines.cohort.packs import RANKS, ReviewPack, build_pack, load_pack


@pytest.fixture
def pack(before: Volume, after: Volume, tmp_path: Path) -> ReviewPack:
    return load_pack(tmp_path, build_pack(before, after, tmp_path, role="t2w_ax", recipe="r"))


def codes(raw: bytes, rows: int, columns: int) -> NDArray[np.uint16]:
    return np.frombuffer(raw, "<u2").reshape(rows, columns)


def test_a_window_maps_low_to_0_and_high_to_255_and_rounds_half_up() -> None:
    values = np.array([[-5.0, 0.0, 1.0, 50.0, 100.0, 105.0]])
    # 255 * 1/100 = 2.55 -> 3; 255 * 50/100 = 127.5 -> 128
    assert grey(values, 0.0, 100.0).tolist() == [[0, 0, 3, 128, 255, 255]]


def test_what_was_not_measured_is_black() -> None:
    assert grey(np.array([[np.nan, 2.0]]), -1.0, 1.0).tolist() == [[0, 255]]


def test_a_window_without_width_divides_by_nothing() -> None:
    assert grey(np.array([[1.0, 2.0, 3.0]]), 2.0, 2.0).tolist() == [[0, 0, 255]]


def test_codes_run_from_1_to_65535_over_the_scale_and_0_is_what_was_not_measured() -> None:
    scale = Scale(-10.0, 10.0)
    given = np.array([-11.0, -10.0, 0.0, 10.0, 99.0, np.nan])
    assert scale.codes(given).tolist() == [1, 1, 32768, LARGEST_CODE, LARGEST_CODE, 0]
    assert [scale.code(v) for v in (-10.0, 0.0, 10.0)] == [1, 32768, 65535]


def test_a_frame_holds_the_slice_on_the_scale_of_its_percentiles(pack: ReviewPack) -> None:
    found = codes(pack_codes(pack, "before", "slice", 1), 4, 5)
    low, high = np.percentile(np.arange(60), [0.1, 99.9])
    expected = np.rint((np.arange(20, 40) - low) / (high - low) * 65534) + 1
    assert np.abs(found.ravel() - expected).max() <= 1


def test_sides_of_different_units_have_the_same_codes_where_they_show_the_same(
    pack: ReviewPack,
) -> None:
    one, two = (codes(pack_codes(pack, s, "slice", 2), 4, 5) for s in ("before", "after"))
    # after = before / 20 - 1.5, kept as float32: one code of 65,535
    assert np.abs(one.astype(int) - two.astype(int)).max() <= 1


def test_the_codes_of_ranks_are_where_numpys_percentiles_lie(pack: ReviewPack) -> None:
    values = np.arange(60.0)
    low, high = np.percentile(values, [0.1, 99.9])
    expected = (np.percentile(values, RANKS) - low) / (high - low) * 65534 + 1
    assert rank_codes(pack.header, "before") == pytest.approx(expected, abs=0.01)


def test_quantities_of_one_unit_share_one_scale_over_both_sides(
    before: Volume, tmp_path: Path
) -> None:
    hounsfield = replace(before, unit="[hnsf'U]", quantitative=True)
    wider = hounsfield.with_values(before.values * 2)
    pack = load_pack(tmp_path, build_pack(hounsfield, wider, tmp_path, role="ct", recipe="r"))
    assert is_comparable(pack.header)
    scale = scale_of(pack.header, "before")
    assert scale == scale_of(pack.header, "after")
    low = np.percentile(np.arange(60), 0.1)
    assert (scale.low, scale.high) == pytest.approx((low, np.percentile(np.arange(60) * 2, 99.9)))


def test_equal_units_that_mean_nothing_have_each_their_own_scale(
    before: Volume, tmp_path: Path
) -> None:
    pack = load_pack(tmp_path, build_pack(before, before, tmp_path, role="t1w", recipe="r"))
    assert not is_comparable(pack.header)


@pytest.mark.parametrize("kind", ["int16", "uint16", "float32"])
def test_grey_through_codes_equals_grey_of_the_values_within_one_level(
    kind: str, tmp_path: Path
) -> None:
    rng = np.random.default_rng(3)
    span = {"int16": (-1024, 3071), "uint16": (0, 65535), "float32": (0.0, 37.5)}[kind]
    drawn = rng.uniform(*span, (2, 32, 24))
    values = (drawn if kind == "float32" else np.rint(drawn)).astype(np.float32)
    volume = Volume(values, Grid((2, 32, 24), (3.0, 0.7, 0.4)), "1")
    pack = load_pack(tmp_path, build_pack(volume, volume, tmp_path, role="x", recipe="r"))
    scale = scale_of(pack.header, "before")
    low, high = np.percentile(values, [25, 75])
    frame = codes(pack_codes(pack, "before", "slice", 1), 32, 24)
    through = grey(frame, scale.code(low), scale.code(high))
    assert np.abs(through.astype(int) - grey(values[1], low, high).astype(int)).max() <= 1


def test_both_sides_and_all_slices_are_equally_long(pack: ReviewPack) -> None:
    lengths = {
        len(pack_codes(pack, side, "slice", index))
        for side in ("before", "after")
        for index in range(3)
    }
    assert lengths == {4 * 5 * 2}


@pytest.mark.parametrize(
    ("plane", "count", "size"), [("row", 4, (9.0, 2.5)), ("column", 5, (9.0, 2.0))]
)
def test_other_planes_are_other_slices_of_the_same_array(
    pack: ReviewPack, plane: str, count: int, size: tuple[float, float]
) -> None:
    assert frame_count(pack.header, plane) == count
    assert frame_size_mm(pack.header, plane) == size
    found = codes(pack_codes(pack, "before", plane, 1), 3, 5 if plane == "row" else 4)
    array = np.arange(60).reshape(3, 4, 5)
    across = array[:, 1, :] if plane == "row" else array[:, :, 1]
    # the slice index grows towards the head, which is shown on top
    expected = scale_of(pack.header, "before").codes(across[::-1])
    assert found.tolist() == expected.tolist()


def test_a_sagittal_stack_is_not_turned_by_a_slight_tilt(before: Volume, tmp_path: Path) -> None:
    tilted = Grid(
        before.grid.shape,
        before.grid.spacing_mm,
        direction=((0.995, 0.0, 0.0995), (0.0995, 0.0, -0.995), (0.0, 1.0, 0.0)),
    )
    volume = replace(before, grid=tilted)
    pack = load_pack(tmp_path, build_pack(volume, volume, tmp_path, role="t2w_sag", recipe="r"))
    found = codes(pack_codes(pack, "before", "row", 0), 3, 5)
    assert found[0].max() < found[1].min() < found[2].min()


@pytest.mark.parametrize("index", [-1, 3])
def test_a_frame_that_is_not_there_is_refused(pack: ReviewPack, index: int) -> None:
    with pytest.raises(RejectedError, match="PACK_NO_FRAME"):
        pack_codes(pack, "before", "slice", index)
