"""Explain: a released file says every step that made it, and its hashes can be recomputed."""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import yaml
from numpy.typing import NDArray
from pydicom import dcmread
from typer.testing import CliRunner

from cli import app
from cli.shared import FINDING
from tests.support.files import dataset_bytes

pytestmark = [pytest.mark.orthanc, pytest.mark.realdata]

RECIPE = Path(__file__).resolve().parents[3] / "config" / "recipes" / "prostate-mpmri.yaml"
VOLUMES = [("t2w_ax", None), ("adc", None), ("dwi", 800.0)]


def explain(*words: str) -> str:
    found = CliRunner().invoke(app, ["explain", *words], catch_exceptions=False)
    assert found.exit_code == 0
    return found.stdout


@pytest.fixture(scope="module")
def released(by_get: Any) -> dict[Any, dict[str, Path]]:
    """The three faces of each volume: NIfTI, one slice, JSON."""
    found = {}
    for role, b_value in VOLUMES:
        row = by_get.prostate.row(role, b_value, "siemens")
        nifti = by_get.prostate.folder / row["nifti_path"]
        found[role, b_value] = {
            "nifti": nifti,
            "dicom": by_get.prostate.slices(row)[7],
            "json": Path(str(nifti).replace(".nii.gz", ".json")),
        }
    return found


def digest(values: NDArray[Any], grid: dict[str, Any]) -> str:
    """SHA-256 of a volume as the record defines it: its grid's JSON, then float32 values."""
    said = json.dumps(grid, sort_keys=True, separators=(",", ":")).encode()
    stored = np.where(np.isnan(values), np.float32(np.nan), values).astype("<f4")
    return hashlib.sha256(said + np.ascontiguousarray(stored).tobytes()).hexdigest()


@pytest.mark.parametrize(("role", "b_value"), VOLUMES)
def test_nifti_slice_and_json_tell_the_same_story(
    role: str, b_value: float | None, released: Any
) -> None:
    told = {face: explain(str(path)) for face, path in released[role, b_value].items()}

    assert told["nifti"] == told["dicom"] == told["json"]
    records = {face: explain(str(p), "--json") for face, p in released[role, b_value].items()}
    assert records["nifti"] == records["dicom"] == records["json"]


@pytest.mark.parametrize(("role", "b_value"), VOLUMES)
def test_every_step_of_the_recipe_is_printed_with_its_parameters(
    role: str, b_value: float | None, released: Any
) -> None:
    """The recipe is read as plain YAML: nothing of the program says what is expected."""
    recipe = yaml.safe_load(RECIPE.read_text(encoding="utf-8"))
    wanted = [next(iter(step.items())) for step in recipe["role_steps"][role]]

    printed = explain(str(released[role, b_value]["nifti"])).splitlines()

    heads = [line.split()[2:4] for line in printed if line.startswith("step ")]
    assert heads == [[name, "version"] for name, _ in wanted]
    params = [json.loads(line.split(None, 1)[1]) for line in printed if line.startswith("  params")]
    for given, (_, asked) in zip(params, wanted, strict=True):
        assert {key: given[key] for key in asked} == asked
    decided = [line for line in printed if line.startswith("  decided {")]
    assert len(decided) == len(wanted)


@pytest.mark.parametrize(("role", "b_value"), VOLUMES)
def test_the_versions_of_what_computed_it_are_printed(
    role: str, b_value: float | None, released: Any
) -> None:
    (line,) = [
        line
        for line in explain(str(released[role, b_value]["dicom"])).splitlines()
        if line.startswith("versions")
    ]
    for package in ("SimpleITK", "accordage", "numpy", "pydicom", "scipy"):
        assert f"{package} {version(package)}" in line


@pytest.mark.parametrize(("role", "b_value"), VOLUMES)
def test_input_hashes_are_those_of_the_objects_it_was_made_from(
    role: str, b_value: float | None, released: Any, by_get: Any
) -> None:
    """SHA-256 of each de-identified object's bytes after the file meta group, computed here."""
    objects = (by_get.home.root / "research" / "objects").rglob("*.dcm")
    headers = {path: dcmread(path, stop_before_pixels=True) for path in objects}
    row = by_get.prostate.row(role, b_value, "siemens")
    expected = {
        (str(ds.SOPInstanceUID), hashlib.sha256(dataset_bytes(path)).hexdigest())
        for path, ds in headers.items()
        if [ds.SeriesInstanceUID] == row["source_series_uids"]
        and (b_value is None or ds.get("DiffusionBValue") == b_value)
    }

    printed = explain(str(released[role, b_value]["json"])).splitlines()

    inputs = [line.split() for line in printed if line.startswith("input ")]
    assert {(words[1], words[5]) for words in inputs} == expected
    assert len(inputs) == len(expected) == 19


@pytest.mark.parametrize(("role", "b_value"), VOLUMES)
def test_the_steps_are_a_chain_from_the_hospitals_pixels_to_the_released_voxels(
    role: str, b_value: float | None, released: Any, realdata: Path
) -> None:
    """First input: the source's real values. Last output: the NIfTI. Between: no link missing."""
    folder = {"t2w_ax": "t2_tse_tra", "adc": "adc", "dwi": "dwi_b50-400-800"}[role]
    source = realdata / "MR" / "prostatex-0000-siemens-skyra" / folder
    heads = [dcmread(path) for path in sorted(source.iterdir())]
    if b_value is not None:
        heads = [ds for ds in heads if str(ds.SequenceName).endswith(f"_b{b_value:g}t")]
    across, down = np.array(heads[0].ImageOrientationPatient, float).reshape(2, 3)
    normal = np.cross(across, down)
    heads.sort(key=lambda ds: float(normal @ np.array(ds.ImagePositionPatient, float)))
    native = np.stack([ds.pixel_array for ds in heads]).astype(np.float32)

    record = json.loads(explain(str(released[role, b_value]["dicom"]), "--json"))
    steps = record["steps"]
    voxels = np.asarray(nib.load(released[role, b_value]["nifti"]).dataobj).T

    assert all("RescaleSlope" not in ds or ds.RescaleSlope == 1 for ds in heads)
    assert steps[0]["input_sha256"] == digest(native, record["geometry"]["native_grid"])
    links = [step["output_sha256"] for step in steps]
    assert [step["input_sha256"] for step in steps[1:]] == links[:-1]
    assert links[-1] == record["output"]["sha256"] == digest(voxels, record["output"]["grid"])


def test_a_file_that_does_not_say_how_it_was_made_is_one_clear_line(
    by_get: Any, realdata: Path
) -> None:
    source = realdata / "MG/fo-dicom-ge-essential/GH133.dcm"

    said = by_get.home.command("explain", source, expect=FINDING)

    assert said.startswith("error: PROVENANCE_MISSING")
    assert len(said.splitlines()) == 1
