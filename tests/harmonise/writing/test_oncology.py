"""The recipes ct-oncology and pet-oncology: choice of series, values kept, verdicts, objects."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pydicom
import pytest

from config.errors import ConfigurationError
from config.library import find_policy, find_recipe
from config.recipe import Recipe
from harmonise.study import apply_study, check_recipe, plan_study
from pipelines.fitness import removed_by
from tests.harmonise import builders
from tests.harmonise.suv import cases
from tests.support import referees

CT, PET = find_recipe("ct-oncology"), find_recipe("pet-oncology")
NATIVE = find_recipe("native")


def ct_series(number, *, kernel="STANDARD", spacing_mm=3.0, extent_mm=60.0, **changes):
    count = round(extent_mm / spacing_mm)
    said = {
        "Manufacturer": "GE MEDICAL SYSTEMS",
        "ConvolutionKernel": kernel,
        "SeriesInstanceUID": builders.uid(1000 * number),
        "SeriesDescription": "ABDOMEN",
        "values": np.tile(np.array([24, 24, 24, 24, 1064, 1064, 1084, 1084]), (count, 6, 1)),
    }
    return builders.ct(
        count, spacing_mm=spacing_mm, first_uid=1000 * number + 1, **{**said, **changes}
    )


def planned(folder, *series, recipe=CT):
    files = builders.write_all([ds for one in series for ds in one], folder)
    return plan_study(files, recipe)


def taken(plan):
    return sorted(v.stack.series_uid.rsplit(".", 1)[1] for v in plan.volumes)


def refused(plan):
    return {d.refusal.series_uid.rsplit(".", 1)[1]: d.refusal.code for d in plan.declined}


# --- CT -------------------------------------------------------------------------------------------


def test_of_one_phase_the_thinnest_soft_series_is_taken(tmp_path):
    plan = planned(
        tmp_path,
        ct_series(1, spacing_mm=5.0),
        ct_series(2, spacing_mm=2.5),
        ct_series(3, spacing_mm=1.25, kernel="DETAIL"),
        ct_series(4, spacing_mm=1.25, kernel="LUNG"),
        ct_series(5, spacing_mm=1.25, extent_mm=20.0),
    )

    assert taken(plan) == ["2000"]
    assert refused(plan) == {
        "1000": "NOT_SELECTED",
        "3000": "NOT_SELECTED",
        "4000": "CT_KERNEL_OTHER",
        "5000": "NOT_SELECTED",
    }
    (volume,) = plan.volumes
    assert "thinner slices; phase unknown, kernel soft" in volume.log[0]


def test_each_phase_is_a_volume_of_its_own(tmp_path):
    plan = planned(
        tmp_path,
        ct_series(1, SeriesDescription="ABD SANS INJECTION"),
        ct_series(2, SeriesDescription="ABD ARTERIEL"),
        ct_series(3, SeriesDescription="Abdomen portal venous"),
        ct_series(4, SeriesDescription="Abdomen portal thin", spacing_mm=2.0),
        ct_series(5, SeriesDescription="TARDIF"),
        ct_series(6, ContrastBolusAgent="IOMERON"),
    )

    assert taken(plan) == ["1000", "2000", "4000", "5000", "6000"]


def test_an_unknown_kernel_is_refused_by_name(tmp_path):
    plan = planned(tmp_path, ct_series(1, kernel="MYSTERY"))

    (one,) = plan.declined
    assert (one.refusal.code, one.refusal.detail) == ("CT_KERNEL_UNKNOWN", "(0018,1210) MYSTERY")


def test_slices_further_apart_than_5_mm_are_refused(tmp_path):
    plan = planned(tmp_path / "a", ct_series(1, spacing_mm=7.5))

    (one,) = plan.declined
    assert one.refusal.code == "CT_GAP"
    assert "7.50 mm" in one.refusal.detail
    assert taken(planned(tmp_path / "b", ct_series(1, spacing_mm=5.0))) == ["1000"]


def test_localizers_and_reformats_are_not_taken(tmp_path):
    plan = planned(
        tmp_path,
        ct_series(1, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]),
        ct_series(2, ImageType=["DERIVED", "SECONDARY", "MPR"]),
    )

    assert taken(plan) == []
    assert set(refused(plan).values()) == {"NOT_SELECTED"}


def made(folder, plan):
    rows = apply_study(plan, folder)
    (row,) = [one for one in rows if one.volume_id]
    return row, np.asarray(nib.load(folder / row.nifti_path).dataobj).T


def test_padding_and_values_below_air_become_minus_1024(tmp_path):
    stored = np.tile(np.array([24, 24, 24, 24, 1064, 1064, 1084, 1084]), (20, 6, 1))
    stored[:, 0] = 1  # padding
    stored[:, 1] = 0
    said = {"values": stored, "PixelPaddingValue": 1, "RescaleIntercept": -1030}
    series = ct_series(1, **said)
    recipe = Recipe.model_validate({"name": "floor", "roles": ["ct"], "steps": ["hu_floor"]})

    row, values = made(tmp_path / "out", planned(tmp_path / "in", series, recipe=recipe))

    assert (values[:, :2] == -1024).all()
    assert values.max() == 1084 - 1030
    assert row.codes == ()


def sheared(along, *, tilt_degrees, number=1):
    """Slices of 24 x 20 pixels of 2 mm, displaced along their rows; an HU is the place in mm.

    Value = -900 + 2 * y + z in the patient; the first row of each slice is padding.
    """
    rows = np.arange(24.0)[:, None] + np.zeros(20)
    down = [-30.0 + d * np.tan(np.radians(tilt_degrees)) for d in along]
    stored = np.stack([124 + 2 * (y + 2 * rows) + z for y, z in zip(down, along, strict=True)])
    stored[:, 0] = 4000  # padding

    def place(index, ds):
        ds.ImagePositionPatient = [-20.0, f"{down[index]:.10g}", f"{along[index]:.10g}"]

    return ct_series(
        number,
        spacing_mm=1.0,
        extent_mm=len(along),
        values=np.round((stored + 100) / 0.01),
        RescaleSlope=0.01,
        RescaleIntercept=-1124,
        PixelPaddingValue=round((4000 + 100) / 0.01) & 0xFFFF,
        PixelSpacing=[2.0, 2.0],
        per_slice=place,
    )


def test_ct_of_a_tilted_gantry_is_floored_only_within_its_slices(tmp_path):
    recipe = Recipe.model_validate({"name": "floor", "roles": ["ct"], "steps": ["hu_floor"]})
    series = sheared(np.arange(12) * 2.5, tilt_degrees=20.0)

    row, values = made(tmp_path / "out", planned(tmp_path / "in", series, recipe=recipe))

    assert row.verdict == "REVIEW"
    assert "CT_TILT_CORRECTED" in row.codes
    step = 2.5 * np.tan(np.radians(20.0)) / 2.0  # rows from slice to slice
    first = np.arange(12) * step
    for plane, start in enumerate(first):
        index = np.arange(values.shape[1])
        within = (index >= start - 0.5) & (index <= start + 23.5)
        assert (np.isfinite(values[plane]).all(axis=1) == within).all()
        assert (values[plane, np.flatnonzero(within)[0]] == -1024).all()


def test_ct_of_a_tilted_gantry_keeps_its_places_through_correction_and_recipe(tmp_path):
    """A coordinate comes out where it lies: 0.3 HU are 0.15 mm along y."""
    series = sheared(np.arange(16) * 2.5, tilt_degrees=20.0)
    plan = planned(tmp_path / "in", series)

    row, values = made(tmp_path / "out", plan)

    image = nib.load(tmp_path / "out" / row.nifti_path)
    index = np.indices(values.shape)
    ras = np.einsum("ij,j...->i...", image.affine[:3, :3], index[::-1].astype(float))
    ras += image.affine[:3, 3][:, None, None, None]
    y, z = -ras[1], ras[2]
    top = -30.0 + z * np.tan(np.radians(20.0))  # where the slice at z begins
    inner = (y > top + 8) & (y < top + 40) & (z > 4) & (z < 33)
    assert inner.sum() > 2000
    assert np.abs(values[inner] - (-900 + 2 * y + z)[inner]).max() < 0.3
    outside = (y < top - 4) | (y > top + 52)
    assert outside.sum() > 500
    assert np.isnan(values[outside]).all()


def test_gaps_of_a_corrected_copy_are_those_of_its_slices(tmp_path):
    recipe = CT.model_copy(update={"largest_spacing_mm": 3.0})
    series = sheared(np.cumsum([0, 2, 2.5, 4, 4, 2.5, 2, 2]), tilt_degrees=0.0)

    (one,) = planned(tmp_path, series, recipe=recipe).declined

    assert one.refusal.code == "CT_GAP"
    assert "4.00 mm" in one.refusal.detail


def test_a_series_as_it_was_stored_goes_before_a_corrected_copy(tmp_path):
    tilted = sheared(np.arange(40) * 1.5, tilt_degrees=20.0)
    straight = ct_series(2, spacing_mm=3.0)

    plan = planned(tmp_path, tilted, straight)

    assert taken(plan) == ["2000"]
    assert "slices as they were stored" in plan.volumes[0].log[0]


def test_a_ct_without_air_where_air_should_be_is_flagged(tmp_path):
    row, _ = made(tmp_path / "out", planned(tmp_path / "in", ct_series(1, RescaleIntercept=0)))

    assert (row.verdict, row.codes) == ("REVIEW", ("CT_AIR_UNUSUAL",))


def test_ct_comes_out_in_hu_on_its_grid_within_the_input_range(tmp_path):
    row, values = made(tmp_path / "out", planned(tmp_path / "in", ct_series(1, spacing_mm=2.0)))

    assert (row.unit, row.spacing_mm, row.verdict) == ("[hnsf'U]", (3.0, 1.5, 1.5), "PASS")
    assert row.slices == 20, "60 mm"
    inside = values[np.isfinite(values)]
    assert (inside.min(), inside.max()) >= (-1000, 0)
    assert inside.max() <= 60


@pytest.mark.parametrize("name", ["ct-oncology", "pet-oncology"])
def test_no_intensity_step_can_be_asked_of_hu_or_suv(name):
    shipped = find_recipe(name)
    wrong = shipped.model_copy(
        update={"steps": (*shipped.steps, Recipe(name="x", steps=("zscore",)).steps[0])}
    )

    check_recipe(shipped)
    with pytest.raises(ConfigurationError, match="QUANTITATIVE_NOT_NORMALISED"):
        check_recipe(wrong)


def test_pet_does_not_fit_the_basic_profile_and_fits_the_shipped_research_policy():
    gone = removed_by(find_policy("basic"), PET.requires)

    assert {"PatientWeight", "SeriesTime", "RadiopharmaceuticalStartDateTime"} <= set(gone)
    assert removed_by(find_policy("research-longitudinal"), PET.requires) == []
    assert removed_by(find_policy("research-longitudinal"), CT.requires) == []


# --- PET ------------------------------------------------------------------------------------------

SPHERE_MM = 12.0


def spheres(count=24, size=24, spacing_mm=4.0):
    """Return a uniform background of SUV 2 with a hot sphere of SUV 8, as stored values x 100."""
    places = (
        np.indices((count, size, size))
        - (np.array([count, size, size]) - 1)[:, None, None, None] / 2
    ) * spacing_mm
    hot = np.linalg.norm(places - np.array([20, 20, 20])[:, None, None, None], axis=0) < SPHERE_MM
    return np.where(hot, 800, 200)


def pet_series(folder, **changes):
    values = spheres()
    said = {"values": values, "spacing_mm": 4.0, "PixelSpacing": [4.0, 4.0], "Units": "GML",
            "SUVType": "BW", "RescaleSlope": 0.01, "PatientSex": "F", "PatientSize": 1.7,
            "PatientWeight": 60}  # fmt: skip
    made_of = builders.pet(len(values), **{**said, **changes})
    return builders.write_all(made_of, folder)


def test_resampling_keeps_the_mean_of_a_background_sphere_within_one_per_cent(tmp_path):
    row, values = made(tmp_path / "out", plan_study(pet_series(tmp_path / "in"), PET))

    assert (row.unit, row.spacing_mm, row.verdict) == ("g/ml{SUVbw}", (2.0, 2.0, 2.0), "PASS")
    places = (
        np.indices(values.shape) - (np.array(values.shape) - 1)[:, None, None, None] / 2
    ) * 2.0
    away = np.linalg.norm(places + np.array([20, 20, 20])[:, None, None, None], axis=0)
    assert values[away < SPHERE_MM].mean(dtype=np.float64) == pytest.approx(2.0, rel=0.01)
    assert np.nanmin(values) >= 2.0
    assert np.nanmax(values) <= 8.0, "no value the scanner did not span"


def test_the_series_without_attenuation_correction_is_kept_apart(tmp_path):
    plan = plan_study(pet_series(tmp_path, CorrectedImage=["DECY", "SCAT"]), PET)
    native = plan_study(sorted(tmp_path.iterdir()), NATIVE)

    (one,) = plan.declined
    assert (one.refusal.code, one.refusal.detail) == ("NOT_SELECTED", "role pt_nac")
    (volume,) = native.volumes
    assert (volume.role.name, volume.codes) == ("pt_nac", ("PT_NOT_ATTENUATION_CORRECTED",))


def test_a_pet_in_another_frame_of_reference_than_the_ct_is_flagged(tmp_path):
    pet_series(tmp_path / "pet")
    builders.write_all(ct_series(7, FrameOfReferenceUID=builders.uid(77)), tmp_path / "ct")

    apart = plan_study(sorted(tmp_path.rglob("*.dcm")), PET)
    alone = plan_study(sorted((tmp_path / "pet").iterdir()), PET)

    assert apart.volumes[0].codes == ("PT_CT_FRAME_DIFFERS",)
    assert alone.volumes[0].codes == ()


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({"RescaleSlope": 1.0}, ("PT_SUV_UNUSUAL",)),
        ({"values": spheres() - 205}, ("PT_NEGATIVE_VALUES",)),
    ],
)
def test_values_that_no_uptake_looks_like_are_flagged(tmp_path, changes, codes):
    row, _ = made(tmp_path / "out", plan_study(pet_series(tmp_path / "in", **changes), PET))

    assert (row.verdict, row.codes) == ("REVIEW", codes)


@pytest.fixture(scope="module")
def objects(tmp_path_factory):
    """The case without decay correction: what is written must say what was undone."""
    base = tmp_path_factory.mktemp("none")
    files = builders.write_all(cases.cases()["none"], base / "in")
    rows = apply_study(plan_study(files, NATIVE), base / "out")
    folder = base / "out" / rows[0].dicom_path
    return [pydicom.dcmread(path) for path in sorted(folder.iterdir())]


def test_the_object_says_that_it_is_suv(objects):
    for ds in objects:
        assert (ds.Units, ds.SUVType, ds.DecayCorrection) == ("GML", "BW", "ADMIN")
        assert list(ds.CorrectedImage) == ["ATTN", "SCAT", "DECY"]
        assert float(ds.RescaleIntercept) == 0


def test_one_set_of_stored_values_reads_as_suv_and_as_sul(objects):
    """70 kg, 1.75 m, M: Janmahasatian 9270 x 70 / (6680 + 216 x 22.857) = 55.849 kg."""
    ds = objects[1]
    body, lean = ds.RealWorldValueMappingSequence

    units = [m.MeasurementUnitsCodeSequence[0] for m in (body, lean)]
    assert units[0].CodeValue == "g/ml{SUVbw}"
    assert units[1].LongCodeValue == "g/ml{SUVlbm(Janma)}"
    assert body.RealWorldValueSlope == float(ds.RescaleSlope)
    ratio = lean.RealWorldValueSlope / body.RealWorldValueSlope
    assert ratio == pytest.approx(9270 / (6680 + 216 * 70 / 1.75**2), rel=1e-9)
    quantities = [m.QuantityDefinitionSequence[0].ConceptCodeSequence[0] for m in (body, lean)]
    assert [q.CodeValue for q in quantities] == ["126401", "126405"]


def test_a_parametric_map_of_pet_reads_as_suv_and_as_sul(tmp_path):
    asked = {"name": "map", "roles": ["pt"], "outputs": {"float_maps": "parametric_map"}}
    files = builders.write_all(cases.cases()["none"], tmp_path / "in")
    (row,) = apply_study(plan_study(files, Recipe.model_validate(asked)), tmp_path / "out")

    (path,) = (tmp_path / "out" / row.dicom_path).iterdir()
    shared = pydicom.dcmread(path).SharedFunctionalGroupsSequence[0]
    body, lean = shared.RealWorldValueMappingSequence
    units = [m.MeasurementUnitsCodeSequence[0] for m in (body, lean)]
    assert [u.get("CodeValue", u.get("LongCodeValue")) for u in units] == [
        "g/ml{SUVbw}",
        "g/ml{SUVlbm(Janma)}",
    ]
    assert body.RealWorldValueSlope == 1.0
    lean_over_body = 9270 / (6680 + 216 * 70 / 1.75**2)
    assert lean.RealWorldValueSlope == pytest.approx(lean_over_body, rel=1e-9)
    assert referees.dciodvfy_errors(path) == set()


def test_the_derived_series_harmonised_again_is_the_same(objects, tmp_path):
    files = builders.write_all(objects, tmp_path / "in")

    row, values = made(tmp_path / "out", plan_study(files, NATIVE))

    assert row.unit == "g/ml{SUVbw}"
    assert [plane.max() for plane in values] == pytest.approx([4.0] * 3, abs=1e-3)


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("recipe", "folder", "role", "spacing_mm"),
    [
        ("ct-oncology", "CT/crlm-1004-ge-lightspeed16", "ct", (3.0, 1.5, 1.5)),
        ("pet-oncology", "PETCT/ibsi-sts_002/PET", "pt", (2.0, 2.0, 2.0)),
        ("pet-oncology", "PT/suv-dro/DRO_3_4/PT", "pt", (2.0, 2.0, 2.0)),
    ],
)
def test_real_series_come_out_valid_and_within_their_range(
    recipe, folder, role, spacing_mm, realdata, tmp_path
):
    files = sorted(path for path in (realdata / folder).rglob("*") if path.is_file())
    native, _ = apply_study(plan_study(files, NATIVE), tmp_path / "n"), None

    plan = plan_study(files, find_recipe(recipe))
    row, values = made(tmp_path / "out", plan)

    assert (row.role, row.spacing_mm) == (role, spacing_mm)
    (before,) = [one for one in native if one.volume_id]
    source = np.asarray(nib.load(tmp_path / "n" / before.nifti_path).dataobj)
    assert np.nanmax(values) <= np.nanmax(source)
    assert np.nanmin(values) >= min(np.nanmin(source), -1024 if role == "ct" else np.inf)
    written = sorted((tmp_path / "out" / row.dicom_path).iterdir())
    few = (written[0], written[len(written) // 2], written[-1])
    allowed = referees.all_dciodvfy_errors([files[0], files[-1]])
    assert referees.all_dciodvfy_errors(few) <= allowed
