"""What one side blanked tells no reader which side it was, and what was cut off wrongly is seen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk

from harmonise.volume import Grid, Volume
from pipelines.cohort.packs import build_pack, load_pack
from pipelines.cohort.veil import MARGIN, region_beside, veiled

SHAPE = (1, 200, 100)
BREAST = np.zeros(SHAPE, bool)
BREAST[0, 60:140, :50] = True


def volume(values: np.ndarray) -> Volume:
    return Volume(values.astype(np.float32), Grid(SHAPE, (None, 0.1, 0.1), positioned=False), "1")


def mammogram() -> tuple[Volume, Volume]:
    """Air of 3, a breast, a side marker in the corner; harmonised, all but the breast is black."""
    rng = np.random.default_rng(7)
    before = np.full(SHAPE, 3.0)
    before[BREAST] = rng.integers(100, 900, int(BREAST.sum()))
    before[0, 5:20, 80:95] = 1000
    return volume(before), volume(np.where(BREAST, before * 40, 0))


def test_a_marker_of_the_original_is_on_neither_side(tmp_path: Path) -> None:
    before, after = (veiled(side, BREAST) for side in mammogram())
    pack = load_pack(tmp_path, build_pack(before, after, tmp_path, role="mg", recipe="mammography"))
    assert (np.isnan(pack.before) == np.isnan(pack.after)).all()
    assert np.isnan(pack.before[0, 5:20, 80:95]).all()
    assert np.nanmax(pack.before) < 1000


def test_tissue_that_was_cut_off_wrongly_stands_on_one_side_alone() -> None:
    before, _ = mammogram()
    lost = np.array(BREAST)
    lost[0, :, 45:] = False  # five columns of tissue that the mask did not take
    after = before.with_values(np.where(lost, before.values * 40, 0))
    seen = [veiled(side, lost).coverage for side in (before, after)]
    assert (seen[0] == seen[1]).all()
    cut = BREAST & ~lost
    assert seen[0][cut].all()
    assert (before.values[cut] >= 100).all()
    assert (after.values[cut] == 0).all()


def test_the_margin_is_a_share_of_the_longer_side_and_stays_within_its_slice() -> None:
    region = np.zeros((3, 200, 100), bool)
    region[1, 100, 50] = True
    grid = Grid(region.shape, (1.0, 1.0, 1.0))
    seen = veiled(Volume(np.ones(region.shape, np.float32), grid, "1"), region).coverage
    assert not seen[[0, 2]].any()
    assert round(MARGIN * 200) == 8
    assert seen[1].sum() == 17 * 17


def test_what_was_not_covered_before_stays_uncovered() -> None:
    covered = np.ones(SHAPE, bool)
    covered[0, 100] = False
    before, _ = mammogram()
    seen = veiled(before.with_values(before.values, coverage=covered), BREAST).coverage
    assert not seen[0, 100].any()
    assert seen[0, 101, :50].all()


def test_the_region_lies_beside_the_volume_under_its_name(tmp_path: Path) -> None:
    nifti = tmp_path / "v1.nii.gz"
    assert region_beside(nifti, SHAPE) is None
    sitk.WriteImage(sitk.GetImageFromArray(BREAST.astype(np.uint8)), tmp_path / "v1.breast.nii.gz")
    found = region_beside(nifti, SHAPE)
    assert found is not None
    assert (found == BREAST).all()
