"""Volumes that went the whole way, de-identified and harmonised, opened by independent readers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pyarrow.parquet as pq
import pydicom
import pytest
import SimpleITK as sitk
from typer.testing import CliRunner

from cli import app
from tests.support import referees

pytestmark = [pytest.mark.orthanc, pytest.mark.realdata]

SKYRA = "MR/prostatex-0000-siemens-skyra"
POSITIONED = {
    "skyra-t2w": ("prostate", "t2w_ax", None, f"{SKYRA}/t2_tse_tra"),
    "skyra-adc": ("prostate", "adc", None, f"{SKYRA}/adc"),
    "skyra-b50": ("prostate", "dwi", 50.0, f"{SKYRA}/dwi_b50-400-800"),
    "skyra-b400": ("prostate", "dwi", 400.0, f"{SKYRA}/dwi_b50-400-800"),
    "skyra-b800": ("prostate", "dwi", 800.0, f"{SKYRA}/dwi_b50-400-800"),
    "skyra-calculated-b1000": ("prostate", "dwi_calc", 1000.0, f"{SKYRA}/calc_bval"),
    "philips-t2w": ("prostate", "t2w_ax", None, "MR/prostate-mri-0001-philips-achieva/t2_tse_ax"),
    "ct": ("native", "ct", None, "CT/crlm-1004-ge-lightspeed16"),
    "pet": ("native", "pt", None, "PT/sts_001-ge-discovery-st"),
}
"""Name -> where it was made, role, b-value and folder of the source."""
MAMMOGRAM = ("breast", "mg_presentation", None, "MG/fo-dicom-ge-essential")

PET_SLICES = 24
AFFINE_TOLERANCE_MM = 1e-4
HALF_STEP = 0.5 + 1e-4
"""Half a quantisation step; the sixteen characters of a slope add a few hundred thousandths."""


@dataclass(frozen=True)
class Made:
    """One harmonised volume: its NIfTI, the folder of its objects, the files it came from."""

    nifti: Path
    objects: Path
    sources: list[Path]

    @property
    def slices(self) -> list[Path]:
        return sorted(self.objects.iterdir())


def neighbours(folder: Path, wanted: int) -> list[Path]:
    """Return the first ``wanted`` slices of a series by their place along z: a whole piece."""
    places = {
        path: float(
            pydicom.dcmread(path, specific_tags=["ImagePositionPatient"]).ImagePositionPatient[2]
        )
        for path in folder.rglob("*.dcm")
    }
    return sorted(places, key=places.__getitem__)[:wanted]


@pytest.fixture(scope="module")
def native(realdata: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """CT and PET by the two commands on folders: de-identified, then real values as they lie."""
    base = tmp_path_factory.mktemp("native")
    source = base / "source"
    source.mkdir()
    for number, name in enumerate(("ct", "pet")):
        wanted = [None, PET_SLICES][number]
        for path in neighbours(realdata / POSITIONED[name][3], wanted):
            (source / f"{name}-{path.name}").symlink_to(path)
    home = ["--home", str(base / "home")]
    clean, out = str(base / "clean"), base / "out"
    for words in (
        ["deid", str(source), clean, "--policy", "research-longitudinal", *home],
        ["harmonise", clean, str(out), "--recipe", "native", *home],
    ):
        found = CliRunner().invoke(app, words, catch_exceptions=False)
        assert found.exit_code == 0, found.output
    return out


@pytest.fixture(scope="module")
def made(by_get: Any, native: Path, realdata: Path) -> dict[str, Made]:
    """Every volume of this file, by its name."""
    found = {}
    for name, (where, role, b_value, folder) in {**POSITIONED, "mammogram": MAMMOGRAM}.items():
        root = native if where == "native" else getattr(by_get, where).folder
        vendor = name.split("-")[0] if where == "prostate" else ""
        vendor = {"skyra": "siemens"}.get(vendor, vendor)
        (row,) = [
            row
            for row in pq.read_table(root / "manifest.parquet").to_pylist()
            if (row["role"], row["b_value"]) == (role, b_value) and vendor in row["vendor"].lower()
        ]
        sources = sorted(path for path in (realdata / folder).rglob("*.dcm"))
        found[name] = Made(root / row["nifti_path"], root / row["dicom_path"], sources)
    return found


def assert_same(read: referees.Read, volume: Made) -> None:
    """Another reader sees our affine, and our values to half a quantisation step."""
    image = nib.load(volume.nifti)
    ours = np.asarray(image.dataobj, dtype=np.float64)
    slope = float(pydicom.dcmread(volume.slices[0], stop_before_pixels=True).RescaleSlope)
    values, affine = referees.on_our_voxels(read, ours.shape, image.affine)
    measured = np.isfinite(ours)

    assert affine == pytest.approx(image.affine, abs=AFFINE_TOLERANCE_MM)
    assert values.shape == ours.shape
    assert measured.any()
    assert np.abs(values[measured] - ours[measured]).max() <= HALF_STEP * slope


def test_at_least_eight_volumes_are_opened(made: dict[str, Made]) -> None:
    assert len(made) == 10
    assert len({volume.nifti for volume in made.values()}) == 10
    assert [len(made[name].slices) for name in ("skyra-t2w", "ct", "pet")] == [20, 9, PET_SLICES]


@pytest.mark.parametrize("name", POSITIONED)
def test_simpleitk_reads_the_same_affine_and_values(name: str, made: dict[str, Made]) -> None:
    assert_same(referees.by_simpleitk(made[name].objects), made[name])


@pytest.mark.parametrize("name", POSITIONED)
def test_dcm2niix_reads_the_same_affine_and_values(
    name: str, made: dict[str, Made], tmp_path: Path
) -> None:
    assert_same(referees.by_dcm2niix(made[name].objects, tmp_path), made[name])


def test_simpleitk_reads_the_same_mammogram(made: dict[str, Made]) -> None:
    """A projection has no place in the patient: its values and its detector spacing count."""
    (path,) = made["mammogram"].slices
    ours = np.asarray(nib.load(made["mammogram"].nifti).dataobj)

    assert (ours == sitk.GetArrayFromImage(sitk.ReadImage(str(path))).T).all()
    ds = pydicom.dcmread(path, stop_before_pixels=True)
    assert [float(v) for v in ds.ImagerPixelSpacing] == [0.1, 0.1]


@pytest.mark.parametrize("name", [*POSITIONED, "mammogram"])
def test_dciodvfy_finds_no_error_that_the_source_did_not_have(
    name: str, made: dict[str, Made]
) -> None:
    """Every derived object, against the errors of the hospital's own objects of that series."""
    volume = made[name]
    first, middle, last = 0, len(volume.sources) // 2, -1
    sources = {volume.sources[index] for index in (first, middle, last)}

    found = referees.all_dciodvfy_errors(volume.slices)

    assert found <= referees.all_dciodvfy_errors(sources)


def test_dciodvfy_would_have_found_a_missing_attribute(
    made: dict[str, Made], tmp_path: Path
) -> None:
    """Else the claim above would say nothing."""
    ds = pydicom.dcmread(made["skyra-t2w"].slices[0])
    del ds.ImageType  # Type 1 in the MR Image Module, PS3.3 C.8.3.1
    ds.save_as(tmp_path / "x.dcm")

    found = referees.dciodvfy_errors(tmp_path / "x.dcm")

    assert any("ImageType" in error for error in found)
    assert not found <= referees.dciodvfy_errors(made["skyra-t2w"].slices[0])
