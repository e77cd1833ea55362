"""NIfTI: read back by nibabel, in RAS, with the same bytes each time."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace

import nibabel as nib
import numpy as np
import pydicom
import pytest

from config.recipe import Recipe
from harmonise.encode.nifti import write_mask, write_nifti
from harmonise.study import apply_study, plan_study
from harmonise.volume import Grid, Volume
from tests.harmonise import builders

C, S = float(np.cos(0.3)), float(np.sin(0.3))
OBLIQUE = Grid(
    shape=(3, 4, 5),
    spacing_mm=(3.0, 0.5, 0.7),
    origin_mm=(-10.0, 20.0, 30.0),
    direction=((0.0, -S, C), (0.0, C, S), (1.0, 0.0, 0.0)),
)
MIRRORED = replace(OBLIQUE, direction=((0.0, S, -C), (0.0, C, S), (1.0, 0.0, 0.0)))


def volume_on(grid):
    return Volume(np.arange(60, dtype=np.float32).reshape(3, 4, 5), grid, "1")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "v.nii.gz"


@pytest.mark.parametrize("grid", [OBLIQUE, MIRRORED], ids=["right-handed", "left-handed"])
def test_every_voxel_lies_where_dicom_says_with_x_and_y_reversed(grid, path):
    write_nifti(volume_on(grid), path)
    image = nib.load(path)

    assert image.shape == (5, 4, 3)
    lps = grid.affine() @ np.array([2, 3, 4, 1])  # slice 2, row 3, column 4
    ras = image.affine @ np.array([4, 3, 2, 1])
    assert ras[:3] == pytest.approx([-lps[0], -lps[1], lps[2]], abs=1e-4)
    assert image.dataobj[4, 3, 2] == 2 * 20 + 3 * 5 + 4


@pytest.mark.parametrize("grid", [OBLIQUE, MIRRORED], ids=["right-handed", "left-handed"])
def test_qform_and_sform_say_the_same(grid, path):
    write_nifti(volume_on(grid), path)
    header = nib.load(path).header

    assert (int(header["qform_code"]), int(header["sform_code"])) == (1, 1)
    assert header.get_qform() == pytest.approx(header.get_sform(), abs=1e-5)
    assert header.get_xyzt_units()[0] == "mm"
    assert header.get_data_dtype() == np.float32


FAR = replace(OBLIQUE, origin_mm=(-251.123456789, 187.987654321, -903.135792468))


def test_the_header_holds_the_nearest_float32_and_the_side_file_the_number_itself(tmp_path):
    """nifti1.h: srow is float32, half a step of which is 3e-5 mm at 903 mm; DICOM and JSON do."""
    across, down = FAR.direction[2], FAR.direction[1]
    paths = builders.write_all(
        builders.t2w(3, orientation=(*across, *down), origin_mm=FAR.origin_mm), tmp_path / "in"
    )

    (row,) = apply_study(plan_study(paths, Recipe(name="native")), tmp_path)

    exact = np.array(
        json.loads((tmp_path / f"{row.dicom_path}.json").read_bytes())["output"]["ras_affine_mm"]
    )
    sources = [pydicom.dcmread(path, stop_before_pixels=True) for path in paths]
    derived = [
        pydicom.dcmread(path, stop_before_pixels=True)
        for path in sorted((tmp_path / row.dicom_path).iterdir())
    ]
    for slot, (source, ds) in enumerate(zip(sources, derived, strict=True)):
        place = np.array(source.ImagePositionPatient, float)
        assert (exact @ (0, 0, slot, 1))[:3] == pytest.approx(place * (-1, -1, 1), abs=1e-6)
        assert np.array(ds.ImagePositionPatient, float) == pytest.approx(place, abs=1e-6)
        assert np.array(ds.ImageOrientationPatient, float) == pytest.approx(
            np.array(source.ImageOrientationPatient, float), abs=1e-9
        )
    image = nib.load(tmp_path / row.nifti_path)
    assert (image.header.get_sform() == exact.astype(np.float32)).all()


def test_a_projection_claims_no_place(path):
    grid = Grid(shape=(1, 4, 5), spacing_mm=(None, 0.1, 0.1), positioned=False)
    write_nifti(Volume(np.ones((1, 4, 5), np.float32), grid, "1"), path)
    header = nib.load(path).header

    assert (int(header["qform_code"]), int(header["sform_code"])) == (0, 0)
    assert header.get_zooms() == pytest.approx((0.1, 0.1, 1.0))
    assert header.get_xyzt_units()[0] == "unknown"


def test_what_was_not_measured_is_nan_and_the_mask_says_where(path, tmp_path):
    values = np.ones((3, 4, 5), np.float32)
    values[0] = np.nan
    volume = Volume(values, OBLIQUE, "1", coverage=np.isfinite(values))
    mask_path = tmp_path / "v.coverage.nii.gz"
    write_nifti(volume, path)
    write_mask(volume.coverage, volume.grid, mask_path)

    mask = np.asarray(nib.load(mask_path).dataobj)
    assert mask.dtype == np.uint8
    assert (mask == np.isfinite(np.asarray(nib.load(path).dataobj))).all()
    assert (nib.load(mask_path).affine == nib.load(path).affine).all()


def test_the_bytes_depend_on_nothing_but_the_volume(path, tmp_path):
    write_nifti(volume_on(OBLIQUE), path)
    write_nifti(volume_on(OBLIQUE), tmp_path / "other-name.nii.gz")

    content = path.read_bytes()
    assert content == (tmp_path / "other-name.nii.gz").read_bytes()
    assert content[3] == 0, "no file name in the gzip header (RFC 1952)"
    assert content[4:8] == b"\0\0\0\0", "no time in the gzip header (RFC 1952)"
    assert len(gzip.decompress(content)) == 352 + 60 * 4
