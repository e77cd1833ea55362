"""Heads on the way to a release: the face goes, or the whole series stays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from config.library import find_policy
from config.policy import Policy
from config.settings import load_settings
from pipelines.engine import Engine
from pipelines.prepare.clean_pixels import PixelPlace
from pipelines.prepare.deid_folder import FolderReport, deidentify_folder
from pipelines.progress import Silent
from tests.support import heads
from tests.support.heads import BRAIN, CHIN, LIPS, NOSE, Scan

SCAN = Scan()


@pytest.fixture(scope="module")
def policy() -> Policy:
    found = find_policy("research-longitudinal")
    return found.model_copy(update={"options": (*found.options, "113102")})


def released(folder: Path, policy: Policy, jobs: int = 1) -> FolderReport:
    place = PixelPlace(str(folder / "zone" / "scratch"), str(folder / "zone" / "faces"))
    settings = load_settings(folder / "zone", {}).model_copy(update={"jobs": jobs})
    return deidentify_folder(
        folder / "in", folder / "out", policy, b"s" * 32, Engine(settings), Silent(), place
    )


def write(folder: Path, instances: list[Dataset]) -> None:
    (folder / "in").mkdir(parents=True)
    for number, ds in enumerate(instances):
        ds.save_as(folder / "in" / f"{number:03}.dcm", enforce_file_format=True)


def test_a_head_is_released_without_its_face_and_says_so(tmp_path: Path, policy: Policy) -> None:
    write(tmp_path, heads.series(SCAN))
    report = released(tmp_path, policy, jobs=2)
    assert report.released == SCAN.slices
    after = {}
    for path in (tmp_path / "out").rglob("*.dcm"):
        ds = pydicom.dcmread(path)
        after[float(ds.ImagePositionPatient[2])] = ds.pixel_array
        assert ds.RecognizableVisualFeatures == "NO"
        assert "113102" in [item.CodeValue for item in ds.DeidentificationMethodCodeSequence]
    before = {float(ds.ImagePositionPatient[2]): ds.pixel_array for ds in heads.series(SCAN)}
    order = sorted(before)
    labels = {
        float(ds.ImagePositionPatient[2]): heads.labels(SCAN, n)
        for n, ds in enumerate(heads.series(SCAN))
    }
    what = np.stack([labels[z] for z in order])
    old, new = (np.stack([images[z] for z in order]) for images in (before, after))
    np.testing.assert_array_equal(new[what == BRAIN], old[what == BRAIN])
    for place in (NOSE, LIPS, CHIN):
        assert (new[what == place] == 24).mean() > 0.9  # -1000 HU with intercept -1024
    assert [row["pixels"]["face"] for row in report.files] == ["removed"] * SCAN.slices
    zone = tmp_path / "zone"
    assert len(list((zone / "faces").glob("*.png"))) == 1
    assert not list((zone / "scratch").iterdir())
    assert not list((tmp_path / "out").rglob("*.png"))


def test_a_series_that_cannot_be_judged_is_refused_whole(tmp_path: Path, policy: Policy) -> None:
    write(tmp_path, heads.series(SCAN)[:5])  # too few slices to find a face in
    report = released(tmp_path, policy)
    assert report.released == 0
    assert sum(report.quarantined.values()) == 5
    assert all(code.startswith("FACE_") for code in report.quarantined)
    assert not list((tmp_path / "out").rglob("*.dcm"))


def test_a_header_that_cannot_be_judged_costs_its_own_series(
    tmp_path: Path, policy: Policy
) -> None:
    """Modality and Body Part Examined are asked for; here they have no VR of PS3.5 6.2."""
    write(tmp_path, heads.series(SCAN)[:2])
    for number, head in enumerate((b"\x08\x00\x60\x00", b"\x18\x00\x15\x00")):
        path = tmp_path / "in" / f"{number:03}.dcm"
        data = path.read_bytes()
        assert data.count(head + b"CS") == 1
        path.write_bytes(data.replace(head + b"CS", head + b"ZZ"))
    report = released(tmp_path, policy)
    assert (report.released, report.quarantined) == (0, {"FACE_FAILED": 2})


def test_without_the_option_a_head_is_released_as_it_is(tmp_path: Path) -> None:
    write(tmp_path, heads.series(SCAN)[:5])
    report = released(tmp_path, find_policy("research-longitudinal"))
    assert report.released == 5
    assert "face" not in report.files[0]["pixels"]
