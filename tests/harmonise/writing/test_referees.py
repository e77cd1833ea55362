"""Independent readers of what was written: dciodvfy, SimpleITK's GDCM, dcm2niix."""

from __future__ import annotations

import json

import nibabel as nib
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from tests.support import referees

pytestmark = pytest.mark.realdata

VOLUMES = [
    ("prostate", "t2w_ax", None),
    ("prostate", "adc", None),
    ("prostate", "dwi", 50.0),
    ("prostate", "dwi", 400.0),
    ("prostate", "dwi", 800.0),
    ("philips", "t2w_ax", None),
    ("ct", "ct", None),
    ("prostate", "adc_refit", None),
    ("prostate", "dwi_calc_refit", 1400.0),
    ("pet", "pt", None),
    ("hitachi", "pd", None),
]
PLANAR = [("mammogram", "mg_presentation", None), ("mammogram-native", "mg_presentation", None)]

AFFINE_TOLERANCE_MM = 1e-6
HALF_STEP = 0.505
"""Half a quantisation step; readers hold the slope in float32, which adds a little."""


def names(volumes):
    return [f"{run}-{role}{'' if b is None else f'-b{b:g}'}" for run, role, b in volumes]


def opened(runs, name, role, b_value):
    """Folder, NIfTI values, the grid's matrix (RAS) in double precision, quantisation step."""
    run = runs(name)
    row = run.row(role, b_value)
    folder = run.out / row.dicom_path
    image = nib.load(run.out / row.nifti_path)
    side = json.loads((run.out / f"{row.dicom_path}.json").read_bytes())
    grid = side["output"]["grid"]
    axes = np.array(grid["direction"]) * np.array(grid["spacing_mm"], float)[:, np.newaxis]
    lps = np.column_stack([*axes[::-1], grid["origin_mm"]])
    affine = np.vstack([lps * [[-1.0], [-1.0], [1.0]], [0.0, 0.0, 0.0, 1.0]])
    slope = float(pydicom.dcmread(folder / "0001.dcm", stop_before_pixels=True).RescaleSlope)
    return folder, np.asarray(image.dataobj, dtype=np.float64), affine, slope


def float32_step(affine):
    """Distance between neighbouring float32 numbers at the matrix's largest one."""
    return float(np.spacing(np.float32(np.abs(affine).max())))


@pytest.mark.parametrize(("name", "role", "b_value"), VOLUMES, ids=names(VOLUMES))
def test_simpleitk_reads_the_same_affine_and_values(name, role, b_value, runs):
    folder, ours, affine, slope = opened(runs, name, role, b_value)

    values, theirs = referees.by_simpleitk(folder)

    assert theirs == pytest.approx(affine, abs=AFFINE_TOLERANCE_MM)
    measured = np.isfinite(ours)
    assert np.abs(values[measured] - ours[measured]).max() <= HALF_STEP * slope


@pytest.mark.parametrize(("name", "role", "b_value"), VOLUMES, ids=names(VOLUMES))
def test_dcm2niix_reads_the_same_place_and_values(name, role, b_value, runs, tmp_path):
    folder, ours, affine, slope = opened(runs, name, role, b_value)

    read = referees.by_dcm2niix(folder, tmp_path)
    values, theirs = referees.on_our_voxels(read, ours.shape, affine)

    # dcm2niix computes, and NIfTI-1 holds, in float32: two of its steps, 6e-5 at 500 mm
    assert theirs == pytest.approx(affine, abs=2 * float32_step(affine))
    measured = np.isfinite(ours)
    assert np.abs(values[measured] - ours[measured]).max() <= HALF_STEP * slope


@pytest.mark.parametrize(("name", "role", "b_value"), VOLUMES, ids=names(VOLUMES))
def test_nifti_holds_the_place_as_well_as_float32_can(name, role, b_value, runs):
    _, _, affine, _ = opened(runs, name, role, b_value)
    row = runs(name).row(role, b_value)

    held = nib.load(runs(name).out / row.nifti_path).affine

    assert held == pytest.approx(affine, abs=float32_step(affine) / 2)


@pytest.mark.parametrize(("name", "role", "b_value"), PLANAR, ids=names(PLANAR))
def test_simpleitk_reads_the_same_mammogram(name, role, b_value, runs):
    run = runs(name)
    row = run.row(role, b_value)
    folder = run.out / row.dicom_path
    ours = np.asarray(nib.load(run.out / row.nifti_path).dataobj)
    slope = float(pydicom.dcmread(folder / "0001.dcm", stop_before_pixels=True).RescaleSlope)

    image = sitk.ReadImage(str(folder / "0001.dcm"))

    assert (ours == sitk.GetArrayFromImage(image).T).all()
    assert slope == 1.0
    expected = [0.1, 0.1] if name == "mammogram" else [0.0940909, 0.0940909]
    ds = pydicom.dcmread(folder / "0001.dcm", stop_before_pixels=True)
    assert [float(v) for v in ds.ImagerPixelSpacing] == pytest.approx(expected, abs=1e-6)


CHECKED = [*VOLUMES, *PLANAR, ("prostate", "dwi_calc", 1000.0)]


@pytest.mark.parametrize(("name", "role", "b_value"), CHECKED, ids=names(CHECKED))
def test_dciodvfy_finds_no_error_that_the_source_did_not_have(name, role, b_value, runs):
    run = runs(name)
    row = run.row(role, b_value)
    (planned,) = [v for v in run.plan.volumes if v.volume_id == row.volume_id]
    frames = planned.stack.frames
    allowed = referees.all_dciodvfy_errors([frames[0].path, frames[-1].path])
    files = sorted((run.out / row.dicom_path).iterdir())

    few = (files[0], files[len(files) // 2], files[-1])

    assert referees.all_dciodvfy_errors(few) <= allowed


def test_objects_made_from_enhanced_ones_are_valid_classic_mr(runs):
    run = runs("enhanced")
    for row in run.rows:
        (planned,) = [v for v in run.plan.volumes if v.volume_id == row.volume_id]
        files = sorted((run.out / row.dicom_path).iterdir())
        assert referees.dciodvfy_errors(files[0]) <= referees.dciodvfy_errors(
            planned.stack.frames[0].path
        )
        ds = pydicom.dcmread(files[-1], stop_before_pixels=True)
        assert ds.SOPClassUID == "1.2.840.10008.5.1.4.1.1.4"
        assert ds.SourceImageSequence[0].ReferencedFrameNumber > 0
