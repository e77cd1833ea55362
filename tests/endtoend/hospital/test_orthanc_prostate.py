"""From an independent PACS to a released cohort, by the command line, on real studies."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom import dcmread
from scipy import ndimage, stats

from tests.support.files import dataset_bytes
from tests.support.home import Cohort, Home

pytestmark = [pytest.mark.orthanc, pytest.mark.realdata]

SKYRA = "MR/prostatex-0000-siemens-skyra"
ACHIEVA = "MR/prostate-mri-0001-philips-achieva/t2_tse_ax"
MAMMOGRAM = "MG/fo-dicom-ge-essential/GH133.dcm"
SIEMENS = [("t2w_ax", None), ("adc", None), ("dwi", 50.0), ("dwi", 400.0), ("dwi", 800.0)]
FOLDERS = {"t2w_ax": "t2_tse_tra", "adc": "adc", "dwi": "dwi_b50-400-800"}

BORDER_VOXELS = 1e-3
"""Headers hold decimal strings: a centre on the outer face is inside, to this rounding."""


class Native:
    """A series as its headers place it, read by pydicom and numpy alone (PS3.3 C.7.6.2.1.1)."""

    def __init__(self, folder: Path, b_value: float | None = None) -> None:
        heads = [dcmread(path) for path in sorted(folder.iterdir())]
        if b_value is not None:  # Siemens says it in the name of the sequence: *ep_b50t
            heads = [ds for ds in heads if str(ds.SequenceName).endswith(f"_b{b_value:g}t")]
        across, down = np.array(heads[0].ImageOrientationPatient, float).reshape(2, 3)
        normal = np.cross(across, down)
        heads.sort(key=lambda ds: float(normal @ np.array(ds.ImagePositionPatient, float)))
        places = np.array([ds.ImagePositionPatient for ds in heads], float)
        row_mm, column_mm = (float(v) for v in heads[0].PixelSpacing)
        between = (places[-1] - places[0]) / (len(heads) - 1)
        self.values = np.stack(
            [ds.pixel_array * float(ds.get("RescaleSlope", 1)) for ds in heads]
        ).astype(np.float64)
        self._first = places[0]
        self._axes = np.stack([between, down * row_mm, across * column_mm], axis=1)

    def index(self, image: nib.Nifti1Image) -> NDArray[np.float64]:
        """Continuous (slice, row, column) index here of every voxel centre of a NIfTI."""
        voxels = np.indices(image.shape).reshape(3, -1)
        ras = image.affine[:3, :3] @ voxels + image.affine[:3, 3:]
        lps = ras * [[-1.0], [-1.0], [1.0]]
        return np.asarray(np.linalg.solve(self._axes, lps - self._first[:, None]))

    def covers(self, image: nib.Nifti1Image) -> NDArray[np.bool_]:
        """Where the voxel centres lie within [-0.5, n - 0.5] on all three axes."""
        size = np.array(self.values.shape)[:, None]
        at = self.index(image)
        inside = (at >= -0.5 - BORDER_VOXELS) & (at <= size - 0.5 + BORDER_VOXELS)
        return inside.all(axis=0).reshape(image.shape)

    def linear(self, image: nib.Nifti1Image) -> NDArray[np.float64]:
        """The native values at the NIfTI's voxel centres, by linear interpolation."""
        return self._at(image, self.values)

    def amid_values(self, image: nib.Nifti1Image) -> NDArray[np.bool_]:
        """Where none of the native voxels that interpolation weighs is 0."""
        return self._at(image, (self.values != 0).astype(np.float64)) > 0.9999

    def _at(self, image: nib.Nifti1Image, values: NDArray[np.float64]) -> NDArray[np.float64]:
        found = ndimage.map_coordinates(values, self.index(image), order=1, mode="nearest")
        return np.asarray(found).reshape(image.shape)


def opened(cohort: Cohort, row: dict[str, Any]) -> nib.Nifti1Image:
    return nib.load(cohort.folder / row["nifti_path"])


def coverage_of(cohort: Cohort, row: dict[str, Any]) -> NDArray[np.bool_]:
    """The released mask; a volume without one says that it covers the whole grid."""
    path = cohort.folder / row["nifti_path"].replace(".nii.gz", ".coverage.nii.gz")
    if not path.exists():
        return np.ones(opened(cohort, row).shape, bool)
    return np.asarray(nib.load(path).dataobj) == 1


def what_zero_became(cohort: Cohort, row: dict[str, Any]) -> float:
    """The harmonised value of a source value 0; field correction and scaling leave 0 where it is.

    z = (v - centre) / scale, with the centre and scale that the volume's own record names.
    """
    path = cohort.folder / row["nifti_path"].replace(".nii.gz", ".json")
    steps = json.loads(path.read_text())["steps"]
    shifts = [s["decided"] for s in steps if "centre" in s["decided"]]
    return -shifts[0]["centre"] / shifts[0]["scale"] if shifts else 0.0


@pytest.fixture(scope="module")
def natives(realdata: Path) -> dict[tuple[str, float | None], Native]:
    return {
        (role, b_value): Native(realdata / SKYRA / FOLDERS[role], b_value)
        for role, b_value in SIEMENS
    }


def test_every_study_asked_is_acquired_and_released(by_get: Any) -> None:
    """114 Siemens and 8 Philips objects, and one mammogram in a project of its own."""
    asked = [*by_get.prostate.requests(), *by_get.breast.requests()]

    assert sorted((row["expected"], row["received"]) for row in asked) == [
        (1, 1),
        (8, 8),
        (114, 114),
    ]
    assert {(row["acquired_as"], row["outcome"]) for row in asked} == {("complete", "released")}
    assert {stage for one in by_get.accounts.values() for stage in one} == {
        "resolve",
        "retrieve",
        "deidentify",
        "harmonise",
    }
    assert all(
        not account["refused"] for one in by_get.accounts.values() for account in one.values()
    )
    assert [row["role"] for row in by_get.breast.manifest()] == ["mg_presentation"]


@pytest.mark.parametrize(("role", "b_value"), SIEMENS)
def test_prostatex_lies_on_one_grid_of_half_a_millimetre(
    role: str, b_value: float | None, by_get: Any
) -> None:
    cohort = by_get.prostate
    image = opened(cohort, cohort.row(role, b_value, "siemens"))
    reference = opened(cohort, cohort.row("t2w_ax", None, "siemens"))

    assert nib.affines.voxel_sizes(image.affine) == pytest.approx([0.5, 0.5, 3.0], abs=1e-5)
    assert image.shape == reference.shape == (256, 256, 20)
    assert (image.affine == reference.affine).all()


@pytest.mark.parametrize(("role", "b_value"), SIEMENS)
def test_coverage_is_what_the_hospitals_headers_say(
    role: str, b_value: float | None, by_get: Any, natives: dict[Any, Native]
) -> None:
    cohort = by_get.prostate
    row = cohort.row(role, b_value, "siemens")

    expected = natives[role, b_value].covers(opened(cohort, row))

    assert (coverage_of(cohort, row) == expected).all()


def assert_no_zero_was_filled_in(cohort: Cohort, row: dict[str, Any], native: Native) -> int:
    """Each covered voxel at the value of 0 has only zeros about it in the source; count them.

    A hundredth of a grey level is allowed: centres lie on the source's to within rounding.
    """
    image = opened(cohort, row)
    values = np.asarray(image.dataobj, dtype=np.float64)
    covered = coverage_of(cohort, row)
    assert (values[covered] != 0).all()
    at_zero = covered & np.isclose(values, what_zero_became(cohort, row), rtol=0, atol=1e-6)
    assert (native.linear(image)[at_zero] < 0.01).all()
    return int(at_zero.sum())


@pytest.mark.parametrize(("role", "b_value"), SIEMENS)
def test_no_zero_is_filled_in_where_the_scanner_measured(
    role: str, b_value: float | None, by_get: Any, natives: dict[Any, Native]
) -> None:
    """The source has zeros of its own, in air: 369 voxels of the T2 grid, none of the others."""
    cohort = by_get.prostate
    row = cohort.row(role, b_value, "siemens")

    found = assert_no_zero_was_filled_in(cohort, row, natives[role, b_value])

    assert found < (1000 if role == "t2w_ax" else 1)


def likeness(
    ours: NDArray[np.float64], theirs: NDArray[np.float64], where: NDArray[np.bool_]
) -> float:
    return float(np.corrcoef(ours[where], theirs[where])[0, 1])


@pytest.mark.parametrize(("role", "b_value"), SIEMENS)
def test_values_are_those_of_the_place_in_the_hospitals_images(
    role: str, b_value: float | None, by_get: Any, natives: dict[Any, Native]
) -> None:
    """One linear interpolation of the native series, made here, explains the harmonised one."""
    cohort = by_get.prostate
    row = cohort.row(role, b_value, "siemens")
    image = opened(cohort, row)
    values = np.asarray(image.dataobj, dtype=np.float64)
    native = natives[role, b_value]
    linear, inside = native.linear(image), native.amid_values(image)

    assert inside.mean() > 0.3
    assert np.isfinite(values[inside]).all()
    fit = likeness(values, linear, inside)
    assert fit > 0.97
    for axis in range(3):
        for step in (-1, 1):
            moved = np.roll(linear, step, axis)
            there = inside & np.roll(inside, step, axis)
            assert likeness(values, moved, there) < fit, "a voxel away must fit worse"
    if role == "adc":  # a map: its numbers mean something and are not scaled
        assert row["unit"] == "um2/s"
        assert np.median(values[inside] / linear[inside]) == pytest.approx(1, abs=0.005)


def test_the_short_philips_t2_says_how_far_it_reaches(by_get: Any, realdata: Path) -> None:
    cohort = by_get.prostate
    row = cohort.row("t2w_ax", None, "philips")
    image = opened(cohort, row)
    native = Native(realdata / ACHIEVA)
    covered = coverage_of(cohort, row)

    assert row["spacing_mm"] == [3.0, 0.5, 0.5]
    assert row["codes"] == ["MR_FOV_NOT_COVERED", "INTENSITY_PER_CASE", "MR_SIGNAL_VOID"]
    assert nib.affines.voxel_sizes(image.affine) == pytest.approx([0.5, 0.5, 3.0], abs=1e-5)
    assert native.values.shape[0] == 8
    assert (covered == native.covers(image)).all()
    assert 0 < covered.sum() < covered.size
    assert (np.isfinite(np.asarray(image.dataobj)) == covered).all()
    assert_no_zero_was_filled_in(cohort, row, native)


def test_a_missing_slice_refuses_its_series_by_name(missing_slice: Any) -> None:
    accounts, home, cohort = missing_slice

    assert accounts["retrieve"]["refused"] == accounts["deidentify"]["refused"] == {}
    assert accounts["harmonise"]["refused"] == {"MR_MISSING_SLICE": 1}
    (refused,) = [row for row in cohort.manifest() if row["verdict"] == "REJECT"]
    assert (refused["codes"], refused["volume_id"]) == (["MR_MISSING_SLICE"], None)
    assert (refused["nifti_path"], refused["dicom_path"]) == (None, None)
    assert cohort.row("t2w_ax")["codes"] == ["INTENSITY_PER_CASE"], "the other series go on"
    (asked,) = cohort.requests()
    assert (asked["expected"], asked["received"]) == (37, 37)
    assert asked["refused_series"] == ["MR_MISSING_SLICE"]
    assert "MR_MISSING_SLICE" in home.call("status", "prostate", "--json")


def test_the_ge_mammogram_has_the_chest_wall_left_and_tissue_bright(
    by_get: Any, realdata: Path
) -> None:
    """Seen on pixels: the source's chest wall is right, so its mirror image is what is expected."""
    cohort = by_get.breast
    row = cohort.row("mg_presentation")
    (path,) = cohort.slices(row)
    ds = dcmread(path)
    picture = ds.pixel_array.astype(np.float64)
    source = dcmread(realdata / MAMMOGRAM)
    pixels = source.pixel_array.astype(np.float64)
    edge, _source_edge = picture.shape[1] // 10, pixels.shape[1] // 10

    assert source.PatientOrientation == ["P", "FL"]
    assert (
        pixels[:, -pixels.shape[1] // 10 :].mean() > 10 * pixels[:, : pixels.shape[1] // 10].mean()
    )
    assert ds.PatientOrientation == ["A", "FL"]
    assert ds.PhotometricInterpretation == "MONOCHROME2"
    assert picture[:, :edge].mean() > 10 * picture[:, -edge:].mean()
    assert np.median(picture[:, -edge:]) == 0, "air is dark"
    assert row["spacing_mm"] == [None, 0.1, 0.1]
    scale = [new / old for new, old in zip(picture.shape, pixels.shape, strict=True)]
    expected = ndimage.zoom(pixels[:, ::-1], scale, order=1, grid_mode=True, mode="nearest")
    sample = np.s_[::16, ::16]
    tissue = (picture[sample] > 0) & (expected[sample] > 0)
    assert tissue.mean() > 0.1
    ranks = stats.spearmanr(picture[sample][tissue], expected[sample][tissue])
    assert ranks.statistic > 0.99


def test_c_get_and_c_move_bring_the_same_bytes(by_get: Any, by_move: Home, hospital: Any) -> None:
    """The digest is that of transfer syntax UID and dataset, computed here from the files."""
    got, moved = by_get.home.received(), by_move.received()

    assert set(got) == set(moved)
    assert len(got) == len(hospital.sent) == 123
    for received in (got, moved):
        for digest, path in received.items():
            syntax = pydicom.filereader.read_file_meta_info(path).TransferSyntaxUID
            content = str(syntax).encode() + dataset_bytes(path)
            assert hashlib.sha256(content).hexdigest() == digest


def test_what_was_received_is_what_the_hospital_sent(by_get: Any, hospital: Any) -> None:
    """Orthanc may write lengths its own way; identifiers and pixels are those of the source."""
    kept = {ds.SOPInstanceUID: ds for ds in map(dcmread, by_get.home.received().values())}
    for path in hospital.sent:
        ds = dcmread(path)
        twin = kept.pop(ds.SOPInstanceUID)
        assert twin.PixelData == ds.PixelData
        assert (twin.PatientID, twin.SeriesInstanceUID) == (ds.PatientID, ds.SeriesInstanceUID)
    assert not kept


def test_c_get_and_c_move_end_in_the_same_volumes(by_get: Any, by_move: Home) -> None:
    """NIfTI, masks, derived objects and records: the same files with the same bytes."""
    got, moved = by_get.home.volumes(), by_move.volumes()

    assert set(got) == set(moved)
    assert sum(name.endswith(".nii.gz") for name in got) == 14, "10 volumes, 4 masks"
    differing = [name for name in got if got[name].read_bytes() != moved[name].read_bytes()]
    assert differing == []
    released = {row["nifti_path"].split("/")[-1] for row in by_get.prostate.manifest()}
    assert released <= {name.split("/")[-1] for name in moved}


def test_no_identifier_of_the_hospital_reaches_the_research_zone(
    by_get: Any, hospital: Any
) -> None:
    """UIDs and patient numbers of the real studies, as bytes in every file of the zone."""
    headers = [dcmread(path, stop_before_pixels=True) for path in hospital.sent]
    needles = {
        str(ds[keyword].value).encode()
        for ds in headers
        for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "PatientID")
    } - {b"0000000000"}  # the mammogram's number: ten zeros are also found in numbers
    assert {b"ProstateX-0000", b"MIP-PROSTATE-01-0001"} < needles
    found = re.compile(b"|".join(map(re.escape, sorted(needles))))

    files = [path for path in (by_get.home.root / "research").rglob("*") if path.is_file()]

    assert len(files) > 300
    assert [path.name for path in files if found.search(path.read_bytes())] == []
