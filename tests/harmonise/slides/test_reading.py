"""Reading slides: the same pixels however they are stored, and a code for what cannot be read."""

from __future__ import annotations

import io
import warnings
from copy import deepcopy

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.encaps import generate_frames

from config.errors import RejectedError
from config.library import find_recipe
from harmonise.slides.make import open_slide
from harmonise.stacks import read_stacks
from harmonise.study import apply_study, plan_study
from tests.harmonise import builders, slide_builder

PICTURE = slide_builder.section(700, 500)
RECIPE = find_recipe("pathology")


def slide_in(paths):
    (stack,), refusals = read_stacks(paths)
    assert refusals == []
    return open_slide(stack)


def refusals_of(datasets, folder):
    return [r.code for r in read_stacks(slide_builder.write_all(datasets, folder))[1]]


@pytest.mark.parametrize("sparse", [False, True], ids=["full", "sparse"])
@pytest.mark.parametrize(
    "syntax", [None, slide_builder.JPEG2000Lossless], ids=["native", "jpeg2000"]
)
def test_a_region_holds_the_pixels_that_were_stored(sparse, syntax, tmp_path):
    how = {"syntax": syntax} if syntax else {}
    path = slide_builder.write(slide_builder.level(PICTURE, sparse=sparse), tmp_path / "a", **how)
    slide = slide_in([path])

    assert np.array_equal(slide.region(200, 130, 400, 300), PICTURE[200:600, 130:430])
    slide.close()


def test_beyond_the_edge_the_last_pixels_go_on(tmp_path):
    slide = slide_in([slide_builder.write(slide_builder.level(PICTURE), tmp_path / "a")])

    region = slide.region(600, 400, 200, 200)

    assert np.array_equal(region[:100, :100], PICTURE[600:, 400:])
    assert (region[100:, :100] == PICTURE[-1:, 400:]).all()
    assert (region[:, 100:] == region[:, 99:100]).all()
    slide.close()


def test_tiles_of_a_sparse_slide_that_are_not_stored_are_white(tmp_path):
    ds = slide_builder.level(PICTURE, sparse=True)
    size = ds.Rows * ds.Columns * 3
    ds.NumberOfFrames = 1
    ds.PerFrameFunctionalGroupsSequence = ds.PerFrameFunctionalGroupsSequence[1:3]
    ds.NumberOfFrames, ds.PixelData = 2, ds.PixelData[size : 3 * size]
    slide = slide_in([slide_builder.write(ds, tmp_path / "a")])

    region = slide.region(0, 0, 256, 500)

    assert (region[:, :256] == 255).all()
    assert np.array_equal(region[:, 256:], PICTURE[:256, 256:])
    slide.close()


def test_a_concatenation_is_one_level(tmp_path):
    whole = slide_builder.level(PICTURE)
    size = whole.Rows * whole.Columns * 3
    parts = []
    for number, (first, count) in enumerate(((0, 4), (4, 2)), start=1):
        part = deepcopy(whole)
        part.SOPInstanceUID = builders.uid(6000 + number)
        part.ConcatenationUID, part.InConcatenationNumber = builders.uid(6100), number
        part.ConcatenationFrameOffsetNumber, part.NumberOfFrames = first, count
        part.PixelData = whole.PixelData[first * size : (first + count) * size]
        parts.append(part)
    slide = slide_in(slide_builder.write_all(parts, tmp_path))

    assert np.array_equal(slide.region(0, 0, 700, 500), PICTURE)
    slide.close()


@pytest.mark.realdata
def test_a_header_that_says_rgb_of_jpeg_in_ybr_does_not_make_green_tissue(realdata):
    """Each JPEG decoded alone by Pillow, which believes its JFIF marker."""
    folder = realdata / "SM" / "cmu-1-small-region-pyramid"
    slide = slide_in(sorted(folder.glob("*.dcm")))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ds = pydicom.dcmread(folder / "level-0-frames-0-30.dcm")
    frames = list(generate_frames(ds.PixelData, number_of_frames=30))

    for index in (7, 13, 28):
        row, column = divmod(index, 5)
        wide = min(500, 2220 - column * 500)
        alone = np.asarray(Image.open(io.BytesIO(frames[index])).convert("RGB"))
        ours = slide.region(row * 500, column * 500, 400, wide)
        difference = np.abs(ours.astype(int) - alone[:400, :wide])
        assert difference.max() <= 3  # two decoders' arithmetic
    slide.close()


def test_label_overview_and_unnamed_images_are_left_out(tmp_path):
    made = slide_builder.pyramid(PICTURE, 2)
    for number, kind in enumerate(("LABEL", "OVERVIEW", "LOCALIZER", "MACRO"), start=11):
        made.append(slide_builder.level(PICTURE[:256, :256], number=number, kind=kind))
    made.append(slide_builder.level(PICTURE[:128], number=20, SpecimenLabelInImage="YES"))
    made.append(slide_builder.level(PICTURE[:128], number=21, kind="THUMBNAIL"))
    made.append(slide_builder.level(PICTURE[:128], number=22, kind="ODD"))
    paths = slide_builder.write_all(made, tmp_path / "in")

    rows = apply_study(plan_study(paths, RECIPE), tmp_path / "out")

    assert sorted(r.codes[0] for r in rows if r.volume_id is None) == [
        "NOT_SELECTED",
        "WSI_KIND_UNKNOWN",
        "WSI_LABEL_PRESENT",
    ]
    (row,) = [r for r in rows if r.volume_id]
    assert (row.rows, row.columns) == (700, 500)
    written = list((tmp_path / "out").rglob("*.dcm"))
    assert {pydicom.dcmread(p).ImageType[2] for p in written} == {"VOLUME"}


def without_scale(ds):
    del ds.ImagedVolumeWidth
    del ds.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence


BAD = {
    "WSI_NO_MPP": without_scale,
    "WSI_LEVEL_INCONSISTENT": lambda ds: setattr(ds, "ImagedVolumeWidth", 0.3),
    "WSI_SEVERAL_PLANES": lambda ds: setattr(ds, "TotalPixelMatrixFocalPlanes", 3),
    "WSI_KIND_UNKNOWN": lambda ds: setattr(ds, "ImageType", ["ORIGINAL", "PRIMARY"]),
}


@pytest.mark.parametrize("code", sorted(BAD))
def test_a_header_that_cannot_be_trusted_is_refused_by_name(code, tmp_path):
    ds = slide_builder.level(PICTURE)
    BAD[code](ds)

    assert refusals_of([ds], tmp_path) == [code]


def test_a_level_whose_scale_is_not_that_of_its_size_is_refused(tmp_path):
    made = slide_builder.pyramid(PICTURE, 2)
    made[1].ImagedVolumeWidth, made[1].ImagedVolumeHeight = 0.24, 0.34
    made[1].SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing = [0.00096] * 2

    assert refusals_of(made, tmp_path) == ["WSI_LEVEL_INCONSISTENT"]


def test_two_images_of_one_size_are_no_level(tmp_path):
    made = [slide_builder.level(PICTURE, number=n) for n in (1, 2)]

    assert refusals_of(made, tmp_path) == ["WSI_SEVERAL_PLANES"]


def cut_short(path):
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 3 // 4])


def damaged(path):
    """The third frame does not begin with SOI any more."""
    head, start = path.read_bytes(), b"\xff\xd8\xff"
    parts = head.split(start)
    path.write_bytes(start.join(parts[:3]) + bytes(3) + start.join(parts[3:]))


@pytest.mark.parametrize("harm", [cut_short, damaged])
def test_a_damaged_slide_is_refused_and_the_rest_goes_on(harm, tmp_path):
    kept = slide_builder.level(PICTURE, number=9, ContainerIdentifier="K-2", StudyID="")
    lost = slide_builder.level(PICTURE)
    paths = slide_builder.write_all([kept, lost], tmp_path / "in", syntax="1.2.840.10008.1.2.4.50")
    harm(paths[1])

    rows = apply_study(plan_study(paths, RECIPE), tmp_path / "out")

    assert [r.codes for r in rows if r.volume_id is None] == [("PIXELS_UNREADABLE",)]
    assert len([r for r in rows if r.volume_id]) == 1


def test_grey_slides_are_refused(tmp_path):
    path = slide_builder.write(slide_builder.level(PICTURE), tmp_path / "a")
    ds = pydicom.dcmread(path)
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    del ds.PlanarConfiguration
    ds.PixelData = ds.PixelData[: len(ds.PixelData) // 3]
    ds.save_as(path)

    assert [r.code for r in read_stacks([path])[1]] == ["UNSUPPORTED_MODALITY"]


def test_sixteen_bit_colour_is_refused(tmp_path):
    ds = slide_builder.level(PICTURE, BitsAllocated=16, BitsStored=16, HighBit=15)
    ds.PixelData = ds.PixelData * 2
    slide = slide_in([slide_builder.write(ds, tmp_path / "a")])

    with pytest.raises(RejectedError) as caught:
        slide.region(0, 0, 10, 10)

    assert caught.value.code == "WSI_PIXELS_UNSUPPORTED"
    slide.close()


def test_a_step_of_volumes_is_not_put_on_a_slide(tmp_path):
    paths = slide_builder.write_all([slide_builder.level(PICTURE)], tmp_path)
    recipe = RECIPE.model_copy(update={"steps": find_recipe("ct-oncology").steps})

    assert [d.refusal.code for d in plan_study(paths, recipe).declined] == ["STEP_OF_OTHER_KIND"]
