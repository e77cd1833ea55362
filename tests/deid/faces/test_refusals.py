"""What cannot be defaced with certainty is refused with a code, never released as it came."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import JPEGBaseline8Bit

from config.codes import codes
from config.errors import AccordageError, RejectedError
from deid.faces.check import require_removed
from deid.faces.deface import deface_series
from deid.faces.plan import plan_faces
from deid.faces.settings import CheckSettings, FaceSettings, RegionSettings
from tests.support import heads
from tests.support.heads import Scan

AXIAL = Scan()


def refusal(instances: list[Dataset], settings: FaceSettings | None = None) -> str:
    with pytest.raises(AccordageError) as caught:
        deface_series(len(instances), instances.__getitem__, lambda _i, _made: None, settings)
    assert caught.value.code in codes()
    return caught.value.code


def changed(change: Callable[[Dataset], None], which: int | None = None) -> list[Dataset]:
    instances = heads.series(AXIAL)
    for index, ds in enumerate(instances):
        if which in {None, index}:
            change(ds)
    return instances


def test_a_missing_slice_is_refused() -> None:
    instances = heads.series(AXIAL)
    del instances[30]
    assert refusal(instances) == "FACE_SERIES_IRREGULAR"


def test_a_slice_beside_its_place_is_refused() -> None:
    def move(ds: Dataset) -> None:
        ds.ImagePositionPatient[0] += 3

    assert refusal(changed(move, 30)) == "FACE_SERIES_IRREGULAR"


def test_a_few_sagittal_slices_which_show_the_profile_are_refused() -> None:
    scan = Scan("T1", "sagittal", rows=130, columns=130, slices=9, step_mm=5)
    assert refusal(heads.series(scan)) == "FACE_NOT_A_VOLUME"


def test_slices_far_apart_are_refused() -> None:
    scan = Scan("T1", "sagittal", rows=130, columns=130, slices=16, step_mm=10)
    assert refusal(heads.series(scan)) == "FACE_NOT_A_VOLUME"


@pytest.mark.parametrize("word", ["LOCALIZER", "MOSAIC", "VOLUME RENDERING"])
def test_scouts_mosaics_and_renderings_are_refused(word: str) -> None:
    def name(ds: Dataset) -> None:
        ds.ImageType = ["DERIVED", "PRIMARY", word]

    assert refusal(changed(name)) == "FACE_NOT_A_VOLUME"


def test_a_capture_of_a_ct_is_refused() -> None:
    def capture(ds: Dataset) -> None:
        ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7"

    assert refusal(changed(capture)) == "FACE_NOT_A_VOLUME"


@pytest.mark.parametrize("keyword", ["ImagePositionPatient", "PixelSpacing"])
def test_slices_without_a_place_are_refused(keyword: str) -> None:
    assert refusal(changed(lambda ds: delattr(ds, keyword), 4)) == "FACE_NOT_A_VOLUME"


def test_a_volume_without_the_top_of_the_head_is_refused() -> None:
    instances = heads.series(AXIAL, range(40))
    assert refusal(instances) == "FACE_HEAD_NOT_FOUND"


def test_a_volume_that_ends_above_the_face_is_refused() -> None:
    assert refusal(heads.series(AXIAL, range(30, 62))) in {"FACE_NOT_FOUND", "FACE_HEAD_NOT_FOUND"}


def test_a_brain_without_its_skull_is_refused_since_skin_would_be_brain() -> None:
    def strip(ds: Dataset) -> None:
        number = int(ds.InstanceNumber) - 1
        brain = heads.labels(replace(AXIAL, contrast="T1"), number) == heads.BRAIN
        ds.PixelData = np.where(brain, 180, 0).astype("<u2").tobytes()

    instances = heads.series(replace(AXIAL, contrast="T1"))
    for ds in instances:
        strip(ds)
    assert refusal(instances) in {"FACE_NOT_FOUND", "FACE_HEAD_NOT_FOUND"}


@pytest.mark.parametrize("contrast", ["CT", "T1"])
def test_a_trunk_is_no_head(contrast: str) -> None:
    """An oval 340 by 220 mm all the way: what a series of unknown anatomy may be."""
    scan = replace(AXIAL, contrast=contrast, spacing_mm=(3.2, 3.2))
    instances = heads.series(scan)
    for number, ds in enumerate(instances):
        p = scan.points_mm(number)
        body = (p[..., 0] / 170) ** 2 + (p[..., 1] / 110) ** 2 < 1
        ds.PixelData = np.where(body, 1064 if contrast == "CT" else 200, 0).astype("<u2").tobytes()
        del ds.BodyPartExamined
    assert refusal(instances) == "FACE_ANATOMY_UNKNOWN"


def test_a_head_far_below_the_top_of_a_long_volume_is_refused() -> None:
    """Empty slices above: 340 mm from the top the face is not whole."""
    scan = Scan(
        trunk=True, spacing_mm=(4.0, 4.0), rows=64, columns=100, slices=160, step_mm=5.0,
        centre_mm=(0, -5, -110),
    )  # fmt: skip
    assert refusal(heads.series(scan)) == "FACE_HEAD_NOT_FOUND"


def test_noise_is_no_head() -> None:
    random = np.random.default_rng(3)

    def noise(ds: Dataset) -> None:
        ds.PixelData = random.integers(0, 400, (AXIAL.rows, AXIAL.columns), "<u2").tobytes()

    instances = heads.series(replace(AXIAL, contrast="T1"))
    for ds in instances:
        noise(ds)
    assert refusal(instances) == "FACE_HEAD_NOT_FOUND"


def test_an_even_image_is_no_head() -> None:
    instances = heads.series(replace(AXIAL, contrast="T1"))
    for ds in instances:
        ds.PixelData = bytes(len(ds.PixelData))
    assert refusal(instances) == "FACE_HEAD_NOT_FOUND"


def test_a_lossy_series_is_refused() -> None:
    def lossy(ds: Dataset) -> None:
        ds.file_meta.TransferSyntaxUID = JPEGBaseline8Bit

    assert refusal(changed(lossy)) == "BLANK_LOSSY_SYNTAX"


def test_pixels_cut_short_are_refused() -> None:
    def cut(ds: Dataset) -> None:
        ds.PixelData = ds.PixelData[:-200]

    assert refusal(changed(cut, 12)) == "BLANK_PIXELS_SHORT"


def test_two_series_are_not_taken_for_one() -> None:
    def other(ds: Dataset) -> None:
        ds.SeriesInstanceUID += ".9"

    assert refusal(changed(other, 12)) == "FACE_SERIES_IRREGULAR"


def test_no_instance_at_all_is_refused() -> None:
    assert refusal([]) == "FACE_SERIES_IRREGULAR"


def test_a_region_too_small_is_found_out_by_looking_again() -> None:
    """The same series with a cut that leaves the face: the check does not trust the cut."""
    nothing = RegionSettings(shell_mm=0.0, side_depth=5.0, cut=((-0.55, 5.0), (-1.1, 5.0)))
    assert refusal(heads.series(AXIAL), FaceSettings(region=nothing)) == "FACE_NOT_REMOVED"
    skin = RegionSettings(shell_mm=3.0, bulge_mm=60.0, cut=((-3.0, 0.0), (-4.0, 0.0)))
    assert refusal(heads.series(AXIAL), FaceSettings(region=skin)) == "FACE_NOT_REMOVED"


def test_a_surface_moved_as_a_whole_keeps_its_relief_and_is_refused() -> None:
    """12 mm beneath the skin everywhere: the nose is still a nose."""
    instances = heads.series(AXIAL)
    plan = plan_faces(len(instances), instances.__getitem__, FaceSettings()).stacks[0]
    moved = np.full_like(plan.values, -1000)
    moved[:, 6:, :] = plan.values[:, :-6, :]
    with pytest.raises(RejectedError, match="relief alike"):
        require_removed(plan.head, moved, plan.window, CheckSettings())


def test_a_failure_without_a_name_stops_the_series_too() -> None:
    instances = heads.series(AXIAL, range(20))

    def read(index: int) -> Dataset:
        if index == 7:
            raise KeyError("LEFEVRE")
        return instances[index]

    with pytest.raises(RejectedError) as caught:
        deface_series(20, read, lambda _i, _made: None)
    assert caught.value.code == "FACE_FAILED"
    assert "LEFEVRE" not in str(caught.value)
