"""Headers that differ within one volume, and values that cannot be known: refused, never halved."""

from __future__ import annotations

import numpy as np
import pytest

from config.recipe import Recipe
from harmonise.geometry import judge
from harmonise.stacks import read_stacks
from harmonise.study import apply_study, plan_study
from harmonise.vendor.pixels import load_volume
from tests.harmonise import builders


def found(folder, datasets):
    stacks, refusals = read_stacks(builders.write_all(datasets, folder))
    return stacks, [refusal.code for refusal in refusals]


TEARS = {
    "ImageType": {"ImageType": ["ORIGINAL", "PRIMARY", "M", "NORM"]},
    "an echo time that is not there": {"EchoTime": None},
    "another frame of reference": {"FrameOfReferenceUID": builders.uid(99)},
    "another spacing": {"PixelSpacing": [1.0, 1.0]},
    "no spacing": {"PixelSpacing": [0, 0]},
    "one phase": {"TemporalPositionIdentifier": 2},
}


@pytest.mark.parametrize("changes", TEARS.values(), ids=TEARS.keys())
@pytest.mark.parametrize("which", [[2], [1, 3], [1, 2, 3]])
def test_slices_within_a_volume_that_say_something_else_refuse_it(changes, which, tmp_path):
    """The rest would pass for a whole volume with wider slices."""
    series = builders.t2w(5)
    for index in which:
        builders.changed(series[index], changes)

    stacks, codes = found(tmp_path, series)

    assert (stacks, codes) == ([], ["SERIES_TORN"])


@pytest.mark.parametrize("which", [0, 2, 4])
def test_a_slice_without_a_place_may_be_one_of_the_volume(which, tmp_path):
    """At the end of the stack the rest would pass for whole."""
    series = builders.t2w(5)
    del series[which].ImagePositionPatient

    stacks, codes = found(tmp_path, series)

    assert (stacks, codes) == ([], ["SERIES_TORN"])


@pytest.mark.parametrize(("frames", "groups"), [(3, 4), (4, 3)])
def test_an_enhanced_object_has_a_functional_group_a_frame(frames, groups, tmp_path):
    """PS3.3 C.7.6.16; frames without one, or one too many, are frames nobody can place."""
    places = [(0.0, 0.0, 3.0 * index) for index in range(4)]
    ds = builders.enhanced_mr(builders.ramp(4, 6, 8), places_mm=places)
    ds.NumberOfFrames = frames
    ds.PerFrameFunctionalGroupsSequence = list(ds.PerFrameFunctionalGroupsSequence)[:groups]

    stacks, codes = found(tmp_path, [ds])

    assert (stacks, codes) == ([], ["FILE_UNREADABLE"])


def test_a_phase_number_that_counts_slices_is_no_phase(tmp_path):
    series = builders.t2w(6)
    for index, ds in enumerate(series):
        ds.TemporalPositionIdentifier = index + 1

    stacks, codes = found(tmp_path, series)

    assert (stacks, codes) == ([], ["SERIES_TORN"])


def test_volumes_at_the_same_places_and_slabs_beside_each_other_are_not_torn(tmp_path):
    magnitude = builders.t2w(4)
    phase = builders.t2w(4, first_uid=200, ImageType=["ORIGINAL", "PRIMARY", "P"])
    beside = builders.t2w(
        4,
        first_uid=300,
        origin_mm=(-10.0, -20.0, -18.0),
        ImageType=["ORIGINAL", "PRIMARY", "M", "X"],
    )
    coarser = builders.t2w(
        2, first_uid=400, spacing_mm=6.5, ImageType=["DERIVED", "PRIMARY", "M", "Y"]
    )

    stacks, codes = found(tmp_path, [*magnitude, *phase, *beside, *coarser])

    assert codes == []
    assert sorted(len(stack.frames) for stack in stacks) == [2, 4, 4, 4]


def read(folder, datasets):
    stacks, _ = read_stacks(builders.write_all(datasets, folder / "in"))
    (stack,) = stacks
    return load_volume(stack, judge(stack))


def code_of(folder, datasets):
    paths = builders.write_all(datasets, folder / "in")
    (row,) = apply_study(plan_study(paths, Recipe(name="native")), folder / "out")
    return row.codes


@pytest.mark.parametrize(
    ("value", "signed", "stored"),
    [(63536, True, -2000), (-2000, True, -2000), (65535, False, 65535)],
)
def test_padding_is_signed_as_the_pixels_are_whatever_its_vr(value, signed, stored, tmp_path):
    """A CT written with (0028,0120) US 63536 beside signed pixels: -2000, not -3024 HU."""
    values = np.zeros((3, 6, 8), int)
    values[:, 0, 0] = stored
    series = builders.ct(3, values=values)
    for ds in series:
        ds.PixelRepresentation = int(signed)
        ds.PixelData = values[0].astype("<i2" if signed else "<u2").tobytes()
        ds.add_new("PixelPaddingValue", "US" if value >= 0 else "SS", value)

    volume = read(tmp_path, series)

    assert np.isnan(volume.values[:, 0, 0]).all()
    assert np.nanmin(volume.values) == -1024


SCALES = {
    "slope 0": ([0, 1, 2], {"RescaleSlope": 0}, "RESCALE_INVALID"),
    "slope 0 in one": ([1], {"RescaleSlope": 0}, "RESCALE_INVALID"),
    "none in one": ([1], {"RescaleSlope": None, "RescaleIntercept": None}, "RESCALE_INVALID"),
    "another unit in one": ([1], {"RescaleType": "US"}, "CT_NOT_HU"),
    "bits to the left": ([0, 1, 2], {"BitsStored": 12, "HighBit": 15}, "PIXELS_UNREADABLE"),
}


@pytest.mark.parametrize(("which", "changes", "code"), SCALES.values(), ids=SCALES.keys())
def test_a_scale_that_is_none_refuses_the_volume(which, changes, code, tmp_path):
    series = builders.ct(3)
    for index in which:
        builders.changed(series[index], changes)

    assert code_of(tmp_path, series) == (code,)


def test_an_mr_series_scaled_in_some_slices_only_is_refused(tmp_path):
    series = builders.t2w(3)
    builders.changed(series[1], {"RescaleSlope": 3, "RescaleIntercept": 0})

    assert code_of(tmp_path, series) == ("RESCALE_INVALID",)


def test_a_blank_pet_slice_may_have_a_slope_of_0(tmp_path):
    values = np.full((3, 6, 8), 5000)
    values[0] = 0
    series = builders.pet(3, values=values)
    series[0].RescaleSlope = 0

    volume = read(tmp_path, series)

    assert volume.values[0] == pytest.approx(0.0)
    assert volume.values[1] == pytest.approx(1.0, rel=1e-3)


def test_unused_high_bits_mean_nothing(tmp_path):
    """12 bits of 16: an overlay in the others, or a sign that was not extended (PS3.5 8.1.1)."""
    overlay = builders.ct(3, values=np.full((3, 6, 8), 0x8000 | 100), BitsStored=12, HighBit=11)
    assert read(tmp_path / "a", overlay).values == pytest.approx(100 - 1024)

    signed = builders.ct(3, values=np.full((3, 6, 8), 0x0FFF), BitsStored=12, HighBit=11)
    for ds in signed:
        ds.PixelRepresentation = 1
    assert read(tmp_path / "b", signed).values == pytest.approx(-1 - 1024)


@pytest.mark.parametrize(
    ("orientation", "verdict"),
    [
        ((1.0, 0.0, 0.0, 0.1, 0.995, 0.0), "MIXED"),
        ((1.0, 0.0, 0.0, 0.02, 0.9998, 0.0), "MIXED"),
        ((0.998, 0.0, 0.063, 0.0, 1.0, 0.001), "REGULAR"),
    ],
)
def test_rows_and_columns_that_are_not_orthogonal_span_no_image(orientation, verdict, tmp_path):
    """PS3.3 C.7.6.2.1.1; three decimals are what old scanners write."""
    (stack,), _ = found(tmp_path, builders.t2w(3, orientation=orientation))

    assert judge(stack).verdict == verdict
