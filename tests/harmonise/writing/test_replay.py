"""Replay: every shipped recipe comes out bit for bit, and what does not is named by its step."""

from __future__ import annotations

import gzip
import hashlib
import json
from dataclasses import replace

import numpy as np
import pydicom
import pytest

from config.library import find_recipe, names
from harmonise import replay as replaying
from harmonise.parquet import write_manifest
from harmonise.steps import STEPS
from harmonise.study import apply_study, fit_model, measure_study, plan_study
from pipelines.prepare.replay_file import replay_file
from tests.harmonise import builders, slide_builder
from tests.harmonise.reading.test_ultrasound_regions import region

VALUES = 500 + builders.ramp(6, 40, 48) // 3
SOFT = {"Manufacturer": "GE MEDICAL SYSTEMS", "ConvolutionKernel": "STANDARD"}


def mr_study():
    made = [
        builders.t2w(6, values=VALUES),
        builders.adc(6, values=VALUES, first_uid=200),
        builders.dwi(6, values=VALUES, first_uid=300),
        builders.dwi(6, b_value=50.0, values=VALUES + 300, first_uid=320),
    ]
    for number, series in zip((10, 20, 30, 30), made, strict=True):
        for ds in series:
            ds.SeriesInstanceUID = builders.uid(number)
    return [ds for series in made for ds in series]


def breast():
    y, x = np.mgrid[:160, :120]
    inside = (x / 80.0) ** 2 + ((y - 80) / 60.0) ** 2 < 1
    return builders.mammogram(np.where(inside, 3000 - 20 * x, 40))


def fan_picture():
    """Return a calibrated picture of speckle."""
    values = np.random.default_rng(9).integers(30, 220, (200, 240))
    return builders.ultrasound(values, [region((0, 0, 239, 199), delta=(0.03, 0.03))])


BUILT = {
    "MR": mr_study,
    "CT": lambda: builders.ct(6, values=VALUES, **SOFT),
    "PT": lambda: builders.pet(6, values=VALUES),
    "MG": lambda: [breast()],
    "US": lambda: [fan_picture()],
    "SM": lambda: slide_builder.pyramid(slide_builder.section(600, 500), 2),
}
KINDS = [
    (recipe, kind)
    for recipe in names("recipes")
    for kind in find_recipe(recipe).modalities or sorted(BUILT)
]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The built prostate study harmonised: recipe, sources, results."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("out")
    paths = builders.write_all(mr_study(), source)
    rows = apply_study(plan_study(paths, find_recipe("prostate-mpmri")), out)
    write_manifest(rows, out / "manifest.parquet")
    return source, out, {f"{r.role}{r.b_value or ''}": r for r in rows}


@pytest.mark.parametrize(("recipe", "kind"), KINDS)
def test_every_shipped_recipe_replays_bit_for_bit(recipe, kind, tmp_path):
    paths = builders.write_all(BUILT[kind](), tmp_path / "in")

    rows = apply_study(plan_study(paths, find_recipe(recipe)), tmp_path / "out")

    made = [row for row in rows if row.volume_id]
    assert made, [row.codes for row in rows]
    for row in made:
        for file in filter(None, (row.nifti_path, row.dicom_path)):
            replayed = replay_file(tmp_path / "out" / file, tmp_path / "in")
            assert (replayed.code, replayed.detail) == ("", "")
        stem = tmp_path / "out" / row.dicom_path
        for mask in (
            *stem.parent.glob(f"{stem.name}.*.nii.gz"),
            *stem.parent.glob(f"{stem.name}.*.dcm"),
        ):
            assert replay_file(mask, tmp_path / "in").identical


@pytest.mark.parametrize("recipe", ["ct-oncology", "native"])
def test_a_corrected_copy_replays_bit_for_bit(recipe, tmp_path):
    """Slices 1 mm lower each, 3 mm apart: 18 degrees."""

    def place(index, ds):
        ds.ImagePositionPatient = [-20.0, -30.0 + index, 3.0 * index]

    series = builders.ct(6, values=VALUES, per_slice=place, **SOFT)
    paths = builders.write_all(series, tmp_path / "in")

    (row,) = apply_study(plan_study(paths, find_recipe(recipe)), tmp_path / "out")

    assert "CT_TILT_CORRECTED" in row.codes
    for file in (row.nifti_path, row.dicom_path, f"{row.dicom_path}.coverage.nii.gz"):
        replayed = replay_file(tmp_path / "out" / file, tmp_path / "in")
        assert (replayed.code, replayed.detail) == ("", "")


def test_a_volume_on_the_grey_scale_of_its_cohort_replays_bit_for_bit(tmp_path):
    recipe = find_recipe("prostate-mpmri")
    measured, paths = [], []
    for number in range(5):
        said = {"PatientID": f"S{number}", "StudyInstanceUID": builders.uid(9000 + number)}
        series = builders.t2w(6, values=VALUES + 40 * number, first_uid=100 * number + 1, **said)
        paths = builders.write_all(series, tmp_path / str(number))
        measured += measure_study(plan_study(paths, recipe))
    model = fit_model(recipe, measured)
    assert model is not None
    file = tmp_path / "model.json"
    file.write_bytes(model.to_bytes())

    (row,) = apply_study(plan_study(paths, recipe, model=model), tmp_path / "out")

    assert row.model_hash == model.hash
    assert "INTENSITY_PER_CASE" not in row.codes
    replayed = replay_file(tmp_path / "out" / row.dicom_path, tmp_path / "4", model=file)
    assert (replayed.code, replayed.detail) == ("", "")


REAL = ["prostate", "philips", "mammogram", "mammogram-native", "ct", "pet", "hitachi", "enhanced"]


@pytest.mark.realdata
@pytest.mark.parametrize("name", REAL)
def test_real_studies_replay_bit_for_bit(name, runs):
    run = runs(name)
    made = {v.volume_id: v for v in run.plan.volumes}

    for row in run.rows:
        if row.volume_id is None:
            continue
        sources = made[row.volume_id].stack.frames[0].path.parent
        replayed = replay_file(run.out / row.dicom_path, sources)
        assert (replayed.code, replayed.detail, replayed.versions) == ("", "", {})
    last = [row for row in run.rows if row.volume_id][-1]
    assert replay_file(run.out / last.nifti_path, sources).identical


def changed_copy(path, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(path.read_bytes())
    return target


def test_one_bit_of_a_voxel_is_noticed(study, tmp_path):
    source, out, rows = study
    row = rows["adc"]
    side = changed_copy(out / f"{row.dicom_path}.json", tmp_path / f"{row.volume_id}.json")
    data = bytearray(gzip.decompress((out / row.nifti_path).read_bytes()))
    data[-4001] ^= 1
    nifti = tmp_path / f"{row.volume_id}.nii.gz"
    nifti.write_bytes(gzip.compress(bytes(data)))

    for file in (nifti, side):
        replayed = replay_file(file, source)
        assert replayed.code == "REPLAY_DIFFERS"
        assert replayed.detail == f"writing: {file.name}: 1 of {len(data)} bytes differ"


def test_one_sample_of_one_slice_is_noticed(study, tmp_path):
    source, out, rows = study
    file = out / rows["adc"].dicom_path / "0007.dcm"
    ds = pydicom.dcmread(file)
    samples = ds.pixel_array.copy()
    samples[5, 5] += 1
    ds.PixelData = samples.tobytes()
    ds.save_as(tmp_path / "0007.dcm")

    assert replay_file(file, source).identical
    replayed = replay_file(tmp_path / "0007.dcm", source)
    assert replayed.detail == "writing: 0007.dcm: 1 of 65536 samples differ"


def test_samples_read_by_another_slope_are_noticed(study, tmp_path):
    source, out, rows = study
    ds = pydicom.dcmread(out / rows["adc"].dicom_path / "0007.dcm")
    ds.RescaleSlope = "2"
    ds.save_as(tmp_path / "0007.dcm")

    assert replay_file(tmp_path / "0007.dcm", source).detail.endswith("RescaleSlope differs")


def test_sources_are_found_beside_the_file_where_the_manifest_lies(study, tmp_path):
    source, out, rows = study
    for path in [*source.iterdir(), *(p for p in out.rglob("*") if p.is_file())]:
        base = source if path.is_relative_to(source) else out
        changed_copy(path, tmp_path / "release" / path.relative_to(base))

    assert replay_file(tmp_path / "release" / rows["t2w_ax"].nifti_path).identical
    assert replay_file(tmp_path / "release" / rows["t2w_ax"].dicom_path / "0001.dcm").identical


def test_a_source_that_is_not_there_is_named(study, tmp_path):
    source, out, rows = study
    for path in source.iterdir():
        if path.name != "0002.dcm":
            changed_copy(path, tmp_path / path.name)

    replayed = replay_file(out / rows["t2w_ax"].nifti_path, tmp_path)

    assert replayed.code == "REPLAY_SOURCE_MISSING"
    assert replayed.detail == f"reading: 1 of 6 source objects; {builders.uid(102)} not found"


def test_a_source_with_other_bytes_is_not_the_source(study, tmp_path):
    source, out, rows = study
    for path in source.iterdir():
        changed_copy(path, tmp_path / path.name)
    ds = pydicom.dcmread(tmp_path / "0002.dcm")
    ds.SeriesDescription = "t2 tse tra"
    ds.save_as(tmp_path / "0002.dcm")

    replayed = replay_file(out / rows["t2w_ax"].nifti_path, tmp_path)

    assert replayed.code == "REPLAY_SOURCE_MISSING"
    assert replayed.detail.endswith(f"{builders.uid(102)} its bytes are others now")


@pytest.mark.parametrize("change", ["version", "unknown"])
def test_the_first_step_that_computes_otherwise_is_named(change, study, monkeypatch):
    source, out, rows = study
    steps = dict(STEPS)
    if change == "version":
        steps["resample"] = replace(steps["resample"], version=99)
    else:
        del steps["resample"]
    monkeypatch.setattr(replaying, "STEPS", steps)

    replayed = replay_file(out / rows["t2w_ax"].nifti_path, source)

    here = "version 99" if change == "version" else "no such step"
    assert replayed.code == "REPLAY_STEP_CHANGED"
    assert replayed.detail == f"step 2 resample: recorded version 2, here {here}"


def test_the_first_step_with_another_result_is_named(study, tmp_path):
    """A decision altered in the record no longer gives the digest that was recorded with it."""
    source, out, rows = study
    row = rows["t2w_ax"]
    record = json.loads((out / f"{row.dicom_path}.json").read_bytes())
    record["steps"][0]["decided"]["iterations"] = [1]
    side = tmp_path / f"{row.volume_id}.json"
    side.write_text(json.dumps(record))

    replayed = replay_file(side, source)

    assert (replayed.code, replayed.detail.split(":")[0]) == ("REPLAY_DIFFERS", "step 1 n4")


def test_another_version_of_a_package_is_told_though_the_bits_agree(study, tmp_path):
    source, out, rows = study
    row = rows["adc"]
    record = json.loads((out / f"{row.dicom_path}.json").read_bytes())
    here = record["versions"]["numpy"]
    record["versions"]["numpy"] = "1.0"
    changed_copy(out / row.nifti_path, tmp_path / f"{row.volume_id}.nii.gz")
    side = tmp_path / f"{row.volume_id}.json"
    side.write_text(json.dumps(record))

    replayed = replay_file(side, source)

    assert replayed.identical
    assert replayed.versions == {"numpy": ("1.0", here)}


def with_model(study, folder, digest):
    """The T2's side file and NIfTI, its record naming a model."""
    _, out, rows = study
    row = rows["t2w_ax"]
    changed_copy(out / row.nifti_path, folder / f"{row.volume_id}.nii.gz")
    record = json.loads((out / f"{row.dicom_path}.json").read_bytes())
    record["recipe"]["model_hash"] = digest
    side = folder / f"{row.volume_id}.json"
    side.write_text(json.dumps(record))
    return side


def test_a_recorded_model_is_found_in_the_store_or_by_name(study, tmp_path):
    model = tmp_path / "models" / "project" / "v1.json"
    model.parent.mkdir(parents=True)
    model.write_bytes(b'{"scale":[0,100]}')
    digest = hashlib.sha256(b'{"scale":[0,100]}').hexdigest()
    side = with_model(study, tmp_path, digest)

    stored = replay_file(side, study[0], models=tmp_path / "models")
    named = replay_file(side, study[0], model=model)
    unknown = replay_file(side, study[0], models=tmp_path / "no")

    assert [(r.identical, r.model) for r in (stored, named, unknown)] == [
        (True, ""),
        (True, ""),
        (True, digest),
    ]


def test_another_model_than_the_recorded_one_is_refused(study, tmp_path):
    model = tmp_path / "model.json"
    model.write_bytes(b"{}")
    side = with_model(study, tmp_path, "0" * 64)

    assert replay_file(side, study[0], model=model).code == "REPLAY_MODEL_OTHER"
    assert replay_file(side, study[0], model=tmp_path / "no").code == "REPLAY_MODEL_OTHER"
    side = with_model(study, tmp_path, None)
    assert replay_file(side, study[0], model=model).code == "REPLAY_MODEL_OTHER"
