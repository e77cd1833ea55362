"""Derived DICOM: what is taken over, what is written anew, what never comes along."""

from __future__ import annotations

import json
import zlib

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from config.errors import UnreadableObject, UnsupportedObject
from config.library import find_recipe
from config.recipe import Recipe
from harmonise.encode.header import class_rule
from harmonise.explain import provenance_of_file, render
from harmonise.study import apply_study, plan_study
from tests.harmonise import builders

PROSTATE = Recipe.model_validate(
    {
        "name": "small",
        "roles": ["t2w_ax", "adc", "dwi"],
        "reference_role": "t2w_ax",
        "steps": [{"resample": {"spacing_mm": [3.0, 2.0, 2.0], "shape": [4, 6, 6]}}],
        "role_steps": {
            "t2w_ax": [
                {"resample": {"spacing_mm": [3.0, 2.0, 2.0], "shape": [4, 6, 6]}},
                {"zscore": {"robust": True}},
            ]
        },
    }
)


def method_code():
    item = Dataset()
    item.CodeValue = "113100"
    item.CodingSchemeDesignator = "DCM"
    item.CodeMeaning = "Basic Application Confidentiality Profile"
    return Items([item])


def with_private(_index, ds):
    builders.add_private(ds, 0x0051, "SIEMENS MR HEADER", 0x0C, "LO", "FoV 160*160")
    item = Dataset()
    builders.add_private(item, 0x0029, "SIEMENS CSA HEADER", 0x10, "OB", b"secret12")
    item.CodeValue = "T-9200B"
    item.CodingSchemeDesignator = "SRT"
    item.CodeMeaning = "Prostate"
    ds.AnatomicRegionSequence = Items([item])
    ds.add_new(0x60000010, "US", 6)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    values = 500 + builders.ramp(5, 6, 8)
    common = {
        "StudyDate": "20170305",
        "StudyTime": "101112",
        "SeriesDate": "20170305",
        "SeriesNumber": 4,
        "PatientIdentityRemoved": "YES",
        "DeidentificationMethod": "test",
        "DeidentificationMethodCodeSequence": method_code(),
        "LongitudinalTemporalInformationModified": "MODIFIED",
        "InstanceCreationDate": "20170306",
        "MagneticFieldStrength": 3.0,
        "per_slice": with_private,
    }
    t2w = builders.t2w(values=values, **common)
    adc = builders.adc(values=values, first_uid=200, **common)
    dwi = builders.dwi(values=values, first_uid=300, **common)
    for number, made in ((10, t2w), (20, adc), (30, dwi)):
        for ds in made:
            ds.SeriesInstanceUID = builders.uid(number)
    folder = tmp_path_factory.mktemp("in")
    return builders.write_all([*t2w, *adc, *dwi], folder)


@pytest.fixture(scope="module")
def result(inputs, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    rows = apply_study(plan_study(inputs, PROSTATE), out)
    return out, {row.role: row for row in rows}


def objects(result, role):
    out, rows = result
    return [pydicom.dcmread(path) for path in sorted((out / rows[role].dicom_path).iterdir())]


@pytest.mark.parametrize("role", ["t2w_ax", "adc", "dwi"])
def test_one_object_a_slice_in_order_along_the_normal(result, role):
    made = objects(result, role)

    assert [int(ds.InstanceNumber) for ds in made] == [1, 2, 3, 4]
    assert len({ds.SOPInstanceUID for ds in made}) == 4
    assert {ds.SOPClassUID for ds in made} == {builders.MR}
    heights = [float(ds.ImagePositionPatient[2]) for ds in made]
    assert heights == pytest.approx([-30 + 6 - 4.5 + 3 * index for index in range(4)])
    assert [float(v) for v in made[0].PixelSpacing] == [2.0, 2.0]


def test_patient_study_and_deidentification_come_over(result):
    ds = objects(result, "adc")[0]

    assert ds.PatientID == "S-TEST"
    assert ds.StudyInstanceUID == builders.uid(1)
    assert ds.FrameOfReferenceUID == builders.uid(2)
    assert (ds.StudyDate, ds.StudyTime, ds.SeriesDate) == ("20170305", "101112", "20170305")
    assert ds.PatientIdentityRemoved == "YES"
    assert ds.DeidentificationMethodCodeSequence[0].CodeValue == "113100"
    assert ds.LongitudinalTemporalInformationModified == "MODIFIED"
    assert ds.MagneticFieldStrength == 3.0


def test_no_date_of_now_and_no_claim_of_the_source_that_is_not_true(result):
    ds = objects(result, "adc")[0]

    assert "InstanceCreationDate" not in ds
    assert "BurnedInAnnotation" not in ds, "only said where the source said it"
    assert 0x60000010 not in ds
    contributor = ds.ContributingEquipmentSequence[-1]
    assert contributor.Manufacturer == "Accordage"
    assert "ContributionDateTime" not in contributor


def test_no_private_element_but_our_own_comes_along(result):
    private = []

    def collect(_ds, element):
        if element.tag.is_private:
            private.append(element.tag)

    for ds in objects(result, "adc"):
        ds.walk(collect)

    assert {tag.group for tag in private} == {0x0AC1}
    ds = objects(result, "adc")[0]
    assert ds[0x0AC1, 0x0010].value == "ACCORDAGE"
    assert ds.AnatomicRegionSequence[0].CodeMeaning == "Prostate"


def test_the_object_says_what_it_was_made_from_and_how(result):
    ds = objects(result, "t2w_ax")[0]

    assert list(ds.ImageType[:2]) == ["DERIVED", "SECONDARY"]
    assert ds.ImageType[-1] == "RESAMPLED"
    sources = {item.ReferencedSOPInstanceUID for item in ds.SourceImageSequence}
    assert sources <= {builders.uid(100 + index) for index in range(5)}
    assert len(sources) >= 2
    purpose = ds.SourceImageSequence[0].PurposeOfReferenceCodeSequence[0]
    assert (purpose.CodeValue, purpose.CodingSchemeDesignator) == ("121322", "DCM")
    assert "ReferencedFrameNumber" not in ds.SourceImageSequence[0]
    codes = [item.CodeValue for item in ds.DerivationCodeSequence]
    assert codes[0] == "113085", "spatial resampling, CID 7203"
    assert "small" in ds.DerivationDescription


def test_an_adc_map_says_its_unit_and_how_to_read_it(result):
    ds = objects(result, "adc")[0]

    (mapping,) = ds.RealWorldValueMappingSequence
    unit = mapping.MeasurementUnitsCodeSequence[0]
    assert (unit.CodeValue, unit.CodingSchemeDesignator) == ("um2/s", "UCUM")
    assert mapping.RealWorldValueSlope == float(ds.RescaleSlope)
    assert mapping.RealWorldValueIntercept == float(ds.RescaleIntercept)
    quantity = mapping.QuantityDefinitionSequence[0].ConceptCodeSequence[0]
    assert quantity.CodeValue == "113041"


def test_a_weighted_image_claims_no_unit(result):
    assert "RealWorldValueMappingSequence" not in objects(result, "t2w_ax")[0]


def test_a_diffusion_image_keeps_its_b_value(result):
    assert {ds.DiffusionBValue for ds in objects(result, "dwi")} == {800.0}


def test_stored_values_give_the_nifti_values_within_half_a_step(result):
    import nibabel as nib

    out, rows = result
    values = np.asarray(nib.load(out / rows["t2w_ax"].nifti_path).dataobj).T
    for index, ds in enumerate(objects(result, "t2w_ax")):
        real = ds.pixel_array * float(ds.RescaleSlope) + float(ds.RescaleIntercept)
        assert real == pytest.approx(values[index], abs=0.501 * float(ds.RescaleSlope))


def test_a_second_run_gives_the_same_bytes(inputs, result, tmp_path):
    out, _ = result
    apply_study(plan_study(list(reversed(inputs)), PROSTATE), tmp_path)

    files = sorted(path.relative_to(out) for path in out.rglob("*") if path.is_file())
    assert len(files) == 3 * (4 + 2) + 2  # slices, NIfTI and record; of one the b tables
    assert files == sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*") if p.is_file())
    for file in files:
        assert (out / file).read_bytes() == (tmp_path / file).read_bytes(), str(file)


def test_another_recipe_gives_other_uids(inputs, result, tmp_path):
    other = PROSTATE.model_copy(update={"minimum_coverage": 0.5})

    rows = apply_study(plan_study(inputs, other), tmp_path)

    _, mine = result
    assert not {row.volume_id for row in rows} & {row.volume_id for row in mine.values()}
    first = pydicom.dcmread(tmp_path / rows[0].dicom_path / "0001.dcm")
    same_role = objects(result, rows[0].role)[0]
    assert first.SeriesInstanceUID != same_role.SeriesInstanceUID


def test_the_provenance_names_every_step_input_and_version(result):
    out, rows = result
    record = provenance_of_file(out / rows["t2w_ax"].dicom_path / "0003.dcm")

    assert [step["step"] for step in record["steps"]] == ["resample", "zscore"]
    for step in record["steps"]:
        assert step["params"]
        assert step["decided"]
        assert len(step["input_sha256"]) == len(step["output_sha256"]) == 64
    assert record["steps"][0]["output_sha256"] == record["steps"][1]["input_sha256"]
    assert record["output"]["sha256"] == record["steps"][-1]["output_sha256"]
    assert {row["sop_uid"] for row in record["inputs"]} == {
        builders.uid(100 + index) for index in range(5)
    }
    assert {len(row["sha256"]) for row in record["inputs"]} == {64}
    assert set(record["versions"]) >= {"SimpleITK", "accordage", "numpy", "pydicom", "scipy"}
    assert record["recipe"]["name"] == "small"
    assert "S-TEST" not in json.dumps(record), "a record holds no subject"


def test_side_file_nifti_and_every_slice_tell_the_same(result):
    out, rows = result
    row = rows["adc"]

    records = [
        provenance_of_file(out / row.nifti_path),
        provenance_of_file(out / f"{row.dicom_path}.json"),
        *(provenance_of_file(path) for path in (out / row.dicom_path).iterdir()),
    ]

    assert all(record == records[0] for record in records)


def test_the_text_shows_every_step_with_its_parameters_and_hashes(result):
    out, rows = result
    record = provenance_of_file(out / f"{rows['t2w_ax'].dicom_path}.json")

    text = render(record)

    for step in record["steps"]:
        assert step["step"] in text
        assert step["output_sha256"] in text
    assert '"robust": true' in text
    for row in record["inputs"]:
        assert row["sop_uid"] in text
        assert row["sha256"] in text
    for package, version in record["versions"].items():
        assert f"{package} {version}" in text


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"\0" * 200, b"{"])
def test_a_file_that_does_not_say_how_it_was_made_is_named_so(content, tmp_path):
    path = tmp_path / "x.json"
    path.write_bytes(content)

    with pytest.raises(UnreadableObject, match="PROVENANCE_MISSING"):
        provenance_of_file(path)


def test_a_source_object_has_no_provenance(inputs):
    with pytest.raises(UnreadableObject, match="PROVENANCE_MISSING"):
        provenance_of_file(inputs[0])


def test_a_bomb_in_the_private_block_is_not_inflated(result, tmp_path):
    ds = objects(result, "adc")[0]
    ds[0x0AC1, 0x1001].value = zlib.compress(b" " * (65 * 1024 * 1024), 9)
    path = tmp_path / "bomb.dcm"
    ds.save_as(path)

    with pytest.raises(UnreadableObject, match="PROVENANCE_MISSING"):
        provenance_of_file(path)


def test_a_class_without_a_derived_form_is_refused():
    with pytest.raises(UnsupportedObject, match="ENCODE_UNSUPPORTED"):
        class_rule(builders.MG_TOMOSYNTHESIS)


def test_native_keeps_grid_and_values(tmp_path):
    values = builders.ramp(5, 6, 8)
    paths = builders.write_all(builders.ct(values=values), tmp_path / "in")

    (row,) = apply_study(plan_study(paths, find_recipe("native")), tmp_path / "out")

    assert (row.verdict, row.unit, row.slices) == ("PASS", "[hnsf'U]", 5)
    for index in range(5):
        ds = pydicom.dcmread(tmp_path / "out" / row.dicom_path / f"{index + 1:04d}.dcm")
        hu = ds.pixel_array * float(ds.RescaleSlope) + float(ds.RescaleIntercept)
        assert (hu == values[index] - 1024).all()
        assert ds.RescaleType == "HU"
        assert ds.RescaleSlope == 1
        (source,) = ds.SourceImageSequence
        assert source.ReferencedSOPInstanceUID == builders.uid(100 + index)


def test_uncovered_voxels_are_padding_not_zero(tmp_path):
    values = 500 + builders.ramp(5, 6, 8)
    paths = builders.write_all(builders.t2w(values=values), tmp_path / "in")
    recipe = PROSTATE.model_copy(
        update={
            "role_steps": {},
            "steps": Recipe.model_validate(
                {
                    "name": "x",
                    "steps": [{"resample": {"spacing_mm": [3, 2, 2], "shape": [9, 6, 6]}}],
                }
            ).steps,
        }
    )

    (row,) = apply_study(plan_study(paths, recipe), tmp_path / "out")

    assert row.codes == ("MR_FOV_NOT_COVERED",)
    first, middle = (
        pydicom.dcmread(tmp_path / "out" / row.dicom_path / name)
        for name in ("0001.dcm", "0005.dcm")
    )
    assert first.PixelPaddingValue == middle.PixelPaddingValue == 0
    assert (first.pixel_array == 0).all()
    assert (middle.pixel_array > 0).all()
