"""The geometry gate, against arithmetic, highdicom and SimpleITK."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from highdicom.spatial import get_series_volume_positions
from hypothesis import given, settings
from hypothesis import strategies as st

from harmonise.geometry import POSITION_TOLERANCE_MM, judge
from harmonise.series import Frame, Stack
from harmonise.stacks import read_stacks
from tests.harmonise import builders

REGULAR = {
    "MR/prostatex-0000-siemens-skyra/t2_tse_tra": 3.0,
    "MR/prostatex-0000-siemens-skyra/adc": 3.0,
    "MR/prostatex-0000-siemens-skyra/calc_bval": 3.0,
    "MR/prostate-mri-0001-philips-achieva/t2_tse_ax": 3.0,
    "MR/dcm_qa_deident-ge": 1.2,
    "MR/dicom2nifti-hitachi": 4.0,
    "MR/pseudo-phi-siemens-vision": 9.6,
    "CT/crlm-1004-ge-lightspeed16": 5.0,
    "PETCT/ibsi-sts_002/CT": 3.27,
    "PETCT/ibsi-sts_002/PET": 3.27,
    "PETCT/ibsi-sts_002/MR_T1": 3.269955,
    "PT/suv-dro/DRO_0_0/PT": 4.0,
}


def stack_at(
    places: np.ndarray, orientation: np.ndarray, modality: str = "MR", header: dict | None = None
) -> Stack:
    frames = tuple(
        Frame(
            path=Path(f"{index}.dcm"),
            frame_index=0,
            sop_instance_uid=f"1.2.{index}",
            sop_class_uid=builders.MR,
            rows=6,
            columns=8,
            position_mm=tuple(float(v) for v in place),
            orientation=tuple(float(v) for v in orientation),
            pixel_spacing_mm=(2.0, 1.5),
        )
        for index, place in enumerate(places)
    )
    return Stack("1.2.3", "1.2", "S", modality, None, frames, header=header or {})


@st.composite
def orientations(draw: st.DrawFn) -> np.ndarray:
    """Any two orthonormal cosines, from a quaternion."""
    parts = [draw(st.floats(-1, 1)) for _ in range(4)]
    quaternion = np.asarray(parts)
    if np.linalg.norm(quaternion) < 0.1:
        quaternion = np.asarray([1.0, 0.0, 0.0, 0.0])
    w, x, y, z = quaternion / np.linalg.norm(quaternion)
    first = [1 - 2 * (y * y + z * z), 2 * (x * y + z * w), 2 * (x * z - y * w)]
    second = [2 * (x * y - z * w), 1 - 2 * (x * x + z * z), 2 * (y * z + x * w)]
    return np.asarray(first + second)


@settings(max_examples=60, deadline=None)
@given(
    orientation=orientations(),
    count=st.integers(2, 60),
    spacing=st.floats(0.3, 12.0),
    origin=st.tuples(*[st.floats(-500, 500)] * 3),
    seed=st.integers(0, 99),
)
def test_a_regular_grid_at_any_orientation_is_regular_with_its_spacing_in_any_file_order(
    orientation, count, spacing, origin, seed
):
    normal = np.cross(orientation[:3], orientation[3:])
    places = np.asarray(origin) + np.outer(np.arange(count) * spacing, normal)
    shuffled = np.random.default_rng(seed).permutation(count)

    geometry = judge(stack_at(places[shuffled], orientation))

    assert geometry.verdict == "REGULAR"
    assert geometry.grid.spacing_mm == pytest.approx((spacing, 2.0, 1.5), abs=1e-6)
    assert geometry.grid.origin_mm == pytest.approx(origin, abs=1e-6)
    assert [shuffled[i] for i in geometry.order] == list(range(count))
    last = geometry.grid.affine() @ [count - 1, 0, 0, 1]
    assert last[:3] == pytest.approx(places[-1], abs=1e-5)


@settings(max_examples=60, deadline=None)
@given(
    orientation=orientations(),
    count=st.integers(5, 40),
    spacing=st.floats(0.3, 12.0),
    data=st.data(),
)
def test_removing_one_inner_slice_is_missing_at_the_right_place(orientation, count, spacing, data):
    hole = data.draw(st.integers(1, count - 2))
    normal = np.cross(orientation[:3], orientation[3:])
    places = np.outer(np.delete(np.arange(count), hole) * spacing, normal)

    geometry = judge(stack_at(places, orientation))

    assert (geometry.verdict, geometry.code) == ("MISSING", "MR_MISSING_SLICE")
    assert geometry.grid is None
    assert f"1 of {count} missing" in geometry.detail
    assert f"1 after slice {hole}" in geometry.detail


@settings(max_examples=40, deadline=None)
@given(count=st.integers(3, 30), jitter=st.floats(0.0, 0.9), seed=st.integers(0, 999))
def test_jitter_within_the_tolerance_is_regular(count, jitter, seed):
    """A fit can only come closer than the true grid on average, hence half the tolerance."""
    rng = np.random.default_rng(seed)
    along = np.arange(count) * 3.0 + rng.uniform(-1, 1, count) * jitter * POSITION_TOLERANCE_MM / 2
    places = np.column_stack([np.zeros(count), np.zeros(count), along])

    geometry = judge(stack_at(places, np.asarray(builders.AXIAL)))

    assert geometry.verdict == "REGULAR"
    assert geometry.largest_error_mm <= POSITION_TOLERANCE_MM


def axial(*along: float, modality: str = "MR", shift: float = 0.0) -> Stack:
    places = np.column_stack([np.zeros(len(along)), np.asarray(along) * shift, along])
    return stack_at(places, np.asarray(builders.AXIAL), modality)


@pytest.mark.parametrize(
    ("stack", "verdict", "code", "said"),
    [
        (axial(0, 3, 3, 6), "DUPLICATE", "MR_DUPLICATE_SLICE", "1 of 4 slices repeated"),
        (axial(0, 3, 8.5, 12), "UNEVEN", "MR_UNEVEN_SPACING", "steps of 3.000 to 5.500 mm"),
        (axial(0, 3, 6, 9, shift=-1.2), "TILT", "MR_TILT", "50.19 degrees"),
        (axial(0, 3, 6, 12, shift=0.3346), "MISSING", "MR_MISSING_SLICE", "1 of 5 missing"),
        (axial(0, 2, 8, 10, modality="CT"), "MISSING", "CT_MISSING_SLICE", "2 of 6 missing"),
        (axial(0, 4, 12, modality="PT"), "MISSING", "PT_MISSING_SLICE", "1 of 4 missing"),
        (axial(0, 0.3, 0.6, 1.2, 1.5), "MISSING", "MR_MISSING_SLICE", "1 of 6 missing"),
    ],
)
def test_a_stack_that_no_regular_grid_fits_gets_its_verdict(stack, verdict, code, said):
    geometry = judge(stack)

    assert (geometry.verdict, geometry.code, geometry.grid) == (verdict, code, None)
    assert said in geometry.detail


@pytest.mark.parametrize(
    ("stack", "verdict", "codes", "said"),
    [
        (axial(0, 3, 7.5, 10), "UNEVEN", ("MR_UNEVEN_CORRECTED",), "steps of 2.500 to 4.500 mm"),
        (axial(0, 1, 2, 3, 3.4), "UNEVEN", ("MR_UNEVEN_CORRECTED",), "0.400"),
        (axial(0, 3, 6, 9, shift=0.3346), "TILT", ("MR_TILT_CORRECTED",), "18.50 degrees"),
        (
            axial(0, 3, 7.5, 10, modality="PT", shift=0.3346),
            "TILT",
            ("PT_TILT_CORRECTED", "PT_UNEVEN_CORRECTED"),
            "18.50 degrees",
        ),
    ],
)
def test_a_stack_that_can_be_corrected_gets_its_verdict_a_grid_and_its_flags(
    stack, verdict, codes, said
):
    geometry = judge(stack)

    assert (geometry.verdict, geometry.code) == (verdict, codes[0])
    assert geometry.correction.codes == codes
    assert geometry.grid is not None
    assert said in geometry.detail


def test_a_slice_moved_sideways_alone_is_uneven_and_not_a_tilt():
    places = np.asarray([[0, 0, 0], [0, 0, 3], [0, 2, 6], [0, 0, 9]], dtype=float)

    geometry = judge(stack_at(places, np.asarray(builders.AXIAL)))

    assert geometry.verdict == "UNEVEN"
    assert "displaced in plane" in geometry.detail


def test_a_stack_whose_slices_turn_is_mixed():
    turned = [builders.AXIAL, builders.AXIAL, builders.SAGITTAL]
    stack = stack_at(np.asarray([[0, 0, z] for z in (0, 3, 6)], float), np.asarray(turned[0]))
    frames = tuple(
        Frame(**{**frame.__dict__, "orientation": turn})
        for frame, turn in zip(stack.frames, turned, strict=True)
    )

    geometry = judge(Stack("1", "1", "S", "MR", None, frames))

    assert (geometry.verdict, geometry.code) == ("MIXED", "MR_MIXED_ORIENTATION")


def test_the_third_direction_is_the_row_direction_crossed_with_the_column_direction():
    """PS3.3 C.7.6.2.1.1; sagittal: columns run to +y, rows to -z, the normal to -x."""
    places = np.asarray([[-3.0 * i, 0, 0] for i in range(3)])

    grid = judge(stack_at(places, np.asarray(builders.SAGITTAL))).grid

    assert np.asarray(grid.direction) == pytest.approx(
        np.asarray([[-1, 0, 0], [0, 0, -1], [0, 1, 0]])
    )
    assert grid.origin_mm == pytest.approx((0, 0, 0))


def test_one_slice_takes_its_extent_from_the_spacing_between_slices():
    one = np.asarray([[0.0, 0.0, 5.0]])
    header = {"SpacingBetweenSlices": 3.6, "SliceThickness": 3.0}

    geometry = judge(stack_at(one, np.asarray(builders.AXIAL), header=header))

    assert (geometry.verdict, geometry.code) == ("REGULAR", None)
    assert geometry.grid.spacing_mm == (3.6, 2.0, 1.5)
    assert "(0018,0088)" in geometry.detail


@pytest.mark.parametrize(("header", "spacing"), [({"SliceThickness": 3.0}, 3.0), ({}, None)])
def test_one_slice_without_it_is_flagged_and_never_invented(header, spacing):
    one = np.asarray([[0.0, 0.0, 5.0]])

    geometry = judge(stack_at(one, np.asarray(builders.AXIAL), header=header))

    assert (geometry.verdict, geometry.code) == ("REGULAR", "MR_SLICE_SPACING_ASSUMED")
    assert geometry.grid.spacing_mm[0] == spacing


def test_a_slice_without_a_position_is_refused_and_a_projection_is_planar(tmp_path):
    missing = builders.write_all(builders.t2w(1, ImagePositionPatient=None), tmp_path / "mr")
    mammogram = builders.write(
        builders.mammogram(np.zeros((4, 5)), EstimatedRadiographicMagnificationFactor=1.4),
        tmp_path / "mg.dcm",
    )

    (slice_stack,), _ = read_stacks(missing)
    (projection,), _ = read_stacks([mammogram])

    assert judge(slice_stack).code == "MR_NO_POSITION"
    assert judge(slice_stack).grid is None
    planar = judge(projection)
    assert (planar.verdict, planar.code) == ("PLANAR", None)
    assert planar.grid.spacing_mm == pytest.approx((None, 0.05, 0.05))
    assert not planar.grid.positioned
    assert "(0018,1114)" in planar.detail


@pytest.mark.parametrize(
    ("changes", "spacing", "source"),
    [
        (
            {"PixelSpacing": [0.06, 0.06], "PixelSpacingCalibrationType": "FIDUCIAL"},
            0.06,
            "(0028,0030), calibrated",
        ),
        ({"PixelSpacing": [0.06, 0.06]}, 0.07, "(0018,1164) / (0018,1114) 1"),
        (
            {"EstimatedRadiographicMagnificationFactor": None},
            0.07,
            "(0018,1164) at the detector, no (0018,1114)",
        ),
    ],
)
def test_a_projection_says_where_its_spacing_comes_from(tmp_path, changes, spacing, source):
    path = builders.write(builders.mammogram(np.zeros((4, 5)), **changes), tmp_path / "mg.dcm")

    (stack,), _ = read_stacks([path])

    assert judge(stack).grid.spacing_mm == pytest.approx((None, spacing, spacing))
    assert judge(stack).detail == f"spacing: {source}"


def test_cosines_that_span_no_plane_and_pixels_without_spacing_are_refused(tmp_path):
    flat = builders.write_all(
        builders.t2w(2, ImageOrientationPatient=[1, 0, 0, 1, 0, 0]), tmp_path / "flat"
    )
    unspaced = builders.write_all(builders.ct(2, PixelSpacing=None), tmp_path / "ct")

    assert judge(read_stacks(flat)[0][0]).code == "MR_MIXED_ORIENTATION"
    assert judge(read_stacks(unspaced)[0][0]).code == "CT_NO_PIXEL_SPACING"


def test_a_projection_without_a_spacing_keeps_it_unknown(tmp_path):
    path = builders.write(
        builders.mammogram(np.zeros((4, 5)), ImagerPixelSpacing=None), tmp_path / "mg.dcm"
    )

    (stack,), _ = read_stacks([path])

    assert judge(stack).grid.spacing_mm == (None, None, None)


@pytest.mark.realdata
@pytest.mark.parametrize("folder", sorted(REGULAR))
def test_a_complete_real_series_is_regular_as_highdicom_and_simpleitk_place_it(realdata, folder):
    paths = sorted((realdata / folder).glob("*"))

    (stack,), refusals = read_stacks(paths)
    geometry = judge(stack)

    assert not refusals
    assert geometry.verdict == "REGULAR"
    assert geometry.grid.spacing_mm[0] == pytest.approx(REGULAR[folder], abs=1e-4)
    datasets = [pydicom.dcmread(path, stop_before_pixels=True) for path in paths]
    referee, positions = get_series_volume_positions(datasets)
    assert referee == pytest.approx(geometry.grid.spacing_mm[0], abs=1e-4)
    # highdicom sorts against the normal by its own convention; the order is ours or its mirror
    ours = [positions[paths.index(stack.frames[i].path)] for i in geometry.order]
    assert ours in (sorted(ours), sorted(ours, reverse=True))
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames([str(stack.frames[i].path) for i in geometry.order])
    image = reader.Execute()
    size = np.asarray(image.GetSize())
    for corner in np.ndindex(2, 2, 2):
        index = (size - 1) * np.asarray(corner)
        expected = image.TransformIndexToPhysicalPoint([int(i) for i in index])
        place = geometry.grid.affine() @ [*(float(i) for i in index[::-1]), 1.0]
        assert place[:3] == pytest.approx(expected, abs=1e-3)


@pytest.mark.realdata
def test_pet_that_jitters_by_0_04_mm_is_regular_where_highdicom_refuses(realdata):
    paths = sorted((realdata / "PT/sts_001-ge-discovery-st").glob("*"))

    (stack,), _ = read_stacks(paths)
    geometry = judge(stack)

    datasets = [pydicom.dcmread(path, stop_before_pixels=True) for path in paths]
    assert get_series_volume_positions(datasets) == (None, None)
    assert geometry.verdict == "REGULAR"
    assert geometry.largest_error_mm == pytest.approx(0.04, abs=0.005)
    assert geometry.grid.shape == (267, 128, 128)
    assert geometry.grid.spacing_mm[0] == pytest.approx(3.27, abs=1e-3)


@pytest.mark.realdata
def test_the_series_whose_publisher_removed_a_slice_is_missing_one(realdata):
    folder = realdata / "MR/prostatex-0000-siemens-skyra/calc_bval_missing_slice"

    (stack,), _ = read_stacks(sorted(folder.glob("*")))
    geometry = judge(stack)

    assert (geometry.verdict, geometry.code) == ("MISSING", "MR_MISSING_SLICE")
    assert "1 of 19 missing at 3.000 mm" in geometry.detail


@pytest.mark.realdata
def test_the_tilted_ct_is_a_tilt_of_18_5_degrees(realdata):
    folder = realdata / "CT/dcm_qa_ct-philips-tilt-phantom"

    (stack,), _ = read_stacks(sorted(folder.glob("*")))
    geometry = judge(stack)

    assert (geometry.verdict, geometry.code) == ("TILT", "CT_TILT_CORRECTED")
    assert "18.50 degrees" in geometry.detail
