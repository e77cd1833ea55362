"""Mammograms: polarity, chest wall left, area average and the breast's own scale."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pydicom
import pytest

from config.errors import InconsistentSeries
from config.library import find_recipe
from config.recipe import StepSpec
from harmonise.area import area_weights
from harmonise.series import Frame, Stack
from harmonise.steps import Context, planned_steps
from harmonise.steps.breast import breast_in, chest_wall_side
from harmonise.study import apply_study, before_volume, plan_study
from harmonise.volume import Grid, Volume
from tests.harmonise import builders

ROWS, COLUMNS = 120, 90


def breast_image(side):
    """Bright half disc of 1000 to 3000 on air of 40, growing from the chest wall at ``side``."""
    y, x = np.mgrid[:ROWS, :COLUMNS]
    inside = (x / 60.0) ** 2 + ((y - 60) / 50.0) ** 2 < 1
    image = np.where(inside, 1000 + 2000 * (1 - x / 60.0), 40.0)
    image = np.where(inside & ((x - 20) ** 2 + (y - 50) ** 2 < 64), 3000.0, image)
    return image if side == "left" else image[:, ::-1]


def run(name, image, header=None, native_mm=0.07, **params):
    frame = Frame(".", 0, "1.2", "1.2.3", ROWS, COLUMNS, None, None, None)
    stack = Stack("1", "1", "S", "MG", None, (frame,), header=header or {})
    values = np.asarray(image, np.float32)[np.newaxis]
    grid = Grid(values.shape, (None, native_mm, native_mm), positioned=False)
    volume = Volume(values, grid, "1")
    ((step, parsed),) = planned_steps([StepSpec(step=name, params=params)])
    decided = step.decide(volume, parsed, Context(stack, "mg_presentation"))
    return step.apply(volume, decided), decided, step.flags(decided)


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_chest_wall_is_seen_in_the_pixels(side):
    assert chest_wall_side(breast_in(breast_image(side).astype(np.float32)).mask) == side


def test_the_whole_breast_is_found_not_its_dense_part():
    y, x = np.mgrid[:ROWS, :COLUMNS]
    inside = (x / 60.0) ** 2 + ((y - 60) / 50.0) ** 2 < 1
    fatty = np.where(inside, 300.0, 0.0)
    fatty[(x - 20) ** 2 + (y - 60) ** 2 < 300] = 3500.0

    found = breast_in(fatty.astype(np.float32)).mask

    assert (found == inside).mean() > 0.999


HEADERS = {
    "left breast": ("L", ["A", "R"], "left"),
    "right breast": ("R", ["P", "L"], "right"),
    "right breast, mirrored before": ("R", ["A", "L"], "left"),
}


@pytest.mark.parametrize(("laterality", "orientation", "side"), HEADERS.values(), ids=HEADERS)
def test_the_chest_wall_ends_on_the_left_and_the_orientation_says_so(laterality, orientation, side):
    header = {"ImageLaterality": laterality, "PatientOrientation": orientation}

    result, decided, flags = run("chest_wall_left", breast_image(side), header)

    assert (result.values[0] == breast_image("left").astype(np.float32)).all()
    assert decided["mirror"] is (side == "right")
    assert flags == ()
    if side == "right":
        assert result.meta["patient_orientation"] == ["A", "L"]


CONFLICTS = {
    "orientation against pixels": {"ImageLaterality": "L", "PatientOrientation": ["P", "R"]},
    "two lateralities": {
        "ImageLaterality": "L",
        "Laterality": "R",
        "PatientOrientation": ["A", "R"],
    },
    "no orientation, side against custom": {"ImageLaterality": "R"},
}


@pytest.mark.parametrize("header", CONFLICTS.values(), ids=CONFLICTS)
def test_a_disagreement_asks_for_a_look_and_the_pixels_win(header):
    result, decided, flags = run("chest_wall_left", breast_image("left"), header)

    assert flags == ("MG_LATERALITY_CONFLICT",)
    assert decided["mirror"] is False
    assert (result.values[0] == breast_image("left").astype(np.float32)).all()


def test_without_a_header_the_pixels_alone_decide():
    _, decided, flags = run("chest_wall_left", breast_image("right"))

    assert (decided["mirror"], flags) == (True, ())


def test_an_area_average_is_the_mean_of_what_each_cell_covers():
    """Pixels of 1 under cells of 1.5: cell 0 = p0 + p1/2, cell 1 = p1/2 + p2, each over 1.5."""
    count, weights = area_weights(6, 1.5)

    averaged = weights @ np.array([3.0, 6.0, 9.0, 1.0, 1.0, 4.0])

    assert count == 4
    assert averaged == pytest.approx([4.0, 8.0, 1.0, 3.0])


def test_a_cell_the_image_covers_in_part_is_dropped():
    count, weights = area_weights(10, 3.0)

    assert count == 3
    assert np.asarray(weights.sum(axis=1)).ravel() == pytest.approx([1.0] * 3)


def test_downsampling_keeps_the_mean_and_says_the_new_spacing():
    image = np.random.default_rng(4).uniform(0, 4000, (140, 70))

    result, _, _ = run("downsample_to", image, native_mm=0.05, spacing_mm=0.1)

    assert result.values.shape == (1, 70, 35)
    assert result.grid.spacing_mm == (None, 0.1, 0.1)
    assert float(result.values.mean()) == pytest.approx(image.mean(), rel=1e-6)
    assert result.values[0, 3, 5] == pytest.approx(image[6:8, 10:12].mean(), rel=1e-6)


def test_a_coarser_image_is_left_alone():
    image = breast_image("left")

    result, decided, _ = run("downsample_to", image, native_mm=0.2, spacing_mm=0.1)

    assert decided["ratio"] == [1.0, 1.0]
    assert result.values.shape == (1, ROWS, COLUMNS)


def test_without_a_spacing_nothing_is_downsampled():
    volume = Volume(
        np.ones((1, 4, 4), np.float32), Grid((1, 4, 4), (None, None, None), positioned=False), "1"
    )
    ((step, params),) = planned_steps([StepSpec(step="downsample_to")])

    with pytest.raises(InconsistentSeries, match="SPACING_UNKNOWN"):
        step.decide(volume, params, Context())


def test_what_is_not_the_breast_is_black_and_the_mask_is_kept():
    image = breast_image("left")
    image[2:6, 80:88] = 4000.0  # a marker beside the breast
    image[60:62, 55:] = 3500.0  # a paddle's edge that touches it

    result, decided, _ = run("breast_mask", image)

    mask = result.regions["breast"][0]
    y, x = np.mgrid[:ROWS, :COLUMNS]
    inside = (x / 60.0) ** 2 + ((y - 60) / 50.0) ** 2 < 1
    assert dice(mask, inside) > 0.99
    assert result.values[0][~mask].max() == 0.0
    assert (result.values[0][mask] == image[mask].astype(np.float32)).all()
    assert 0.3 < decided["breast_fraction"] < 0.5


def dice(one, other):
    return 2 * (one & other).sum() / (one.sum() + other.sum())


def test_a_clip_and_an_implant_are_flagged():
    clip, implant = breast_image("left"), breast_image("left")
    clip[58:61, 28:31] = 9000.0
    y, x = np.mgrid[:ROWS, :COLUMNS]
    implant[((x - 12) / 20) ** 2 + ((y - 60) / 25) ** 2 < 1] = 4000.0

    assert run("breast_mask", clip)[2] == ("MG_BRIGHT_OBJECTS",)
    assert run("breast_mask", implant)[2] == ("MG_IMPLANT",)


def test_an_exposure_without_a_breast_is_refused():
    image = np.full((ROWS, COLUMNS), 40.0)
    image[50:53, 40:43] = 4000.0

    with pytest.raises(InconsistentSeries, match="MG_EMPTY_BREAST"):
        run("breast_mask", image)


ALONE = ("MG_INCOMPLETE_EXAM", "INTENSITY_PER_CASE")
"""Codes of one view of one patient: an exam has four, a grey scale five subjects."""


@pytest.fixture(scope="module")
def recipe():
    return find_recipe("mammography")


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("laterality", ["L", "R"])
def test_each_side_and_polarity_comes_out_alike(laterality, photometric, tmp_path, recipe):
    """Two vendors' ways to store one breast give one picture, tissue bright, chest wall left."""
    side = {"L": "left", "R": "right"}[laterality]
    stored = breast_image(side)
    if photometric == "MONOCHROME1":
        stored = 4095 - stored
    ds = builders.mammogram(
        stored,
        PhotometricInterpretation=photometric,
        PresentationLUTShape="INVERSE" if photometric == "MONOCHROME1" else "IDENTITY",
        ImageLaterality=laterality,
        PatientOrientation=["A", "FR"] if laterality == "L" else ["P", "FL"],
    )
    plan = plan_study([builders.write(ds, tmp_path / "in.dcm")], recipe)

    (row,) = apply_study(plan, tmp_path / "out")

    assert row.codes == ALONE
    assert (row.rows, row.columns, row.spacing_mm) == (84, 63, (None, 0.1, 0.1))
    assert row.volume_id.startswith(f"mg_presentation_{laterality.lower()}mlo-")
    (volume,) = plan.volumes
    before = before_volume(plan, volume.volume_id)
    assert before.values.shape == (1, 84, 63)
    shown = stored_picture(tmp_path / "out" / row.dicom_path / "0001.dcm")
    assert shown[42, 3] > 40000, "tissue at the chest wall is bright and on the left"
    assert shown[:, 50:].max() == 0, "air is black and on the right"


def stored_picture(path):
    ds = pydicom.dcmread(path)
    assert ds.PhotometricInterpretation == "MONOCHROME2"
    assert ds.PresentationLUTShape == "IDENTITY"
    assert ds.PatientOrientation[0] == "A"
    assert (float(ds.RescaleSlope), float(ds.RescaleIntercept)) == (1.0, 0.0)
    assert [float(v) for v in ds.ImagerPixelSpacing] == pytest.approx([0.1, 0.1])
    return ds.pixel_array


def test_a_view_the_header_does_not_name_asks_for_a_look(tmp_path, recipe):
    ds = builders.mammogram(breast_image("left"), ViewPosition=None)
    plan = plan_study([builders.write(ds, tmp_path / "in.dcm")], recipe)

    (row,) = apply_study(plan, tmp_path / "out")

    assert (row.verdict, row.codes) == ("REVIEW", ("MG_NO_VIEW", *ALONE))


def test_images_for_processing_are_never_mixed_in(tmp_path, recipe):
    shown = builders.mammogram(breast_image("left"))
    raw = builders.mammogram(
        breast_image("left"),
        SOPClassUID=builders.MG_PROCESSING,
        PresentationIntentType="FOR PROCESSING",
        SOPInstanceUID=builders.uid(301),
        SeriesInstanceUID=builders.uid(31),
    )
    plan = plan_study(builders.write_all([shown, raw], tmp_path / "in"), recipe)

    made, declined = apply_study(plan, tmp_path / "out")

    assert made.role == "mg_presentation"
    assert (declined.role, declined.codes) == ("mg_processing", ("NOT_SELECTED",))


def test_every_view_of_an_exam_is_made(tmp_path, recipe):
    views = [
        builders.mammogram(
            breast_image("left" if side == "L" else "right"),
            ImageLaterality=side,
            ViewPosition=view,
            PatientOrientation=["A" if side == "L" else "P", "F"],
            SOPInstanceUID=builders.uid(400 + number),
        )
        for number, (side, view) in enumerate(
            [("L", "CC"), ("R", "CC"), ("L", "MLO"), ("R", "MLO")]
        )
    ]
    plan = plan_study(builders.write_all(views, tmp_path / "in"), recipe)

    rows = apply_study(plan, tmp_path / "out")

    names = {row.volume_id.rsplit("-", 1)[0] for row in rows}
    assert names == {f"mg_presentation_{name}" for name in ("lcc", "rcc", "lmlo", "rmlo")}
    assert {row.codes for row in rows} == {("INTENSITY_PER_CASE",)}


def test_a_mirrored_volume_with_a_place_keeps_every_voxel_there():
    grid = Grid((1, ROWS, COLUMNS), (1.0, 0.5, 0.7), origin_mm=(3.0, 4.0, 5.0))
    volume = Volume(breast_image("right").astype(np.float32)[np.newaxis], grid, "1")
    ((step, params),) = planned_steps([StepSpec(step="chest_wall_left")])

    result = step.apply(volume, step.decide(volume, params, Context()))

    at_first = result.grid.affine() @ np.array([0, 7, 0, 1])
    at_last = grid.affine() @ np.array([0, 7, COLUMNS - 1, 1])
    assert at_first == pytest.approx(at_last)
    assert result.values[0, 7, 0] == volume.values[0, 7, COLUMNS - 1]
    assert replace(result.grid, origin_mm=grid.origin_mm, direction=grid.direction) == grid
