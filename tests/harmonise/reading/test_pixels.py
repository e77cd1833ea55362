"""Stored to real values: against arithmetic, SimpleITK and dcm2niix."""

from __future__ import annotations

import subprocess
from pathlib import Path

import dcm2niix
import nibabel
import numpy as np
import pytest
import SimpleITK as sitk
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from config.errors import (
    InconsistentSeries,
    UnknownUnits,
    UnreadableObject,
    UnsupportedObject,
)
from harmonise.geometry import judge
from harmonise.stacks import read_stacks
from harmonise.vendor.pixels import load_volume
from harmonise.volume import Volume
from tests.harmonise import builders

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def volume(datasets, folder) -> Volume:
    (stack,), refusals = read_stacks(builders.write_all(datasets, folder))
    assert refusals == []
    return load_volume(stack, judge(stack))


def volumes_of(folder: Path) -> list[Volume]:
    stacks, refusals = read_stacks(sorted(p for p in folder.glob("*") if p.is_file()))
    assert refusals == []
    return [load_volume(stack, judge(stack)) for stack in stacks]


def test_values_lie_at_slice_row_column_whatever_the_file_order(tmp_path):
    series = builders.t2w(5)

    found = volume([series[i] for i in (3, 0, 4, 1, 2)], tmp_path)

    assert found.values.dtype == np.float32
    assert found.values.tolist() == builders.ramp(5, 6, 8).tolist()
    assert (found.unit, found.quantitative, found.coverage) == ("[arb'U]", False, None)


def test_slices_ascend_along_the_normal_although_the_file_numbers_descend(tmp_path):
    def number(index: int, ds: Dataset) -> None:
        ds.InstanceNumber = 5 - index
        ds.SOPInstanceUID = builders.uid(900 - index)

    found = volume(builders.t2w(5, per_slice=number), tmp_path)

    assert found.values[:, 0, 0].tolist() == [0, 1000, 2000, 3000, 4000]
    assert found.grid.origin_mm == pytest.approx((-10, -20, -30))


def test_each_slice_has_its_own_rescale(tmp_path):
    """49 % of real PET series have another slope in every slice (harmonisation.md 2.2)."""

    def slope(index: int, ds: Dataset) -> None:
        ds.RescaleSlope = 0.5 * (index + 1)

    found = volume(builders.pet(4, values=np.full((4, 6, 8), 10), per_slice=slope), tmp_path)

    # 70 kg and 350 MBq at the same moment: 5000 Bq/ml is 1
    assert found.values[:, 0, 0] * 5000 == pytest.approx([5.0, 10.0, 15.0, 20.0])
    assert (found.unit, found.quantitative) == ("g/ml{SUVbw}", True)


def test_ct_is_in_hounsfield_units_and_its_padding_is_no_measurement(tmp_path):
    stored = np.full((3, 6, 8), 1024)
    stored[1, 2, 3] = 4095
    stored[2, :, 0] = 0

    found = volume(builders.ct(3, values=stored, PixelPaddingValue=4095), tmp_path)

    assert (found.unit, found.quantitative) == ("[hnsf'U]", True)
    assert found.values[0, 0, 0] == 0.0
    assert found.values[2, 0, 0] == -1024.0
    assert np.isnan(found.values[1, 2, 3])
    assert np.argwhere(~found.coverage).tolist() == [[1, 2, 3]]


def test_a_padding_range_is_padding_from_end_to_end(tmp_path):
    stored = np.full((1, 6, 8), 50)
    stored[0, 0, :4] = [0, 10, 30, 31]

    found = volume(
        builders.ct(1, values=stored, PixelPaddingValue=0, PixelPaddingRangeLimit=30), tmp_path
    )

    assert (~found.coverage).sum() == 3


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"RescaleType": "US"}, "CT_NOT_HU"),
        ({"RescaleSlope": None, "RescaleIntercept": None, "RescaleType": None}, "CT_NOT_HU"),
    ],
)
def test_ct_in_another_unit_is_refused(tmp_path, changes, code):
    with pytest.raises(UnknownUnits, match=code):
        volume(builders.ct(2, **changes), tmp_path)


@pytest.mark.parametrize(
    ("units", "unit"), [("GML", "g/ml"), ("CNTS", "{counts}"), ("BQML", "Bq/ml")]
)
def test_pet_without_attenuation_correction_stays_in_its_own_unit(tmp_path, units, unit):
    made = builders.pet(2, Units=units, CorrectedImage=["DECY", "SCAT"])

    found = volume(made, tmp_path)

    assert (found.unit, found.quantitative) == (unit, True)
    assert found.values[1, 0, 0] == 1000.0


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"Units": "PROPCPS"}, "PT_UNITS_UNSUPPORTED"),
        ({"Units": None}, "PT_UNITS_UNSUPPORTED"),
        ({"RescaleIntercept": 3}, "PT_INTERCEPT_NONZERO"),
    ],
)
def test_pet_that_cannot_be_converted_is_refused(tmp_path, changes, code):
    with pytest.raises(UnknownUnits, match=code):
        volume(builders.pet(2, **changes), tmp_path)


@pytest.mark.parametrize(
    ("stored", "slope", "name"),
    [
        (1100, None, "1e-6 mm2/s"),
        (110, None, "1e-5 mm2/s"),
        (1100, 0.001, "1e-3 mm2/s"),
        (1100, 0.000001, "mm2/s"),
    ],
)
def test_the_unit_of_adc_is_told_from_its_centre_and_brought_to_1e_6(tmp_path, stored, slope, name):
    """Tissue of 1.1e-3 mm2/s, in every power of ten a vendor was seen to use; air at the rim."""
    values = np.zeros((3, 30, 30), int)
    values[:, 8:22, 8:22] = stored
    changes = {} if slope is None else {"RescaleSlope": slope, "RescaleIntercept": 0}

    found = volume(builders.adc(3, values=values, **changes), tmp_path)

    assert (found.unit, found.quantitative) == ("um2/s", True)
    assert found.values[1, 15, 15] == pytest.approx(1100.0, rel=1e-6)
    assert found.meta["adc_unit"] == name


@pytest.mark.parametrize("stored", [0, 5, 9000])
def test_an_adc_that_no_unit_explains_is_refused(tmp_path, stored):
    with pytest.raises(UnknownUnits, match="MR_ADC_UNIT_UNKNOWN"):
        volume(builders.adc(3, values=np.full((3, 30, 30), stored)), tmp_path)


def test_a_real_world_map_goes_before_inference(tmp_path):
    """5 x 1e-6 mm2/s could never be guessed; the map says so, PS3.3 C.7.6.16.2.11."""

    def mapped(_index: int, ds: Dataset) -> None:
        ds.RealWorldValueMappingSequence = builders.real_world_map(0.000001, 0.0, "mm2/s")

    found = volume(builders.adc(3, values=np.full((3, 6, 8), 5), per_slice=mapped), tmp_path)

    assert found.unit == "um2/s"
    assert found.values[0, 0, 0] == pytest.approx(5.0)


def test_a_real_world_unit_that_is_not_known_is_refused(tmp_path):
    def mapped(_index: int, ds: Dataset) -> None:
        ds.RealWorldValueMappingSequence = builders.real_world_map(1.0, 0.0, "furlong")

    with pytest.raises(UnknownUnits, match="RWV_UNIT_UNKNOWN"):
        volume(builders.adc(2, per_slice=mapped), tmp_path)


def test_philips_magnitude_loses_its_display_scaling(tmp_path):
    """FP = (PV x RS + RI) / (RS x SS); RS 2, RI 10, SS 0.5: (100 x 2 + 10) / 1 = 210."""

    def scaled(_index: int, ds: Dataset) -> None:
        builders.add_private_bytes(
            ds, 0x2005, "Philips MR Imaging DD 001", 0x0E, builders.float_bytes(0.5)
        )

    found = volume(
        builders.t2w(
            2,
            values=np.full((2, 6, 8), 100),
            Manufacturer="Philips Medical Systems",
            ImageType=["ORIGINAL", "PRIMARY", "M_SE", "M", "SE"],
            RescaleSlope=2,
            RescaleIntercept=10,
            per_slice=scaled,
        ),
        tmp_path,
    )

    assert found.values[0, 0, 0] == pytest.approx(210.0)
    assert "RS x SS" in found.meta["scaling"]


def test_a_philips_rescale_that_only_the_passport_knows_is_used(tmp_path):
    """RS 2, RI 10, no SS: 100 x 2 + 10."""

    def scaled(_index: int, ds: Dataset) -> None:
        creator = "Philips MR Imaging DD 005"
        builders.add_private_bytes(ds, 0x2005, creator, 0x0A, b"2 ")
        builders.add_private_bytes(ds, 0x2005, creator, 0x09, b"10")

    found = volume(
        builders.t2w(
            2,
            values=np.full((2, 6, 8), 100),
            Manufacturer="Philips Medical Systems",
            per_slice=scaled,
        ),
        tmp_path,
    )

    assert found.values[0, 0, 0] == pytest.approx(210.0)
    assert found.meta["scaling"] == "rescale of the vendor passport"


def test_a_philips_adc_keeps_the_rescale_that_makes_it_an_adc(tmp_path):
    def scaled(_index: int, ds: Dataset) -> None:
        builders.add_private_bytes(
            ds, 0x2005, "Philips MR Imaging DD 001", 0x0E, builders.float_bytes(0.5)
        )

    found = volume(
        builders.adc(
            2,
            values=np.full((2, 6, 8), 550),
            Manufacturer="Philips Medical Systems",
            RescaleSlope=2,
            RescaleIntercept=0,
            per_slice=scaled,
        ),
        tmp_path,
    )

    assert found.values[0, 0, 0] == pytest.approx(1100.0)


def test_an_enhanced_object_is_rescaled_frame_by_frame(tmp_path):
    ds = builders.enhanced_mr(
        np.full((3, 4, 5), 10), places_mm=[(0, 0, 6.0), (0, 0, 0.0), (0, 0, 3.0)], slopes=[1, 2, 3]
    )

    found = volume([ds], tmp_path)

    assert found.values[:, 0, 0].tolist() == [20.0, 30.0, 10.0]
    assert found.grid.spacing_mm == pytest.approx((3.0, 2.0, 1.5))


def test_a_modality_lut_is_looked_up(tmp_path):
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [4, 0, 16])
    item.ModalityLUTType = "US"
    item.add_new("LUTData", "US", [5, 10, 20, 40])
    ds = builders.mammogram(
        np.asarray([[0, 1], [2, 3]]),
        RescaleSlope=None,
        RescaleIntercept=None,
        RescaleType=None,
        ModalityLUTSequence=Items([item]),
    )

    assert volume([ds], tmp_path).values[0].tolist() == [[5, 10], [20, 40]]


def test_no_volume_is_read_where_the_gate_refused(tmp_path):
    (stack,), _ = read_stacks(builders.write_all(builders.t2w(5, keep=[0, 1, 3, 4]), tmp_path))

    with pytest.raises(InconsistentSeries, match="MR_MISSING_SLICE"):
        load_volume(stack, judge(stack))


def test_colour_and_undecodable_pixels_are_refused(tmp_path):
    paths = builders.write_all(
        builders.t2w(2, PhotometricInterpretation="PALETTE COLOR"), tmp_path / "colour"
    )
    (colour,), _ = read_stacks(paths)
    broken_paths = builders.write_all(builders.t2w(2), tmp_path / "broken")
    (broken,), _ = read_stacks(broken_paths)
    broken_paths[0].write_bytes(broken_paths[0].read_bytes()[:-40])

    with pytest.raises(UnsupportedObject, match="PIXELS_NOT_MONOCHROME"):
        load_volume(colour, judge(colour))
    with pytest.raises(UnreadableObject, match="PIXELS_UNREADABLE"):
        load_volume(broken, judge(broken))


@pytest.mark.realdata
@pytest.mark.parametrize(
    "folder",
    [
        "MR/prostatex-0000-siemens-skyra/t2_tse_tra",
        "MR/prostatex-0000-siemens-skyra/adc",
        "MR/prostatex-0000-siemens-skyra/calc_bval",
        "MR/prostate-mri-0001-philips-achieva/t2_tse_ax",
        "MR/dcm_qa_deident-ge",
        "PETCT/ibsi-sts_002/CT",
        "PETCT/ibsi-sts_002/PET",
    ],
)
def test_real_values_are_those_simpleitk_reads(realdata, folder):
    (stack,), _ = read_stacks(sorted((realdata / folder).glob("*")))
    geometry = judge(stack)

    found = load_volume(stack, geometry)

    reader = sitk.ImageSeriesReader()
    reader.SetFileNames([str(stack.frames[i].path) for i in geometry.order])
    expected = sitk.GetArrayFromImage(reader.Execute()).astype(np.float64)
    measured = np.isfinite(found.values)
    assert measured.mean() > 0.5
    np.testing.assert_allclose(found.values[measured], expected[measured], rtol=1e-5, atol=1e-4)


@pytest.mark.realdata
def test_pet_of_267_slopes_is_the_bq_per_ml_that_simpleitk_reads_over_the_decayed_dose(realdata):
    (stack,), _ = read_stacks(sorted((realdata / "PT/sts_001-ge-discovery-st").glob("*")))
    geometry = judge(stack)

    found = load_volume(stack, geometry)

    assert len({frame.slope for frame in stack.frames}) > 100
    elapsed_s = (11 * 60 + 20) * 60 + 11 - (10 * 60 + 35) * 60  # injection 10:35:00, scan 11:20:11
    per_bq_ml = 71_000 / (388_777_472 * 2 ** (-elapsed_s / 6588.0))
    for slot in (0, 100, 266):
        image = sitk.ReadImage(str(stack.frames[geometry.order[slot]].path))
        expected = sitk.GetArrayFromImage(image)[0] * per_bq_ml
        np.testing.assert_allclose(found.values[slot], expected, rtol=1e-5, atol=1e-7)


def dcm2niix_images(folder: Path, out: Path) -> list[nibabel.Nifti1Image]:
    """Convert with dcm2niix, whose default for Philips is the precise values.

    Slices of MR are kept apart by echo and b-value; CT is merged, since dcm2niix otherwise parts
    it where the tube current changes.
    """
    merge = "y" if "CT" in folder.parts else "n"
    out.mkdir(parents=True)
    subprocess.run(
        [dcm2niix.bin, "-f", "%s_%e_%t_%r", "-m", merge, "-z", "n", "-o", str(out), str(folder)],
        check=True,
        capture_output=True,
    )
    return [nibabel.load(path) for path in sorted(out.glob("*.nii"))]


def volumes_4d(images) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return (affine, values (column, row, slice)) of every 3D volume, scaled."""
    found = []
    for image in images:
        data = np.asarray(image.get_fdata())
        data = data[..., None] if data.ndim == 3 else data
        found += [(image.affine, data[..., t]) for t in range(data.shape[3])]
    return found


@pytest.mark.realdata
@pytest.mark.parametrize(
    "folder",
    [
        "MR/prostatex-0000-siemens-skyra/t2_tse_tra",
        "MR/prostatex-0000-siemens-skyra/dwi_b50-400-800",
        "MR/prostate-mri-0001-philips-achieva/t2_tse_ax",
        "MR/dcm_qa_deident-ge",
        "MR/dcm_qa_philips-phantom-fmri",
        "MR/dcm_qa_enh-siemens-xa10",
        "MR/dcm_qa_enh-philips",
        "CT/crlm-1004-ge-lightspeed16",
    ],
)
def test_affine_and_values_are_those_of_dcm2niix(realdata, folder, tmp_path):
    """The affine to 1e-3 of a voxel at the corners, values to 1e-4 of the range."""
    ours = volumes_of(realdata / folder)
    theirs = volumes_4d(dcm2niix_images(realdata / folder, tmp_path / "nii"))

    assert len(ours) == len(theirs)
    for found in ours:
        assert any(_agree(found, affine, data) for affine, data in theirs), "no twin"


def _agree(found: Volume, affine: np.ndarray, data: np.ndarray) -> bool:
    """Compare voxel by voxel at the same place: axes may run the other way in the NIfTI."""
    slices, rows, columns = found.grid.shape
    to_theirs = np.linalg.inv(affine) @ LPS_TO_RAS @ found.grid.affine()
    corners = np.asarray(
        [[s, r, c, 1] for s in (0, slices - 1) for r in (0, rows - 1) for c in (0, columns - 1)]
    )
    mapped = (to_theirs @ corners.T).T[:, :3]
    whole = np.rint(mapped)
    if np.abs(mapped - whole).max() > 1e-3:
        return False
    if whole.min() < 0 or (whole > np.asarray(data.shape) - 1).any():
        return False
    steps = np.rint(to_theirs[:3, :3]).astype(int)
    if tuple(np.abs(steps) @ found.grid.shape) != data.shape:
        return False
    index = np.indices(found.grid.shape).reshape(3, -1)
    places = steps @ index + np.rint(to_theirs[:3, 3]).astype(int)[:, None]
    expected = data[tuple(places)].reshape(found.grid.shape)
    measured = np.isfinite(found.values)
    error = np.abs(found.values - expected)[measured].max()
    return bool(error <= 1e-4 * max(np.ptp(expected), 1e-9))
