"""Registration: a known motion is found and undone with one interpolation, nothing else is."""

from __future__ import annotations

from dataclasses import replace

import nibabel as nib
import numpy as np
import pydicom
import pytest
from scipy import ndimage

from config.recipe import Recipe, StepSpec
from harmonise.grids import centred_grid
from harmonise.interpolate import resample_onto
from harmonise.register import (
    largest_shift_mm,
    moved_grid,
    mutual_information,
    register_rigid,
)
from harmonise.series import Frame, Stack
from harmonise.slices import turned
from harmonise.stacks import read_stacks
from harmonise.steps import Context, Native, planned_steps
from harmonise.steps import align as align_step
from harmonise.study import apply_study, plan_study
from harmonise.volume import Grid, Volume
from tests.harmonise import builders

OBLIQUE = (0.96, 0.28, 0.0, -0.2688, 0.9216, 0.28)

T2 = Grid((20, 120, 120), (3.0, 1.0, 1.0), (-59.5, -59.5, -28.5))
DWI = Grid((20, 60, 60), (3.0, 2.0, 2.0), (-59.0, -59.0, -28.5))
STILL = np.eye(4)


def motion(shift_mm=(0.0, 0.0, 0.0), degrees=0.0):
    """Turn about z through the origin, then shift; LPS millimetres."""
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    matrix = np.eye(4)
    matrix[:2, :2] = [[c, -s], [s, c]]
    matrix[:3, 3] = shift_mm
    return matrix


def anatomy(grid):
    """Labels of an uneven body: smooth random bumps cut at levels, the same at every spacing."""
    rng = np.random.default_rng(11)
    bumps = ndimage.gaussian_filter(rng.normal(size=(44, 60, 60)), 2.5)
    index = np.indices(grid.shape).reshape(3, -1)
    x, y, z = (grid.affine() @ np.vstack([index, np.ones(index.shape[1])]))[:3]
    at = np.stack([z / 3 + 22, y / 3 + 30, x / 3 + 30])
    values = ndimage.map_coordinates(bumps, at, order=3, mode="nearest")
    return np.digitize(values, np.quantile(bumps, [0.2, 0.4, 0.6, 0.8])).reshape(grid.shape)


CONTRAST = {
    "t2": [120, 700, 300, 900, 500],
    50: [800, 300, 600, 150, 450],
    400: [500, 250, 420, 90, 210],
}


def image(grid, contrast, seed):
    noise = np.random.default_rng(seed).normal(0, 12, grid.shape)
    values = ndimage.gaussian_filter(np.array(contrast, float)[anatomy(grid)], 0.6) + noise
    return Volume(values.astype(np.float32), grid, "1")


@pytest.fixture(scope="module")
def scans():
    """T2 and two diffusion images of one body, in place."""
    return image(T2, CONTRAST["t2"], 1), image(DWI, CONTRAST[50], 2), image(DWI, CONTRAST[400], 3)


def displaced(volume, matrix):
    """The volume as a scanner tells it that does not know of the motion."""
    return replace(volume, grid=moved_grid(volume.grid, np.linalg.inv(matrix)))


def stack_of(series, frame_of_reference="1.9"):
    frame = Frame(".", 0, f"{series}.1", "1.2", 1, 1, None, None, None)
    return Stack(series, "1", "S", "MR", frame_of_reference, (frame,))


def align(t2, first, second, *, volume=None, frame="1.9", earlier=None, **params):
    ((step, parsed),) = planned_steps([StepSpec(step="align", params=params)])
    read = []

    def native(series, one, frame_of_reference="1.9"):
        return Native(
            stack_of(series, frame_of_reference), one.grid, lambda: read.append(series) or one
        )

    def natives(role):
        if role == "t2w_ax":
            return [native("1.1", t2)]
        return [native("1.2", one, frame) for one in (first, second) if one is not None]

    volume = volume or first
    context = Context(stack_of("1.2", frame), "dwi", t2.grid, earlier or {}, natives=natives)
    decided = step.decide(volume, parsed, context)
    return step, decided, read


KNOWN = {
    "shift": motion((4.0, -3.0, 2.0)),
    "turn": motion((0.0, 0.0, 0.0), 4.0),
    "both": motion((-3.0, 2.5, -1.5), 3.0),
}


@pytest.mark.parametrize("truth", KNOWN.values(), ids=KNOWN.keys())
def test_a_known_motion_is_found_within_half_a_millimetre(truth, scans):
    t2, first, second = scans

    step, decided, _ = align(t2, displaced(first, truth), displaced(second, truth))

    assert decided["outcome"] == "moved"
    error = np.asarray(decided["matrix"]) @ np.linalg.inv(truth)
    box = centred_grid(t2.grid, (3.0, 2.0, 2.0), (20, 40, 40))
    assert largest_shift_mm(box, error) < 0.5
    assert step.flags(decided) == ("MR_MOTION_CORRECTED",)


def test_motion_and_grid_are_one_interpolation(scans):
    """The step moves the grid and no value: what follows equals one resample of the still body."""
    t2, first, second = scans
    truth = KNOWN["both"]
    moved = displaced(first, truth)
    step, decided, _ = align(t2, moved, displaced(second, truth))
    exact = {**decided, "matrix": truth.tolist()}

    aligned = step.apply(moved, exact)

    assert (aligned.values == first.values).all()
    target = centred_grid(t2.grid, (3.0, 0.5, 0.5), (10, 60, 60))
    ours, direct = (resample_onto(v, target).values for v in (aligned, first))
    assert ours == pytest.approx(direct, abs=0.01)


def test_a_patient_who_lay_still_is_not_moved(scans):
    step, decided, _ = align(*scans)

    assert decided["matrix"] is None
    assert step.flags(decided) == ()
    assert step.apply(scans[1], decided) is scans[1]
    for before, after in decided["mutual_information"]:
        assert after < 1.05 * before


def test_a_motion_above_ten_millimetres_is_flagged_and_not_believed(scans):
    t2, first, second = scans
    truth = motion((9.0, 8.0, 0.0))

    step, decided, _ = align(t2, displaced(first, truth), displaced(second, truth))

    assert (decided["matrix"], decided["outcome"]) == (None, "too large a motion")
    assert decided["shift_mm"] == pytest.approx(np.hypot(9.0, 8.0), abs=0.5)
    assert step.flags(decided) == ("MR_MOTION_TOO_LARGE",)


def test_two_images_that_disagree_move_nothing(scans):
    """The second image lies where headers say: what fits the first makes it fit worse."""
    t2, first, second = scans
    halves = {"smallest": motion((4.0, -3.0, 2.0)), "other": motion((-4.0, 3.0, 0.0))}
    one, two = displaced(first, halves["smallest"]), displaced(second, halves["other"])
    two = replace(two, grid=one.grid)  # one series: the same headers
    two = resample_onto(displaced(second, halves["other"]), first.grid, order=1)
    two = replace(two, values=np.nan_to_num(two.values), coverage=None, grid=one.grid)

    _, decided, _ = align(t2, one, two)

    assert decided["matrix"] is None
    assert decided["outcome"] in {
        "the two images disagree about the motion",
        "mutual information does not grow enough",
    }


def test_noise_moves_nothing(scans):
    t2, first, _ = scans
    rng = np.random.default_rng(5)
    noise = [first.with_values(rng.normal(500, 50, DWI.shape)) for _ in range(2)]

    _, decided, _ = align(t2, *noise)

    assert decided["matrix"] is None


def test_one_diffusion_image_alone_proves_nothing(scans):
    t2, first, _ = scans

    _, decided, read = align(t2, first, None)

    assert decided["outcome"] == "no two diffusion images and T2W to compare"
    assert read == []


def test_another_frame_of_reference_is_left_to_its_own_flag(scans):
    _, decided, read = align(*scans, frame="1.8")

    assert decided["outcome"] == "another frame of reference"
    assert read == []


def test_a_map_of_another_place_is_not_moved_with_the_images(scans):
    t2, first, second = scans
    elsewhere = replace(first, grid=moved_grid(first.grid, motion((1.5, 0.0, 0.0))))

    _, decided, _ = align(t2, first, second, volume=elsewhere)

    assert decided["outcome"] == "not where the diffusion images are"


def test_a_diffusion_direction_turns_with_the_patient():
    """A quarter turn about the feet-head axis takes x to y (LPS)."""
    matrix = [[0.0, -1.0, 0.0, 5.0], [1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0, 0, 0, 1]]
    still, moved = {"decided": {"matrix": None}}, {"decided": {"matrix": matrix}}

    assert turned((1.0, 0.0, 0.0), [still, moved, {"decided": {}}]) == (0.0, 1.0, 0.0)
    assert turned((0.6, 0.0, 0.8), [still]) == (0.6, 0.0, 0.8)
    assert turned(None, [moved]) is None


def turned_by(matrix):
    """The step as if it had found this motion."""
    found = {"matrix": matrix.tolist(), "outcome": "moved"}
    return replace(align_step.STEP, decide=lambda *_: dict(found))


@pytest.mark.parametrize("orientation", [builders.AXIAL, builders.CORONAL, OBLIQUE])
@pytest.mark.parametrize("how", ["public", "private"])
def test_dicom_and_bvec_say_the_same_direction_after_a_motion(orientation, how, tmp_path):
    """By hand: a turn of 30 degrees about feet-head takes (0.6, 0, 0.8) to (0.5196, 0.3, 0.8)."""
    matrix = motion((1.0, 2.0, 0.0), 30.0)

    def private(_index, ds):
        builders.add_private(ds, 0x0019, "SIEMENS MR HEADER", 0x0E, "FD", [0.6, 0.0, 0.8])

    said = (
        {"DiffusionGradientOrientation": [0.6, 0.0, 0.8]}
        if how == "public"
        else {"per_slice": private}
    )
    paths = builders.write_all(builders.dwi(4, 800.0, orientation=orientation, **said), tmp_path)
    planned = plan_study(paths, Recipe(name="native"))
    steps = ((turned_by(matrix), align_step.AlignParams()),)
    plan = replace(planned, volumes=tuple(replace(v, steps=steps) for v in planned.volumes))

    (row,) = apply_study(plan, tmp_path / "out")

    by_hand = (0.6 * np.cos(np.pi / 6), 0.6 * np.sin(np.pi / 6), 0.8)
    ds = pydicom.dcmread(tmp_path / "out" / row.dicom_path / "0001.dcm")
    assert ds.DiffusionGradientOrientation == pytest.approx(by_hand, abs=1e-12)
    nifti = tmp_path / "out" / row.nifti_path
    stem = nifti.name.removesuffix(".nii.gz")
    affine = nib.load(nifti).affine
    axes = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    vector = np.loadtxt(nifti.with_name(f"{stem}.bvec"))
    if np.linalg.det(axes) > 0:  # FSL, FDT user guide
        vector[0] *= -1
    assert axes @ vector * (-1, -1, 1) == pytest.approx(by_hand, abs=1e-5)
    # read again, the object still says it
    (stack,), _ = read_stacks(sorted((tmp_path / "out" / row.dicom_path).iterdir()))
    assert stack.frames[0].gradient == pytest.approx(by_hand, abs=1e-12)


def test_an_image_without_weighting_has_no_direction_after_a_motion_either(tmp_path):
    paths = builders.write_all(
        builders.dwi(3, 0.0, DiffusionGradientOrientation=[0.6, 0.0, 0.8]), tmp_path
    )

    (row,) = apply_study(plan_study(paths, Recipe(name="native")), tmp_path / "out")

    ds = pydicom.dcmread(tmp_path / "out" / row.dicom_path / "0001.dcm")
    assert ds.DiffusionBValue == 0.0
    assert "DiffusionGradientOrientation" not in ds


def test_a_study_is_registered_once(scans):
    t2, first, second = scans
    truth = KNOWN["shift"]
    moved = [displaced(v, truth) for v in (first, second)]
    _, decided, read = align(t2, *moved)
    assert sorted(read) == ["1.1", "1.2", "1.2"]

    _, again, read = align(t2, *moved, earlier={"align:1.2": decided})

    assert again == decided
    assert read == []


def test_mutual_information_is_its_closed_form():
    """32 equally frequent levels: ln 32 with itself, 0 with a constant, unchanged by polarity."""
    grid = Grid((1, 32, 64), (1.0, 1.0, 1.0))
    ramp = np.repeat(np.arange(32.0)[:, np.newaxis], 64, axis=1)[np.newaxis]
    volume, inverse, flat = (
        Volume(v.astype(np.float32), grid, "1") for v in (ramp, -ramp, np.zeros_like(ramp))
    )

    assert mutual_information(volume, volume, STILL) == pytest.approx(np.log(32), abs=0.15)
    assert mutual_information(volume, inverse, STILL) == pytest.approx(
        mutual_information(volume, volume, STILL), abs=1e-6
    )
    assert mutual_information(volume, flat, STILL) == pytest.approx(0.0, abs=1e-9)


def test_registration_gives_the_same_matrix_twice(scans):
    t2, first, _ = scans
    moved = displaced(first, KNOWN["both"])

    assert (register_rigid(t2, moved) == register_rigid(t2, moved)).all()
