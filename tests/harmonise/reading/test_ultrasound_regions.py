"""Ultrasound regions: which pictures a frame shows, and millimetres only where they are said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.pixels import apply_color_lut

from harmonise.classify import classify
from harmonise.geometry import judge
from harmonise.stacks import read_stacks
from harmonise.vendor.decode import rgb_frame
from harmonise.vendor.headers import quiet
from harmonise.vendor.pixels import load_volume
from tests.harmonise import builders
from tests.support import needs

ROWS, COLUMNS = 120, 160


def region(box, *, kind=(1, 1), units=(3, 3), delta=(0.05, 0.05)):
    item = Dataset()
    item.RegionSpatialFormat, item.RegionDataType = kind
    item.RegionFlags = 0
    item.RegionLocationMinX0, item.RegionLocationMinY0 = box[:2]
    item.RegionLocationMaxX1, item.RegionLocationMaxY1 = box[2:]
    item.PhysicalUnitsXDirection, item.PhysicalUnitsYDirection = units
    item.PhysicalDeltaX, item.PhysicalDeltaY = delta
    return item


def picture(*regions, frames=1, **changes):
    values = np.random.default_rng(2).integers(20, 200, (frames, ROWS, COLUMNS))
    return builders.ultrasound(values, regions, **changes)


def pictures(tmp_path, ds):
    stacks, refusals = read_stacks([builders.write(ds, tmp_path / "us.dcm")])
    assert refusals == []
    return [(classify(stack).name, judge(stack), stack) for stack in stacks]


def test_millimetres_are_ten_times_the_centimetres_of_the_region(tmp_path):
    ((role, geometry, _),) = pictures(tmp_path, picture(region((10, 5, 129, 104))))

    assert role == "us_bmode"
    assert geometry.grid.shape == (1, 100, 120)
    assert geometry.grid.spacing_mm == (None, pytest.approx(0.5), pytest.approx(0.5))
    assert geometry.code is None


def test_unequal_deltas_stay_unequal_and_signs_are_directions(tmp_path):
    ds = picture(region((0, 0, 159, 119), delta=(-0.03, 0.05)))

    ((_, geometry, _),) = pictures(tmp_path, ds)

    assert geometry.grid.spacing_mm == (None, pytest.approx(0.5), pytest.approx(0.3))


NO_MILLIMETRES = {
    "no region": ([], "US_NO_REGION"),
    "seconds": ([region((0, 0, 159, 119), units=(4, 3))], "US_UNITS_NOT_CM"),
    "as deep as a room": ([region((0, 0, 159, 119), delta=(0.5, 0.5))], "US_DEPTH_IMPLAUSIBLE"),
    "as deep as a hair": ([region((0, 0, 159, 119), delta=(1e-3, 1e-3))], "US_DEPTH_IMPLAUSIBLE"),
}


@pytest.mark.parametrize(("regions", "code"), NO_MILLIMETRES.values(), ids=NO_MILLIMETRES)
def test_what_is_not_said_is_no_millimetre(regions, code, tmp_path):
    """Not 1.0, and not PixelSpacing, which nobody knows the meaning of here."""
    ((_, geometry, _),) = pictures(tmp_path, picture(*regions, PixelSpacing=[1.0, 1.0]))

    assert geometry.grid.spacing_mm == (None, None, None)
    assert geometry.code == code


@pytest.mark.parametrize("box", [(10, 10, 300, 90), (10, 10, 90, 122), (90, 10, 20, 90)])
def test_a_box_that_does_not_fit_its_image_is_refused(box, tmp_path):
    ((_, geometry, _),) = pictures(tmp_path, picture(region(box)))

    assert geometry.grid is None
    assert geometry.code == "US_REGION_OUT_OF_BOUNDS"


def test_a_last_column_named_by_the_number_of_columns_is_the_last_column(tmp_path):
    ((_, geometry, _),) = pictures(tmp_path, picture(region((10, 10, COLUMNS, ROWS))))

    assert geometry.grid.shape == (1, ROWS - 10, COLUMNS - 10)


def test_two_panels_are_two_images_left_to_right(tmp_path):
    right, left = region((80, 0, 159, 99), delta=(0.06, 0.06)), region((0, 0, 79, 99))
    bar = region((0, 10, 5, 40), kind=(0, 13), units=(0, 0), delta=(0, 0))

    found = pictures(tmp_path, picture(right, bar, left))

    by_panel = {stack.panel: geometry.grid.spacing_mm[1] for _, geometry, stack in found}
    assert by_panel == {"p1": pytest.approx(0.5), "p2": pytest.approx(0.6)}
    first = next(s for _, _, s in found if s.panel == "p1")
    volume = load_volume(first, judge(first))
    assert volume.regions["overlay"][0, 10:41, 0:6].all(), "the grey bar is no tissue"
    assert volume.regions["overlay"].sum() == 31 * 6


def test_pictures_that_overlap_are_ambiguous(tmp_path):
    found = pictures(tmp_path, picture(region((0, 0, 119, 99)), region((40, 0, 159, 99))))

    assert [geometry.code for _, geometry, _ in found] == ["US_MULTI_REGION_AMBIGUOUS"]


KINDS = {
    "spectral": ([region((0, 0, 159, 99), kind=(3, 3))], "us_spectral"),
    "M-mode": ([region((0, 0, 159, 99), kind=(2, 1))], "us_mmode"),
    "graphics": ([region((0, 0, 159, 99), kind=(5, 12))], "us_other"),
    "colour": ([region((0, 0, 159, 99), kind=(1, 2))], "us_colour"),
    "colour on tissue": (
        [region((0, 0, 159, 99)), region((40, 20, 99, 79), kind=(1, 2))],
        "us_colour",
    ),
    "tissue beside a trace": (
        [region((0, 0, 79, 99)), region((80, 0, 159, 99), kind=(3, 3))],
        "us_bmode",
    ),
    "nothing said": ([], "us_uncalibrated"),
}


@pytest.mark.parametrize(("regions", "role"), KINDS.values(), ids=KINDS)
def test_kinds_of_pages_are_told_apart(regions, role, tmp_path):
    assert [name for name, _, _ in pictures(tmp_path, picture(*regions))] == [role]


def test_a_cine_is_one_volume_of_its_frames_in_order(tmp_path):
    ds = picture(region((10, 5, 129, 104)), frames=4)

    ((_, geometry, stack),) = pictures(tmp_path, ds)

    volume = load_volume(stack, geometry)
    assert volume.values.shape == (4, 100, 120)
    assert (volume.values == ds.pixel_array[:, 5:105, 10:130]).all()


def test_luminance_is_that_of_bt_601_and_chroma_shows_flow(tmp_path):
    """0.299 * 200 + 0.587 * 40 + 0.114 * 10 = 84.42."""
    rgb = np.full((ROWS, COLUMNS, 3), 90)
    rgb[10:40, 10:60] = (200, 40, 10)
    ds = builders.ultrasound(rgb, [region((0, 0, 159, 119))])

    ((_, geometry, stack),) = pictures(tmp_path, ds)

    volume = load_volume(stack, geometry)
    assert volume.values[0, 20, 20] == 84.0
    assert volume.values[0, 100, 100] == 90.0
    assert volume.regions["colour"].sum() == 30 * 50


def test_a_tinted_grey_scale_is_no_flow(tmp_path):
    grey = np.random.default_rng(3).integers(60, 200, (ROWS, COLUMNS, 1))
    ds = builders.ultrasound(
        (grey * np.asarray([1.0, 0.8, 0.5])).astype(int), [region((0, 0, 159, 119))]
    )

    ((_, geometry, stack),) = pictures(tmp_path, ds)

    assert "colour" not in load_volume(stack, geometry).regions


@pytest.mark.parametrize("name", ["examples_palette.dcm", "examples_ybr_color.dcm"])
def test_the_cropped_and_the_shrunk_example_of_pydicom_are_refused(name):
    stacks, _ = read_stacks([packaged(name)])

    assert {judge(stack).code for stack in stacks} == {"US_REGION_OUT_OF_BOUNDS"}


MEASURED = {
    "OBXXXX1A.dcm": [0.26229],
    "JPGLosslessP14SV1_1s_1f_8b.dcm": [0.25477],
    "gdcm-US-ALOKA-16.dcm": [0.38265, 0.38265],
}


@pytest.mark.parametrize("name", MEASURED)
def test_published_files_have_the_spacing_of_their_header(name):
    """Read from the headers by hand; files of the package pydicom-data."""
    stacks, _ = read_stacks([packaged(name)])

    found = [judge(stack).grid.spacing_mm for stack in stacks]
    assert [round(row, 5) for _, row, _ in found] == MEASURED[name]
    assert [round(column, 5) for _, _, column in found] == MEASURED[name]


@pytest.mark.parametrize("name", ["OBXXXX1A.dcm", "examples_ybr_color.dcm", "US1_J2KR.dcm"])
def test_colour_comes_out_as_pydicom_shows_it(name):
    with quiet():
        ds = pydicom.dcmread(packaged(name))
        found = rgb_frame(ds, 0)
        expected = ds.pixel_array
        if ds.PhotometricInterpretation == "PALETTE COLOR":
            expected = apply_color_lut(expected, ds) >> 8
        elif expected.ndim == 4:
            expected = expected[0]

    assert np.abs(found.astype(int) - expected).max() <= 1


def packaged(name):
    found = get_testdata_file(name, download=False)
    if found is None:
        needs.absent(name, "pip install pydicom-data")
    return Path(found)
