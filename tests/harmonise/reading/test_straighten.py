"""Corrected copies, against an analytic scene: known functions of patient coordinates (LPS, mm)."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from config.recipe import Recipe
from harmonise.geometry import judge
from harmonise.stacks import read_stacks
from harmonise.study import apply_study, plan_study
from harmonise.vendor.pixels import load_volume
from tests.harmonise import builders

OBLIQUE = (0.96, 0.28, 0.0, -0.168, 0.576, 0.8)
"""Orthonormal: (24/25, 7/25, 0) and a unit vector normal to it."""

SHAPE = (28, 30)
"""Rows and columns of a built slice, 2.0 x 1.5 mm."""

EVEN = np.arange(9) * 2.5
UNEVEN = np.array([0.0, 2.0, 4.5, 6.5, 9.5, 12.0, 14.1, 17.1, 19.0])
SCALE = 0.01
"""Rescale slope: stored integers keep a hundredth of a unit."""


def scene(points: np.ndarray) -> np.ndarray:
    """Return waves of 24 mm and more: what 3 mm voxels can hold."""
    x, y, z = points
    return 60 + 20 * np.sin(x / 4) + 15 * np.cos(y / 5) + 10 * np.sin(z / 6)


def axes_of(orientation):
    across, down = np.array(orientation, float).reshape(2, 3)
    return np.cross(across, down), down, across


def built(folder, along, tilt_degrees, function, orientation=builders.AXIAL, **changes):
    """Write a CT series sampled from a function on slices sheared along the rows."""
    normal, down, across = axes_of(orientation)
    rows, columns = np.meshgrid(*(np.arange(n) for n in SHAPE), indexing="ij")
    slope = np.tan(np.radians(tilt_degrees))
    starts = [np.array([-20.0, -25, -30]) + d * normal + d * slope * down for d in along]
    values = np.stack(
        [
            function(
                start[:, None, None]
                + down[:, None, None] * 2.0 * rows
                + across[:, None, None] * 1.5 * columns
            )
            for start in starts
        ]
    )

    def place(index, ds):
        ds.ImagePositionPatient = [f"{v:.10g}" for v in starts[index]]

    said = {"RescaleSlope": SCALE, "RescaleIntercept": 0, "SliceThickness": 2.5, **changes}
    series = builders.ct(
        len(along),
        values=np.round(values / SCALE),
        orientation=orientation,
        per_slice=place,
        **said,
    )
    return builders.write_all(series, folder)


def volume_of(paths):
    (stack,), refusals = read_stacks(paths)
    assert refusals == []
    geometry = judge(stack)
    return geometry, load_volume(stack, geometry)


def points_of(volume):
    """Return the LPS position of every voxel, shape (3, slices, rows, columns)."""
    index = np.indices(volume.grid.shape).reshape(3, -1)
    flat = volume.grid.affine() @ np.vstack([index, np.ones(index.shape[1])])
    return flat[:3].reshape(3, *volume.grid.shape)


def inner(volume, margin=3):
    """Voxels at least ``margin`` from anything no slice covered, within their plane."""
    covered = np.isfinite(volume.values)
    kept = covered.copy()
    for axis in (1, 2):
        for step in range(1, margin + 1):
            for way in (-step, step):
                moved = np.roll(covered, way, axis)
                edge = [slice(None)] * 3
                edge[axis] = slice(0, way) if way > 0 else slice(way, None)
                moved[tuple(edge)] = False
                kept &= moved
    return kept


CASES = [
    ("tilt", EVEN, 18.5, ("CT_TILT_CORRECTED",), "TILT"),
    ("tilted the other way", EVEN, -27.0, ("CT_TILT_CORRECTED",), "TILT"),
    ("uneven", UNEVEN, 0.0, ("CT_UNEVEN_CORRECTED",), "UNEVEN"),
    ("both", UNEVEN, 18.5, ("CT_TILT_CORRECTED", "CT_UNEVEN_CORRECTED"), "TILT"),
]
BY_NAME = pytest.mark.parametrize(
    ("along", "tilt", "codes", "verdict"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)


@BY_NAME
@pytest.mark.parametrize("orientation", [builders.AXIAL, OBLIQUE], ids=["axial", "oblique"])
@pytest.mark.parametrize("axis", [0, 1, 2], ids=["x", "y", "z"])
def test_every_voxel_of_a_corrected_copy_holds_its_own_coordinate_to_0_1_mm(
    tmp_path, along, tilt, codes, verdict, orientation, axis
):
    """The scene is the coordinate itself, plus 500 mm: what a voxel holds says where it lies."""
    paths = built(tmp_path, along, tilt, lambda p: p[axis] + 500.0, orientation)

    geometry, volume = volume_of(paths)

    assert (geometry.verdict, geometry.correction.codes) == (verdict, codes)
    kept = inner(volume)
    assert kept.mean() > 0.3
    error = np.abs(volume.values - 500.0 - points_of(volume)[axis])[kept]
    assert error.max() <= 0.1


@BY_NAME
def test_a_smooth_scene_comes_out_of_a_corrected_copy_as_it_went_in(
    tmp_path, along, tilt, codes, verdict
):
    """Linear weighing over a gap h errs by h^2/8 of the curvature: 10/36 x 9/8 = 0.31."""
    _, volume = volume_of(built(tmp_path, along, tilt, scene))

    error = np.abs(volume.values - scene(points_of(volume)))[inner(volume)]

    assert error.max() <= (0.31 + 0.1 if "UNEVEN" in "".join(codes) else 0.1)
    assert float(np.sqrt((error**2).mean())) <= 0.12


@BY_NAME
def test_every_source_slice_lies_on_the_grid_and_nothing_of_it_is_cut_off(
    tmp_path, along, tilt, codes, verdict
):
    geometry, volume = volume_of(built(tmp_path, along, tilt, scene))
    grid, correction = geometry.grid, geometry.correction

    assert grid.spacing_mm[0] <= np.diff(along).min() + 1e-9
    assert grid.spacing_mm[0] * (grid.shape[0] - 1) == pytest.approx(along[-1])
    for row, column in correction.aside_pixels:
        assert 0 <= row <= grid.shape[1] - SHAPE[0]
        assert 0 <= column <= grid.shape[2] - SHAPE[1]
    share = np.isfinite(volume.values).mean()
    assert share > 0.9 * SHAPE[0] * SHAPE[1] / (grid.shape[1] * grid.shape[2])
    assert volume.coverage is None or (volume.coverage == np.isfinite(volume.values)).all()


def test_simpleitk_alone_misplaces_the_same_tilted_slices_by_millimetres(tmp_path):
    paths = built(tmp_path, EVEN, 18.5, lambda p: p[1] + 500.0)
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames([str(path) for path in paths])

    image = reader.Execute()

    corner = image.TransformIndexToPhysicalPoint((0, 0, len(paths) - 1))
    assert abs(image[0, 0, len(paths) - 1] - 500.0 - corner[1]) > 5.0


def test_whole_pixel_shears_are_moved_and_not_interpolated(tmp_path):
    """45 degrees at 2.0 mm: one row a slice, exactly."""
    paths = built(tmp_path, np.arange(5) * 2.0, 44.99999, scene)

    (stack,), _ = read_stacks(paths)
    geometry = judge(stack)
    volume = load_volume(stack, geometry)

    stored = [pydicom.dcmread(path).pixel_array * SCALE for path in paths]
    for index, image in enumerate(stored):
        assert volume.values[index, index : index + SHAPE[0]] == pytest.approx(image, abs=1e-4)


@pytest.mark.parametrize(
    ("along", "tilt", "verdict", "code", "said"),
    [
        ([0, 4, 9.5, 15, 19], 0.0, "UNEVEN", "CT_UNEVEN_SPACING", "wider than 5 mm"),
        ([0, 4, 9.5, 15, 19], 18.5, "UNEVEN", "CT_UNEVEN_SPACING", "wider than 5 mm"),
        ([0, 2, 4, 8, 10, 12], 18.5, "MISSING", "CT_MISSING_SLICE", "1 of 7 missing"),
        ([0, 1.2, 2.2, 4.9, 5.8, 7], 0.0, "MISSING", "CT_MISSING_SLICE", "lone gap after slice 3"),
        ([0, 2, 4, 6], 50.0, "TILT", "CT_TILT", "50.00 degrees"),
    ],
)
def test_what_no_correction_can_mend_is_refused(tmp_path, along, tilt, verdict, code, said):
    (stack,), _ = read_stacks(built(tmp_path, np.array(along, float), tilt, scene))

    geometry = judge(stack)

    assert (geometry.verdict, geometry.code, geometry.grid) == (verdict, code, None)
    assert said in geometry.detail


@pytest.mark.parametrize(
    ("upper_mm", "verdict", "code"),
    [
        (4.0, "UNEVEN", "CT_UNEVEN_CORRECTED"),
        (5.0, "MISSING", "CT_MISSING_SLICE"),  # exactly every second one: cannot be told from loss
    ],
)
def test_a_protocol_of_two_spacings_is_corrected_unless_it_looks_like_lost_slices(
    tmp_path, upper_mm, verdict, code
):
    along = np.concatenate([np.arange(6) * 2.5, 12.5 + np.arange(1, 6) * upper_mm])

    (stack,), _ = read_stacks(built(tmp_path, along, 0.0, scene))
    geometry = judge(stack)

    assert (geometry.verdict, geometry.code) == (verdict, code)
    if geometry.grid is not None:
        assert geometry.grid.spacing_mm[0] <= 2.5


def test_a_corrected_copy_is_delivered_for_review_with_its_flag_and_its_sources(tmp_path):
    paths = built(tmp_path / "in", UNEVEN, 18.5, scene)
    plan = plan_study(paths, Recipe(name="native"))

    (row,) = apply_study(plan, tmp_path / "out")

    assert row.verdict == "REVIEW"
    assert row.codes == ("CT_TILT_CORRECTED", "CT_UNEVEN_CORRECTED")
    folder = tmp_path / "out" / row.dicom_path
    derived = [pydicom.dcmread(path) for path in sorted(folder.glob("*.dcm"))]
    assert len(derived) == row.slices
    assert len(derived[0].SourceImageSequence) == 1, "the first plane is the first slice"
    assert {len(ds.SourceImageSequence) for ds in derived} == {1, 2}
    image = nib.load(tmp_path / "out" / row.nifti_path)
    assert image.shape == (row.columns, row.rows, row.slices)


@pytest.mark.realdata
def test_the_real_tilted_ct_is_corrected_by_its_own_positions(realdata):
    """2.371 mm along the normal (the reference tables); slices 0.793 mm lower each in plane."""
    folder = realdata / "CT/dcm_qa_ct-philips-tilt-phantom"
    paths = sorted(folder.glob("*"))

    geometry, volume = volume_of(paths)

    assert geometry.grid.spacing_mm[0] == pytest.approx(2.371, abs=1e-3)
    heads = {p: pydicom.dcmread(p, stop_before_pixels=True) for p in paths}
    (stack,), _ = read_stacks(paths)
    to_index = np.linalg.inv(geometry.grid.affine())
    for plane, frame in enumerate(geometry.order):
        place = [float(v) for v in heads[stack.frames[frame].path].ImagePositionPatient]
        at = (to_index @ [*place, 1.0])[:3] * np.array(geometry.grid.spacing_mm)
        assert at[0] == pytest.approx(plane * geometry.grid.spacing_mm[0], abs=0.1)
        row, column = geometry.correction.aside_pixels[plane]
        assert at[1] == pytest.approx(row * geometry.grid.spacing_mm[1], abs=1e-3)
        assert at[2] == pytest.approx(column * geometry.grid.spacing_mm[2], abs=1e-3)
    assert np.isfinite(volume.values).mean() > 0.95
