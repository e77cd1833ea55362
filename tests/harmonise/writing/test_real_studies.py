"""Real studies: one grid, coverage by the headers, nothing filled in, sides and polarity right."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pydicom
import pytest

from harmonise.study import before_volume

pytestmark = pytest.mark.realdata

PROSTATE = [("t2w_ax", None), ("adc", None), ("dwi", 50.0), ("dwi", 400.0), ("dwi", 800.0)]


def values_of(run, row):
    return np.asarray(nib.load(run.out / row.nifti_path).dataobj).T


def source_geometry(folder):
    """First position, axes and spacings of a series, read with pydicom alone (PS3.3 C.7.6.2)."""
    heads = [pydicom.dcmread(path, stop_before_pixels=True) for path in sorted(folder.iterdir())]
    across, down = np.array(heads[0].ImageOrientationPatient, float).reshape(2, 3)
    normal = np.cross(across, down)
    places = {tuple(float(v) for v in ds.ImagePositionPatient) for ds in heads}
    ordered = sorted(places, key=lambda place: float(np.dot(normal, place)))
    first, last = np.array(ordered[0]), np.array(ordered[-1])
    between = float(np.dot(normal, last - first)) / (len(ordered) - 1)
    row_mm, column_mm = (float(v) for v in heads[0].PixelSpacing)
    shape = (len(ordered), int(heads[0].Rows), int(heads[0].Columns))
    axes = np.stack([normal * between, down * row_mm, across * column_mm], axis=1)
    return first, axes, shape


def coverage_by_headers(native, image):
    """Target voxels whose centre lies within the source's outer faces, to a thousandth voxel."""
    first, axes, shape = native
    index = np.indices(image.shape).reshape(3, -1)
    ras = (image.affine @ np.vstack([index, np.ones(index.shape[1])]))[:3]
    lps = ras * np.array([[-1.0], [-1.0], [1.0]])
    at = np.linalg.solve(axes, lps - first[:, None])
    inside = np.ones(at.shape[1], bool)
    for axis in range(3):
        inside &= (at[axis] >= -0.501) & (at[axis] <= shape[axis] - 0.499)
    return inside.reshape(image.shape)


FOLDERS = {"t2w_ax": "t2_tse_tra", "adc": "adc", "dwi": "dwi_b50-400-800"}


@pytest.mark.parametrize(("role", "b_value"), PROSTATE)
def test_prostatex_comes_out_on_one_grid_fully_covered(role, b_value, runs, realdata):
    run = runs("prostate")
    row = run.row(role, b_value)
    image = nib.load(run.out / row.nifti_path)

    # one subject is no cohort: its T2W is scaled by itself, and says so
    alone = ("REVIEW", ("INTENSITY_PER_CASE",))
    assert (row.verdict, row.codes) == (alone if role == "t2w_ax" else ("PASS", ()))
    assert row.spacing_mm == pytest.approx((3.0, 0.5, 0.5))
    assert image.shape == (256, 256, 20)
    reference = nib.load(run.out / run.row("t2w_ax").nifti_path)
    assert image.affine == pytest.approx(reference.affine, abs=1e-6)
    folder = realdata / "MR" / "prostatex-0000-siemens-skyra" / FOLDERS[role]
    assert coverage_by_headers(source_geometry(folder), image).all()
    assert not (run.out / f"{row.dicom_path}.coverage.nii.gz").exists(), "full: no mask needed"


@pytest.mark.parametrize(("role", "b_value"), PROSTATE)
def test_no_zero_is_left_inside_what_is_covered(role, b_value, runs):
    run = runs("prostate")

    assert (values_of(run, run.row(role, b_value)) != 0).all()


def test_only_the_scanners_own_mask_is_without_a_value(runs, realdata):
    """The source's ADC is 0 where the scanner computed nothing: about half of the box."""
    run = runs("prostate")

    for role, b_value in PROSTATE:
        values = values_of(run, run.row(role, b_value))
        if role != "adc":
            assert np.isfinite(values).all()
        else:
            assert 0.4 < np.isnan(values).mean() < 0.6
            assert np.nanmin(values) > 0


def test_adc_stays_in_the_unit_and_range_of_the_source(runs, realdata):
    """The vendor's integers are 1e-6 mm2/s; resampling neither rescales nor exceeds them."""
    run = runs("prostate")
    folder = realdata / "MR" / "prostatex-0000-siemens-skyra" / "adc"
    source = np.stack([pydicom.dcmread(path).pixel_array for path in sorted(folder.iterdir())])

    row = run.row("adc")
    values = values_of(run, row)

    assert row.unit == "um2/s"
    assert np.nanmax(values) <= source.max()
    assert np.nanmin(values) >= source[source > 0].min()
    middle = source[:, 32:96, 10:74]  # the 128 mm box about the centre of T2's field of view
    assert np.nanmedian(values) == pytest.approx(np.median(middle[middle > 0]), rel=0.02)


def test_the_calculated_b_value_is_made_and_flagged(runs):
    row = runs("prostate").row("dwi_calc", 1000.0)

    assert (row.verdict, row.codes) == ("REVIEW", ("MR_CALCULATED_B",))


def test_ratios_between_b_values_are_those_of_the_source(runs):
    """ADC fitted to harmonised b 50 and 800 agrees with the one fitted before harmonising."""
    run = runs("prostate")
    by_b = {b: values_of(run, run.row("dwi", b)) for b in (50.0, 800.0)}
    ids = {v.role.b_value: v.volume_id for v in run.plan.volumes if v.role.name == "dwi"}
    before = {b: before_volume(run.plan, ids[b]).values for b in (50.0, 800.0)}

    bright = before[800.0] > 40
    after_fit, before_fit = (
        np.log(pair[50.0][bright] / pair[800.0][bright]) for pair in (by_b, before)
    )
    assert after_fit == pytest.approx(before_fit, abs=1e-4)


def test_a_short_t2_is_marked_where_it_does_not_reach(runs, realdata):
    run = runs("philips")
    row = run.row("t2w_ax")
    image = nib.load(run.out / row.nifti_path)
    mask = np.asarray(nib.load(run.out / f"{row.dicom_path}.coverage.nii.gz").dataobj) == 1

    assert (row.verdict, row.codes) == (
        "REVIEW",
        # the endorectal coil of its examination
        ("MR_FOV_NOT_COVERED", "INTENSITY_PER_CASE", "MR_SIGNAL_VOID"),
    )
    assert row.spacing_mm == pytest.approx((3.0, 0.5, 0.5))
    folder = realdata / "MR" / "prostate-mri-0001-philips-achieva" / "t2_tse_ax"
    assert (mask == coverage_by_headers(source_geometry(folder), image)).all()
    assert mask.all(axis=(0, 1)).sum() == 8, "8 slices of 3 mm"
    values = np.asarray(image.dataobj)
    assert (np.isfinite(values) == mask).all()
    # after scaling 0 is the median of the tissue: whether zeros were filled in is seen before it
    before = before_volume(run.plan, row.volume_id).values.T[mask]
    source = np.stack([pydicom.dcmread(path).pixel_array for path in sorted(folder.iterdir())])
    assert (before == 0).mean() <= (source == 0).mean()


def test_a_missing_slice_refuses_its_series_and_the_others_go_on(runs):
    run = runs("missing")

    assert {row.role for row in run.rows if row.verdict != "REJECT"} == {"t2w_ax", "adc"}
    (refused,) = [row for row in run.rows if row.verdict == "REJECT"]
    assert refused.codes == ("MR_MISSING_SLICE",)
    assert refused.volume_id is None
    assert len(refused.source_series_uids) == 1


def test_the_ge_mammogram_has_its_chest_wall_left_and_tissue_bright(runs):
    run = runs("mammogram")
    row = run.row("mg_presentation")
    ds = pydicom.dcmread(run.out / row.dicom_path / "0001.dcm")
    picture = ds.pixel_array.astype(float)

    assert row.spacing_mm == (None, 0.1, 0.1)
    # one view of one woman; two skin markers
    assert row.codes == ("MG_INCOMPLETE_EXAM", "MG_BRIGHT_OBJECTS", "INTENSITY_PER_CASE")
    assert row.volume_id.startswith("mg_presentation_rmlo-")
    assert list(ds.PatientOrientation) == ["A", "FL"]
    assert ds.ImageLaterality == "R"
    assert ds.FieldOfViewHorizontalFlip == "YES"
    assert ds.PhotometricInterpretation == "MONOCHROME2"
    third = picture.shape[1] // 3
    assert picture[:, :third].mean() > 20 * picture[:, -third:].mean()
    assert np.median(picture[:, -third:]) == 0


def test_digitised_film_is_refused_by_name(runs):
    (row,) = runs("film").rows

    assert (row.verdict, row.codes) == ("REJECT", ("MG_DIGITISED_FILM",))
