"""acquisitions.parquet: every vendor's fields in one vocabulary and one unit."""

from __future__ import annotations

import numpy as np
import pyarrow.parquet as pq
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from config.recipe import Recipe
from harmonise.acquired import nominal_field_t
from harmonise.acquisitions import acquisition_rows, codes_by_series
from harmonise.parquet import acquisition_schema, write_acquisitions
from harmonise.study import apply_study, plan_study
from harmonise.vendor.contrast import contrast_of
from harmonise.vendor.harvest import harvest
from harmonise.vendor.makers import manufacturer_of
from tests.harmonise import builders

NATIVE = Recipe(name="native")


def rows_of(datasets, folder, passports=None):
    return acquisition_rows(plan_study(builders.write_all(datasets, folder), NATIVE, passports), {})


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("SIEMENS", "siemens"),
        ("Siemens Healthineers", "siemens"),
        ("GE MEDICAL SYSTEMS", "ge"),
        ("Philips Medical Systems", "philips"),
        ("TOSHIBA", "canon"),
        ("CANON_MEC", "canon"),
        ("UIH", "uih"),
        ("Hitachi Medical Corporation", "fujifilm"),
        ("FUJIFILM Corporation", "fujifilm"),
        ("HOLOGIC, Inc.", "hologic"),
        ("Agfa-Gevaert AG", "agfa"),
        ("MIM Software", "other"),
        (None, None),
    ],
)
def test_a_maker_has_one_name_whatever_it_calls_itself(said, name):
    assert manufacturer_of(said) == name


@pytest.mark.parametrize(
    ("said", "nominal"),
    [
        (2.89362, 3.0),
        (3, 3.0),
        (1.494, 1.5),
        (15000.0, 1.5),
        (30000.0, 3.0),
        (0.35, 0.35),
        (2.0, 2.0),
        (None, None),
        (0.0, None),
    ],
)
def test_a_field_is_what_the_scanner_is_sold_as_in_tesla(said, nominal):
    assert nominal_field_t(said) == nominal


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ("GADOVIST", "given"),
        ("OMNIPAQUE 350", "given"),
        ("CE", "given"),
        ("NONE", "none"),
        ("Sans injection", "none"),
        ("w/o", "none"),
        ("", None),
        (None, None),
    ],
)
def test_contrast_is_given_or_none_and_silence_is_neither(said, word):
    assert contrast_of(said) == word


def test_a_diffusion_series_is_one_row_with_all_its_b_values_and_where_they_stood(tmp_path):
    series = []
    for n, b_value in enumerate((800, 50)):

        def private(_index: int, ds: Dataset, b_value=b_value) -> None:
            builders.add_private(
                ds, 0x0043, "GEMS_PARM_01", 0x39, "IS", [1_000_000_000 + b_value, 8, 0, 0]
            )

        series += builders.dwi(
            3,
            None,
            first_uid=100 + 10 * n,
            per_slice=private,
            Manufacturer="GE MEDICAL SYSTEMS",
            MagneticFieldStrength=30000,
            ScanningSequence=["EP", "SE"],
            SoftwareVersions=["27", "LX", "MR Software"],
            FlipAngle=90,
        )

    (row,) = rows_of(series, tmp_path)

    expected = {
        "roles": ["dwi"],
        "manufacturer": "ge",
        "manufacturer_raw": "GE MEDICAL SYSTEMS",
        "software_raw": "27\\LX\\MR Software",
        "field_strength_t": 3.0,
        "field_strength_raw": 30000.0,
        "sequence_class": "spin_echo_epi",
        "b_value_s_mm2": [50.0, 800.0],
        "b_value_where": '(0043,"GEMS_PARM_01",39)',
        "b_value_calculated": "acquired",
        "diffusion_directions": 0,
        "echo_time_ms": [63.0],
        "repetition_time_ms": 2700.0,
        "flip_angle_deg": 90.0,
        "images": 6,
        "slice_spacing_mm": 3.0,
        "plane": "ax",
        "geometry": "REGULAR",
        "contrast": None,
    }
    assert {name: row[name] for name in expected} == expected


def test_a_ct_row_has_its_kernel_class_contrast_and_dose(tmp_path):
    series = builders.ct(
        3,
        Manufacturer="SIEMENS",
        ConvolutionKernel="B30f",
        ContrastBolusAgent="ULTRAVIST 370",
        KVP=120,
        XRayTubeCurrent=180,
        Exposure=90,
        CTDIvol=7.25,
    )

    (row,) = rows_of(series, tmp_path)

    assert (row["kernel_class"], row["kernel_raw"]) == ("soft", "B30f")
    assert (row["contrast"], row["contrast_raw"]) == ("given", "ULTRAVIST 370")
    assert (row["kvp"], row["tube_current_ma"], row["exposure_mas"]) == (120.0, 180.0, 90.0)
    assert row["ctdi_vol_mgy"] == 7.25
    assert row["b_value_s_mm2"] is None
    assert row["sequence_class"] is None


@pytest.mark.parametrize(
    ("said", "dose_mbq"), [(370e6, 370.0), (412.0, 412.0), (10.0, None), (9000.0, None)]
)
def test_an_injected_dose_is_in_megabecquerel_where_its_unit_is_certain(tmp_path, said, dose_mbq):
    item = Dataset()
    item.RadionuclideTotalDose = said
    series = builders.pet(3, RadiopharmaceuticalInformationSequence=Items([item]))

    (row,) = rows_of(series, tmp_path)

    assert (row["injected_dose_mbq"], row["injected_dose_raw"]) == (dose_mbq, said)


def test_a_breast_dose_is_in_milligray(tmp_path):
    """PS3.3 C.8.11.2: Organ Dose is in dGy; 0.0153 dGy are 1.53 mGy."""
    (row,) = rows_of([builders.mammogram(np.zeros((4, 5)), OrganDose=0.0153)], tmp_path)

    assert row["organ_dose_mgy"] == pytest.approx(1.53)
    assert row["manufacturer"] == "hologic"


def test_what_the_passport_coded_survives_the_loss_of_its_text(tmp_path):
    series = builders.ct(3, ContrastBolusAgent="Dr Martin 80 ml", ConvolutionKernel="B30f")
    passport = harvest(series)
    for ds in series:
        del ds.ContrastBolusAgent

    (row,) = rows_of(series, tmp_path, {passport.series_uid: passport})

    assert (row["contrast"], row["contrast_raw"]) == ("given", None)
    assert "Martin" not in str(passport)


def test_every_series_has_a_row_made_refused_or_unread(tmp_path):
    lost = builders.t2w(4, keep=[0, 1, 3], SeriesInstanceUID=builders.uid(20), first_uid=200)
    unknown = builders.dwi(3, None, SeriesInstanceUID=builders.uid(30), first_uid=300)
    paths = builders.write_all([*builders.t2w(3), *lost, *unknown], tmp_path / "in")
    plan = plan_study(paths, NATIVE)
    made = apply_study(plan, tmp_path / "out")

    rows = acquisition_rows(plan, codes_by_series(made))

    found = {row["series_uid"]: row for row in rows}
    assert {uid: row["codes"] for uid, row in found.items()} == {
        builders.uid(10): [],
        builders.uid(20): ["MR_MISSING_SLICE"],
        builders.uid(30): ["MR_B_UNKNOWN"],
    }
    assert found[builders.uid(20)]["geometry"] == "MISSING"
    assert found[builders.uid(30)]["modality"] == "MR"


def test_the_file_has_its_schema_and_the_same_bytes_in_any_order(tmp_path):
    other = builders.t2w(3, SeriesInstanceUID=builders.uid(20), first_uid=200)
    rows = rows_of([*builders.t2w(3), *other], tmp_path / "in")

    one = write_acquisitions(rows, tmp_path / "a.parquet")
    two = write_acquisitions(rows[::-1], tmp_path / "b.parquet")

    assert one.read_bytes() == two.read_bytes()
    assert pq.read_schema(one).equals(acquisition_schema(), check_metadata=False)
    read = pq.read_table(one).to_pylist()
    assert [row["series_uid"] for row in read] == [builders.uid(10), builders.uid(20)]


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        (
            "MR/prostatex-0000-siemens-skyra/dwi_b50-400-800",
            {
                "manufacturer": "siemens",
                "model_raw": "Skyra",
                "field_strength_t": 3.0,
                "b_value_s_mm2": [50.0, 400.0, 800.0],
                "slice_spacing_mm": 3.0,
                "roles": ["dwi"],
            },
        ),
        (
            "MR/dcm_qa_uih",
            {
                "manufacturer": "uih",
                "model_raw": "uMR 770",
                "field_strength_t": 3.0,
                "b_value_s_mm2": [1.2512641359237109, 929.7501831337527],
                "b_value_nominal_s_mm2": [0.0, 1000.0],
                "diffusion_directions": 2,
                "slice_thickness_mm": 3.5,
            },
        ),
        (
            "MR/dcm_qa_toshiba-galan",
            {"manufacturer": "canon", "b_value_s_mm2": [0.0], "echo_time_ms": [79.0]},
        ),
        (
            "CT/crlm-1004-ge-lightspeed16",
            {"manufacturer": "ge", "roles": ["ct"], "slice_spacing_mm": 5.0},
        ),
        (
            "CT/dcm_qa_ct-philips-tilt-phantom",
            {"manufacturer": "philips", "geometry": "TILT", "slice_spacing_mm": None},
        ),
        (
            "MR/dcm_qa_enh-siemens-xa10",
            {
                "manufacturer": "siemens",
                "images": 24,
                "temporal_positions": 4,
                "sequence_class": "gradient_echo_epi",
            },
        ),
    ],
)
def test_real_series_of_every_vendor_speak_one_vocabulary(realdata, folder, expected):
    paths = sorted((realdata / folder).iterdir())

    (row,) = acquisition_rows(plan_study(paths, NATIVE), {})

    assert {name: row[name] for name in expected} == expected
