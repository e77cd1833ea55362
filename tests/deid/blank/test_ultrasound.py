"""Ultrasound regions: kept as they are, everything else blanked, wrong ones refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from config.errors import UnsupportedObject
from deid.blank.region import Rectangle
from deid.blank.ultrasound import outside_ultrasound_regions, ultrasound_regions


def image(*corners: tuple[int, int, int, int]) -> Dataset:
    ds = Dataset()
    ds.Rows, ds.Columns = 20, 30
    ds.SequenceOfUltrasoundRegions = []
    for left, top, right, bottom in corners:
        item = Dataset()
        item.RegionLocationMinX0, item.RegionLocationMinY0 = left, top
        item.RegionLocationMaxX1, item.RegionLocationMaxY1 = right, bottom
        ds.SequenceOfUltrasoundRegions.append(item)
    return ds


def test_everything_but_the_union_of_the_regions_is_blanked() -> None:
    ds = image((2, 3, 9, 8), (5, 6, 29, 19))
    kept = np.zeros((20, 30), bool)
    kept[3:9, 2:10] = True
    kept[6:20, 5:30] = True
    blank = np.zeros((20, 30), int)
    for r in outside_ultrasound_regions(ds):
        blank[r.row_start : r.row_stop, r.column_start : r.column_stop] += 1
    np.testing.assert_array_equal(blank, ~kept)


@pytest.mark.parametrize(
    "corners",
    [(0, 0, 31, 19), (0, 0, 29, 21), (5, 5, 4, 6), (5, 5, 6, 4), (-1, 0, 5, 5), (30, 0, 30, 5)],
)
def test_a_region_that_leaves_the_image_is_refused(corners: tuple[int, int, int, int]) -> None:
    ds = image()
    item = Dataset()
    item.add_new("RegionLocationMinX0", "SL", corners[0])  # UL has no sign
    item.RegionLocationMinY0 = corners[1]
    item.RegionLocationMaxX1, item.RegionLocationMaxY1 = corners[2:]
    ds.SequenceOfUltrasoundRegions = [item]
    with pytest.raises(UnsupportedObject, match="US_REGION_OUT_OF_BOUNDS"):
        ultrasound_regions(ds)


def test_a_last_column_named_by_the_number_of_columns_is_the_last_column() -> None:
    """Philips CX50 says 800 of 800 columns, where 799 would be the last."""
    assert ultrasound_regions(image((4, 5, 30, 20))) == (Rectangle(5, 20, 4, 30),)


def test_a_region_without_a_corner_is_refused() -> None:
    ds = image((0, 0, 5, 5))
    del ds.SequenceOfUltrasoundRegions[0].RegionLocationMaxX1
    with pytest.raises(UnsupportedObject, match="US_REGION_OUT_OF_BOUNDS"):
        ultrasound_regions(ds)


def test_an_image_without_regions_is_refused() -> None:
    with pytest.raises(UnsupportedObject, match="US_REGIONS_MISSING"):
        outside_ultrasound_regions(image())


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "refused"),
    [
        ("deid-data-philips-epiq5/GREYSCALE_IMAGE.dcm", False),
        ("pydicom-data-philips-epiq7/JPGLosslessP14SV1_1s_1f_8b.dcm", False),
        ("pydicom-sonosite/examples_ybr_color.dcm", True),  # to column 595 of 320
    ],
)
def test_real_regions_are_kept_or_refused(realdata: Path, name: str, *, refused: bool) -> None:
    ds = dcmread(realdata / "US" / name, stop_before_pixels=True)
    if refused:
        with pytest.raises(UnsupportedObject, match="US_REGION_OUT_OF_BOUNDS"):
            ultrasound_regions(ds)
    else:
        # 14 to 1010 and 38 to 758, both included, of 1024 x 768.
        area = sum(r.area for r in outside_ultrasound_regions(ds))
        assert area == 1024 * 768 - 997 * 721
