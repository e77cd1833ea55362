"""Fields of a slide for its readers: the same places of what was scanned and what was written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import wsidicom

from config.errors import ConfigurationError
from config.library import find_recipe
from harmonise.slides.fields import FIELDS, SIDE_PX, slide_fields
from harmonise.study import apply_study, plan_study
from tests.harmonise import slide_builder

pytestmark = pytest.mark.filterwarnings("ignore")

RECIPE = find_recipe("pathology")


def made(picture: np.ndarray, folder: Path):
    slide_builder.write_all(slide_builder.pyramid(picture, levels=2), folder / "source")
    plan = plan_study(sorted((folder / "source").glob("*.dcm")), RECIPE)
    (row,) = apply_study(plan, folder / "out")
    written = folder / "out" / row.dicom_path
    return slide_fields(plan, row.volume_id, written), written


def test_the_original_is_what_was_scanned_and_the_other_what_was_written(tmp_path: Path) -> None:
    picture = slide_builder.section(1100, 1100)
    fields, written = made(picture, tmp_path)
    places = [(r, c) for r in (0, 512) for c in (0, 512)]  # all four: the section fills the middle
    assert fields.before.shape == fields.after.shape == (1 + 4, SIDE_PX, SIDE_PX, 3)
    assert fields.spacing_mm == pytest.approx((0.0005, 0.0005))
    with wsidicom.WsiDicom.open(written) as opened:
        for number, (top, left) in enumerate(places, start=1):
            crop = picture[top : top + SIDE_PX, left : left + SIDE_PX]
            assert (fields.before[number] == crop).all()
            theirs = np.asarray(opened.read_region((left, top), 0, (SIDE_PX, SIDE_PX)))
            assert np.abs(fields.after[number].astype(int) - theirs[..., :3]).max() <= 2


def test_the_whole_slide_comes_first_and_keeps_its_proportions(tmp_path: Path) -> None:
    fields, _ = made(slide_builder.section(1024, 512), tmp_path)
    dark = (fields.before[0].min(axis=2) < 200).nonzero()
    # An ellipse of 0.84 of the height and 0.76 of the width, fitted into 512 pixels.
    assert np.ptp(dark[0]) == pytest.approx(0.84 * 512, rel=0.05)
    assert np.ptp(dark[1]) == pytest.approx(0.76 * 256, rel=0.05)
    assert (fields.before[0][:, :100] == 255).all()


def test_fields_lie_where_tissue_is_and_are_the_same_again(tmp_path: Path) -> None:
    picture = np.full((2048, 2048, 3), 240, np.uint8)
    picture[1024:, 1024:] = slide_builder.section(1024, 1024)
    fields, _ = made(picture, tmp_path / "one")
    again, _ = made(picture, tmp_path / "two")
    assert (fields.before == again.before).all()
    assert (fields.after == again.after).all()
    with_tissue = (fields.before[1:].min(axis=3) < 180).mean(axis=(1, 2)) > 0.3
    assert with_tissue.sum() == 4
    assert len(with_tissue) <= FIELDS


def test_a_blank_slide_has_fields_of_glass(tmp_path: Path) -> None:
    fields, _ = made(np.full((600, 600, 3), 240, np.uint8), tmp_path)
    assert (fields.before == 240).mean() > 0.9
    assert fields.before.shape == fields.after.shape


def test_a_slide_that_the_plan_does_not_make_is_unknown(tmp_path: Path) -> None:
    slide_builder.write_all(slide_builder.pyramid(slide_builder.section(600, 600)), tmp_path)
    plan = plan_study(sorted(tmp_path.glob("*.dcm")), RECIPE)
    with pytest.raises(ConfigurationError, match="VOLUME_UNKNOWN"):
        slide_fields(plan, "slide-00000000", tmp_path)
