"""Parametric Maps and Segmentations: exact values, the right place, sources, the same bytes."""

from __future__ import annotations

import json

import nibabel as nib
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from config.errors import ConfigurationError
from config.library import find_recipe
from config.loader import load_yaml
from config.recipe import Recipe
from harmonise.study import apply_study, plan_study
from pipelines.prepare.replay_file import replay_file
from tests.harmonise import builders
from tests.support import referees

OBLIQUE = (0.8, 0.6, 0.0, -0.48, 0.64, 0.6)
"""Two orthogonal unit vectors with short decimals; the normal is (0.36, -0.48, 0.8)."""

RECIPE = Recipe.model_validate(
    {
        "name": "maps",
        "roles": ["t2w_ax", "adc"],
        "reference_role": "t2w_ax",
        "steps": [{"resample": {"spacing_mm": [2.5, 1.7, 1.3], "shape": [9, 14, 12]}}],
        "outputs": {"float_maps": "parametric_map"},
    }
)


def code(value, scheme, meaning):
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return Items([item])


COMMON = {
    "orientation": OBLIQUE,
    "origin_mm": (-101.25, 87.5, -412.125),
    "values": 500 + builders.ramp(6, 10, 9) // 7,
    "AccessionNumber": "",
    "PatientBirthDate": "",
    "PatientSex": "M",
    "StudyDate": "20170305",
    "StudyTime": "101112",
    "SeriesDate": "20170305",
    "SeriesTime": "101500",
    "AcquisitionDate": "20170305",
    "SeriesNumber": 4,
    "PatientIdentityRemoved": "YES",
    "DeidentificationMethod": "test",
    "DeidentificationMethodCodeSequence": code("113100", "DCM", "Basic Profile"),
    "LongitudinalTemporalInformationModified": "MODIFIED",
    "InstanceCreationDate": "20170306",
}


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    t2w = builders.t2w(6, **COMMON)
    adc = builders.adc(6, first_uid=200, **COMMON)
    for number, series in ((10, t2w), (20, adc)):
        for ds in series:
            ds.SeriesInstanceUID = builders.uid(number)
    return builders.write_all([*t2w, *adc], tmp_path_factory.mktemp("in"))


@pytest.fixture(scope="module")
def made(paths, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    rows = apply_study(plan_study(paths, RECIPE), out)
    return out, {row.role: row for row in rows}


@pytest.fixture(scope="module")
def adc(made):
    """The map as read, its NIfTI values (slice, row, column) and its side file."""
    out, rows = made
    stem = out / rows["adc"].dicom_path
    (file,) = stem.iterdir()
    values = np.asarray(nib.load(out / rows["adc"].nifti_path).dataobj).T
    side = json.loads(stem.with_name(f"{stem.name}.json").read_bytes())
    return pydicom.dcmread(file), values, side


@pytest.fixture(scope="module")
def mask(made):
    """The segmentation of the ADC's coverage as read, and its NIfTI values."""
    out, rows = made
    stem = f"{rows['adc'].dicom_path}.coverage"
    values = np.asarray(nib.load(out / f"{stem}.nii.gz").dataobj).T
    return pydicom.dcmread(out / f"{stem}.dcm"), values


def places_mm(side):
    """Centre of the first voxel of every slice, from the grid of the side file."""
    grid = side["output"]["grid"]
    step = np.array(grid["direction"][0]) * grid["spacing_mm"][0]
    return np.array(grid["origin_mm"]) + np.arange(grid["shape"][0])[:, np.newaxis] * step


def frames_of(ds):
    return [
        np.array(group.PlanePositionSequence[0].ImagePositionPatient, float)
        for group in ds.PerFrameFunctionalGroupsSequence
    ]


def slice_at(place, places):
    distance = np.abs(places - place).max(axis=1)
    assert distance.min() < 1e-6, "mm"
    return int(distance.argmin())


def test_a_map_holds_every_float32_exactly(adc):
    ds, values, side = adc
    places = places_mm(side)

    assert ds.SOPClassUID == "1.2.840.10008.5.1.4.1.1.30"
    order = [slice_at(place, places) for place in frames_of(ds)]
    assert sorted(order) == list(range(9))
    assert ds.pixel_array.dtype == np.float32
    assert (ds.pixel_array.view(np.uint32) == values[order].view(np.uint32)).all()
    assert 0 < np.isnan(values).mean() < 1, "some of the grid is not measured"


@pytest.mark.parametrize("which", ["map", "mask"])
def test_its_grid_reads_back_to_a_millionth_of_a_millimetre(which, adc, mask):
    grid = adc[2]["output"]["grid"]
    shared = (adc if which == "map" else mask)[0].SharedFunctionalGroupsSequence[0]

    across = np.array(shared.PlaneOrientationSequence[0].ImageOrientationPatient, float)
    spacing = np.array(shared.PixelMeasuresSequence[0].PixelSpacing, float)
    between = float(shared.PixelMeasuresSequence[0].SpacingBetweenSlices)

    wanted = np.array([*grid["direction"][2], *grid["direction"][1]])
    assert across == pytest.approx(wanted, abs=1e-9)
    assert [between, *spacing] == pytest.approx(grid["spacing_mm"], abs=1e-9)
    assert sorted(
        slice_at(p, places_mm(adc[2])) for p in frames_of((adc, mask)[which == "mask"][0])
    )


def test_a_map_says_its_unit_and_quantity(adc):
    ds, values, _ = adc
    (mapping,) = ds.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence

    assert mapping.MeasurementUnitsCodeSequence[0].CodeValue == "um2/s"
    assert (mapping.RealWorldValueSlope, mapping.RealWorldValueIntercept) == (1.0, 0.0)
    assert mapping.DoubleFloatRealWorldValueFirstValueMapped == np.nanmin(values)
    assert mapping.DoubleFloatRealWorldValueLastValueMapped == np.nanmax(values)
    quantity = mapping.QuantityDefinitionSequence[0].ConceptCodeSequence[0]
    assert quantity.CodeValue == "113041", "Apparent Diffusion Coefficient"


def test_each_frame_of_a_map_names_the_nearest_source_first(adc, paths):
    ds, _, side = adc
    normal = np.cross(OBLIQUE[:3], OBLIQUE[3:])
    height = {}
    for path in paths:
        head = pydicom.dcmread(path, stop_before_pixels=True)
        place = np.array(head.ImagePositionPatient, float)
        height[head.SOPInstanceUID] = (float(place @ normal), head.SeriesInstanceUID)
    ours = {uid: h for uid, (h, series) in height.items() if series == builders.uid(20)}

    for group, place in zip(ds.PerFrameFunctionalGroupsSequence, frames_of(ds), strict=True):
        (item,) = group.DerivationImageSequence
        assert item.DerivationCodeSequence[0].CodeValue == "113085", "spatial resampling"
        named = [source.ReferencedSOPInstanceUID for source in item.SourceImageSequence]
        nearest = min(abs(h - float(place @ normal)) for h in ours.values())
        assert abs(ours[named[0]] - float(place @ normal)) == pytest.approx(nearest, abs=1e-6)
    (series,) = ds.ReferencedSeriesSequence
    assert series.SeriesInstanceUID == builders.uid(20)
    referenced = {item.ReferencedSOPInstanceUID for item in series.ReferencedInstanceSequence}
    assert referenced == set(ours) == {i.ReferencedSOPInstanceUID for i in ds.SourceImageSequence}
    assert side["source_series_uids"] == [builders.uid(20)]


def test_a_mask_is_the_coverage_and_lies_on_its_volume(adc, mask):
    ds, values = mask
    places = places_mm(adc[2])

    assert ds.SOPClassUID == "1.2.840.10008.5.1.4.1.1.66.4"
    assert ds.SegmentationType == "BINARY"
    order = [slice_at(place, places) for place in frames_of(ds)]
    assert (ds.pixel_array == values[order]).all()
    assert 0 < values.mean() < 1
    (series,) = ds.ReferencedSeriesSequence
    assert series.SeriesInstanceUID == adc[0].SeriesInstanceUID
    (segment,) = ds.SegmentSequence
    assert segment.SegmentAlgorithmType == "AUTOMATIC"


def test_a_mask_of_an_image_series_refers_to_the_slice_it_lies_on(made):
    out, rows = made
    stem = rows["t2w_ax"].dicom_path
    ds = pydicom.dcmread(out / f"{stem}.coverage.dcm")
    places = {}
    for path in (out / stem).iterdir():
        head = pydicom.dcmread(path, stop_before_pixels=True)
        places[head.SOPInstanceUID] = np.array(head.ImagePositionPatient, float)

    for group, place in zip(ds.PerFrameFunctionalGroupsSequence, frames_of(ds), strict=True):
        (source,) = group.DerivationImageSequence[0].SourceImageSequence
        assert places[source.ReferencedSOPInstanceUID] == pytest.approx(place, abs=1e-6)


@pytest.mark.parametrize("which", ["map", "mask"])
def test_patient_dates_and_deidentification_are_those_of_the_source(which, adc, mask):
    ds = (adc if which == "map" else mask)[0]

    assert (ds.PatientID, ds.StudyInstanceUID) == ("S-TEST", builders.uid(1))
    assert ds.FrameOfReferenceUID == builders.uid(2)
    assert (ds.StudyDate, ds.SeriesDate, ds.ContentDate) == ("20170305",) * 3
    assert ds.PatientIdentityRemoved == "YES"
    assert ds.DeidentificationMethodCodeSequence[0].CodeValue == "113100"
    assert ds.LongitudinalTemporalInformationModified == "MODIFIED"
    assert "InstanceCreationDate" not in ds
    for item in ds.ContributingEquipmentSequence:
        assert "ContributionDateTime" not in item
    private = []
    ds.walk(lambda _ds, element: element.tag.is_private and private.append(element.tag.group))
    assert set(private) == {0x0AC1}


def test_a_second_run_gives_the_same_bytes_and_uids(paths, made, tmp_path):
    out, _ = made
    apply_study(plan_study(list(reversed(paths)), RECIPE), tmp_path)

    files = sorted(path.relative_to(out) for path in out.rglob("*") if path.is_file())
    assert len(files) == 2 * 4 + 9 + 1, "nii, json, two masks each; 9 slices; 1 map"
    for file in files:
        assert (out / file).read_bytes() == (tmp_path / file).read_bytes(), str(file)


def test_map_mask_and_series_have_uids_of_their_own(made):
    out, _ = made
    heads = [pydicom.dcmread(p, stop_before_pixels=True) for p in out.rglob("*.dcm")]

    assert len({ds.SOPInstanceUID for ds in heads}) == 9 + 1 + 2
    assert len({ds.SeriesInstanceUID for ds in heads}) == 4
    assert all(ds.SOPInstanceUID.startswith("2.25.") for ds in heads)


def test_dciodvfy_finds_no_error_in_map_and_masks(made):
    out, rows = made
    files = [next((out / rows["adc"].dicom_path).iterdir()), *out.rglob("*.coverage.dcm")]

    assert len(files) == 3
    assert referees.all_dciodvfy_errors(files) == set()


def test_highdicom_reads_the_same_volume(made, adc):
    """Its own reader puts frames in order and gives the matrix (slice, row, column) to LPS."""
    highdicom = pytest.importorskip("highdicom")
    out, rows = made
    grid = adc[2]["output"]["grid"]
    image = highdicom.imread(next((out / rows["adc"].dicom_path).iterdir()))

    volume = image.get_volume(apply_real_world_transform=False)

    axes = np.array(grid["direction"]) * np.array(grid["spacing_mm"])[:, np.newaxis]
    ours = np.vstack([np.column_stack([*axes, grid["origin_mm"]]), [0, 0, 0, 1]])
    whole = np.rint(np.linalg.solve(volume.affine, ours))
    assert volume.affine @ whole == pytest.approx(ours, abs=1e-6)


def test_map_and_mask_replay_bit_for_bit(made, paths):
    out, rows = made
    for file in (rows["adc"].dicom_path, f"{rows['adc'].dicom_path}.coverage.dcm"):
        replayed = replay_file(out / file, paths[0].parent)
        assert (replayed.code, replayed.detail) == ("", "")


def test_one_float_of_a_map_is_noticed(made, paths, tmp_path):
    out, rows = made
    ds = pydicom.dcmread(next((out / rows["adc"].dicom_path).iterdir()))
    values = ds.pixel_array.copy()
    at = tuple(np.argwhere(np.isfinite(values))[0])
    values[at] = np.nextafter(values[at], np.float32(np.inf))
    ds.FloatPixelData = values.tobytes()
    ds.save_as(tmp_path / "map.dcm")

    assert replay_file(tmp_path / "map.dcm", paths[0].parent).code == "REPLAY_DIFFERS"


def test_a_recipe_may_leave_the_segmentation_out(paths, tmp_path):
    outputs = RECIPE.outputs.model_copy(update={"masks": "nifti"})

    apply_study(plan_study(paths, RECIPE.model_copy(update={"outputs": outputs})), tmp_path)

    assert list(tmp_path.rglob("*.coverage.nii.gz"))
    assert not list(tmp_path.rglob("*.coverage.dcm"))


def test_a_projection_stays_an_image_though_maps_are_asked_for(tmp_path):
    values = np.add.outer(np.arange(60), np.arange(50)) + 100
    paths = [builders.write(builders.mammogram(values), tmp_path / "in" / "0001.dcm")]
    recipe = find_recipe("native").model_copy(update={"outputs": RECIPE.outputs})

    (row,) = apply_study(plan_study(paths, recipe), tmp_path / "out")

    ds = pydicom.dcmread(tmp_path / "out" / row.dicom_path / "0001.dcm")
    assert ds.SOPClassUID == builders.MG_PRESENTATION


def test_an_unknown_form_of_output_stops_before_the_first_study(tmp_path):
    file = tmp_path / "r.yaml"
    file.write_text("name: r\noutputs: {float_maps: tiff}\n")

    with pytest.raises(ConfigurationError, match="CONFIG_INVALID"):
        load_yaml(file, Recipe)


REAL = {
    "ct": "CT/crlm-1004-ge-lightspeed16",
    "pt": "PETCT/ibsi-sts_002/PET",
    "adc": "MR/dcmqi-ge-signa-adc",
}


@pytest.mark.realdata
@pytest.mark.parametrize(("role", "folder"), REAL.items(), ids=REAL.keys())
def test_real_maps_are_valid_exact_and_replay(role, folder, realdata, tmp_path):
    paths = sorted(path for path in (realdata / folder).rglob("*") if path.is_file())
    recipe = find_recipe("native").model_copy(update={"outputs": RECIPE.outputs})

    rows = apply_study(plan_study(paths, recipe), tmp_path)

    (row,) = [one for one in rows if one.role == role]
    (file,) = (tmp_path / row.dicom_path).iterdir()
    assert referees.dciodvfy_errors(file) <= referees.all_dciodvfy_errors(paths[:1])
    ds = pydicom.dcmread(file)
    values = np.asarray(nib.load(tmp_path / row.nifti_path).dataobj).T
    side = json.loads((tmp_path / f"{row.dicom_path}.json").read_bytes())
    order = [slice_at(place, places_mm(side)) for place in frames_of(ds)]
    assert (ds.pixel_array.view(np.uint32) == values[order].view(np.uint32)).all()
    assert replay_file(file, realdata / folder).identical


def test_a_map_of_an_enhanced_source_names_its_frames(tmp_path):
    values = 800 + builders.ramp(4, 6, 8) // 10
    places = [(0.0, 0.0, 3.0 * index) for index in range(4)]
    kind = ["DERIVED", "PRIMARY", "DIFFUSION", "ADC"]
    made = builders.enhanced_mr(values, places_mm=places, ImageType=kind, SeriesDescription="adc")
    path = builders.write(made, tmp_path / "in" / "0001.dcm")
    recipe = find_recipe("native").model_copy(update={"outputs": RECIPE.outputs})

    (row,) = apply_study(plan_study([path], recipe), tmp_path / "out")

    ds = pydicom.dcmread(tmp_path / "out" / row.dicom_path / "0001.dcm")
    for group, place in zip(ds.PerFrameFunctionalGroupsSequence, frames_of(ds), strict=True):
        (source,) = group.DerivationImageSequence[0].SourceImageSequence
        assert source.ReferencedFrameNumber == round(place[2] / 3.0) + 1
