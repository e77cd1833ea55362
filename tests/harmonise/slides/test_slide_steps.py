"""Steps of slides: colour profile, scale, tissue and stain, each against arithmetic."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageDraw
from scipy import ndimage

from config.errors import RejectedError
from harmonise.slides.levels import Level
from harmonise.slides.make import open_slide
from harmonise.slides.profile import srgb_profile
from harmonise.slides.slide import witness_tiles
from harmonise.slides.stain import lab_of
from harmonise.slides.tissue import FOLD, PEN, TISSUE, sharpness, tissue_of
from harmonise.stacks import read_stacks
from harmonise.steps import STEPS, Context, parse_params
from harmonise.steps.microns import MicronsParams, chosen_scale
from tests.harmonise import slide_builder

PICTURE = slide_builder.section(900, 700)


def gamma_profile():
    """The sRGB profile with every curve made steeper: a device of another gamma."""
    data = bytearray(srgb_profile())
    at = data.index(b"para")
    assert data[at + 8 : at + 10] == b"\0\3"
    data[at + 12 : at + 16] = int(1.8 * 65536).to_bytes(4, "big")  # s15Fixed16: it was 2.4
    return bytes(data)


@pytest.fixture
def slide_of(tmp_path):
    opened = []

    def make(datasets):
        stacks, refusals = read_stacks(slide_builder.write_all(datasets, tmp_path))
        assert refusals == []
        opened.append(open_slide(stacks[0]))
        return opened[-1], Context(stacks[0], "slide")

    yield make
    for slide in opened:
        slide.close()


def run(name, slide, context, **params):
    step = STEPS[name]
    decided = step.decide(slide, parse_params(step, params), context)
    return step.apply(slide, decided), decided, step.flags(decided)


def test_colours_go_through_littlecms_to_srgb(slide_of):
    profile = gamma_profile()
    slide, context = slide_of([slide_builder.level(PICTURE, profile=profile)])

    made, decided, flags = run("srgb", slide, context)

    expected = ImageCms.profileToProfile(
        Image.fromarray(PICTURE[:300, :300]),
        io.BytesIO(profile),
        ImageCms.createProfile("sRGB"),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
    )
    ours = made.region(0, 0, 300, 300)
    assert np.abs(ours.astype(int) - np.asarray(expected)).max() <= 1
    assert np.abs(ours.astype(int) - PICTURE[:300, :300]).max() > 10
    assert (decided["class"], flags) == ("scnr", ())


def test_without_a_profile_colours_stay_and_it_is_said(slide_of):
    slide, context = slide_of([slide_builder.level(PICTURE)])

    made, _, flags = run("srgb", slide, context)

    assert flags == ("WSI_NO_ICC",)
    assert np.array_equal(made.region(0, 0, 900, 700), PICTURE)


@pytest.mark.parametrize("kind", ["rubbish", "printer", "cut"])
def test_a_profile_that_cannot_be_used_refuses_the_slide(kind, slide_of):
    profile = bytearray(srgb_profile())
    if kind == "printer":
        profile[12:16] = b"link"
    profile = (
        b"no profile" if kind == "rubbish" else bytes(profile[:200] if kind == "cut" else profile)
    )
    slide, context = slide_of([slide_builder.level(PICTURE, profile=profile)])

    with pytest.raises(RejectedError) as caught:
        run("srgb", slide, context)

    assert caught.value.code == "WSI_BAD_ICC"


def test_the_profile_written_is_an_input_device_and_always_the_same_bytes():
    profile = ImageCms.ImageCmsProfile(io.BytesIO(srgb_profile())).profile

    assert (profile.device_class, profile.xcolor_space.strip()) == ("scnr", "RGB")
    assert srgb_profile() == srgb_profile()


def levels(*microns, side=4096):
    return tuple(
        Level((), round(side * microns[0] / um), round(side * microns[0] / um), (um, um))
        for um in microns
    )


@pytest.mark.parametrize(
    ("microns", "number", "factor"),
    [
        ((0.499, 0.998), 0, 1.0),  # called 20x: taken as it is
        ((0.2527, 0.5054, 1.01), 1, 1.0),  # called 40x: its second level
        ((0.25, 1.0), 0, 2.0),  # no level there: averaged from the finer one
        ((0.23, 0.46, 0.92), 1, 0.5 / 0.46),
        ((1.0, 2.0), 0, 1.0),  # coarser than asked: never made finer
    ],
)
def test_the_level_nearest_to_the_scale_is_taken_and_never_a_coarser_one(microns, number, factor):
    chosen = chosen_scale(levels(*microns), MicronsParams(target_um=0.5))

    assert chosen["level"] == number
    assert chosen["factor"] == pytest.approx([factor, factor])


def test_a_slide_coarser_than_asked_is_flagged(slide_of):
    slide, context = slide_of([slide_builder.level(PICTURE, um=1.0)])

    assert run("microns", slide, context)[2] == ("WSI_COARSE",)


def test_a_resampled_slide_has_no_seams_and_the_right_scale(slide_of):
    """A ramp stays a ramp, wherever a tile begins: 0.4 um to 0.5 um is 1.25 pixels to one."""
    ramp = np.broadcast_to((np.arange(1000) / 5)[np.newaxis, :, np.newaxis], (600, 1000, 3))
    slide, context = slide_of([slide_builder.level(np.rint(ramp).astype(np.uint8), um=0.4)])

    made, decided, _ = run("microns", slide, context)

    assert decided["shape"] == [480, 800]
    assert made.microns == pytest.approx((0.5, 0.5))
    whole = made.region(0, 0, 480, 800)
    pieces = [made.region(0, left, 480, 100) for left in range(0, 800, 100)]
    assert np.array_equal(whole, np.concatenate(pieces, axis=1))
    # the centre of pixel n lies at 1.25 (n + 1/2) - 1/2 pixels of the source
    expected = (1.25 * (np.arange(800) + 0.5) - 0.5) / 5
    assert np.abs(whole[200, 10:-10, 0] - expected[10:-10]).max() <= 1


def test_tissue_is_found_to_a_pixel_of_the_mask():
    picture = np.full((300, 400, 3), 243, np.uint8)
    picture[100:200, 150:250] = (190, 120, 170)
    found = tissue_of(picture, 16.0)

    assert (found.labels == TISSUE).sum() == 100 * 100
    assert found.white == (243, 243, 243)


@pytest.mark.parametrize("ink", [(20, 60, 170), (10, 120, 60), (15, 15, 15)])
def test_ink_is_told_from_tissue(ink):
    picture = slide_builder.section(300, 400)
    drawn = Image.fromarray(picture)
    ImageDraw.Draw(drawn).line([(20, 20), (380, 60)], fill=ink, width=9)

    found = tissue_of(np.asarray(drawn), 16.0)

    assert 0.8 < (found.labels == PEN).sum() / (9 * np.hypot(360, 40)) < 1.3
    assert (tissue_of(picture, 16.0).labels == PEN).sum() == 0


def test_tissue_that_lies_twice_is_a_fold():
    density = np.zeros((300, 400))
    density[50:250, 50:350] = 0.5
    density[50:250, 200:212] = 1.3
    tissue = 240 * np.exp(-density[..., np.newaxis] * np.array([0.8, 1.2, 0.5]))
    found = tissue_of(np.rint(tissue).astype(np.uint8), 16.0)

    assert (found.labels == FOLD).sum() == 200 * 12


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["source", "target"])
@pytest.mark.parametrize("um", [0.25, 0.5])
def test_a_focus_two_micrometres_wide_is_below_the_limit_of_sharpness(name, um, realdata):
    limit = parse_params(STEPS["tissue"], {}).least_sharpness
    image = Image.open(realdata / "SM" / "torchstain" / f"{name}.png").convert("RGB")
    tissue = np.asarray(image)[:256, :256]
    blurred = np.dstack([ndimage.gaussian_filter(tissue[..., c], 2.0 / um) for c in range(3)])

    assert sharpness(tissue, um) > 10 * limit
    assert sharpness(blurred, um) < limit


@pytest.mark.parametrize(
    ("stains", "method", "flags"),
    [
        ([slide_builder.HAEMATOXYLIN, slide_builder.EOSIN], "macenko", ()),
        ([("104210008", "Hematoxylin and eosin stain method")], "macenko", ()),
        ([], "macenko", ("WSI_STAIN_UNSAID",)),
        ([slide_builder.HAEMATOXYLIN, slide_builder.DAB], "none", ("WSI_STAIN_OTHER",)),
        ([slide_builder.HAEMATOXYLIN], "none", ("WSI_STAIN_OTHER",)),
    ],
)
def test_only_haematoxylin_and_eosin_is_normalised(stains, method, flags, slide_of):
    slide, context = slide_of([slide_builder.level(PICTURE, stains=stains)])

    made, decided, said = run("stain", slide, context)

    assert (decided["method"], said) == (method, flags)
    assert np.array_equal(made.region(0, 0, 900, 700), PICTURE) == (method == "none")


def brown():
    """Haematoxylin and DAB, the dyes of immunohistochemistry (Ruifrok and Johnston 2001)."""
    rng = np.random.default_rng(3)
    amounts = rng.uniform(0.2, 1.5, (2, 600, 600))
    return slide_builder.mixed(amounts, np.array([[0.65, 0.70, 0.29], [0.27, 0.57, 0.78]]))


@pytest.mark.parametrize(
    ("said", "method"),
    [([slide_builder.HAEMATOXYLIN, slide_builder.EOSIN], "reinhard"), ([], "none")],
)
def test_dyes_out_of_range_fall_back_only_where_the_header_says_he(said, method, slide_of):
    slide, context = slide_of([slide_builder.level(brown(), stains=said)])

    _, decided, flags = run("stain", slide, context)

    assert decided["method"] == method
    assert "eosin" in decided["why"]
    assert "WSI_STAIN_UNRELIABLE" in flags


def test_colour_statistics_bring_a_section_to_the_references(slide_of):
    slide, context = slide_of([slide_builder.level(brown())])
    made, decided, _ = run("stain", slide, context)

    lab = lab_of(made.region(0, 0, 600, 600))

    # clipped at the edges of sRGB, so not to the digit
    assert lab.mean(axis=(0, 1)) == pytest.approx(decided["to_mean"], abs=3)


def test_two_scanners_of_one_section_come_out_alike(slide_of, tmp_path):
    """Other dyes and other amounts, the same section: grey levels differed by 13.8."""
    rng = np.random.default_rng(5)
    amounts = rng.uniform(0.3, 1.3, (2, 500, 500))
    amounts[1, :150], amounts[0, 150:300] = 0.05, 0.05
    one = slide_builder.mixed(amounts, np.array([[0.65, 0.70, 0.29], [0.30, 0.90, 0.25]]))
    other = slide_builder.mixed(
        amounts * np.array([0.7, 1.3])[:, None, None],
        np.array([[0.70, 0.64, 0.31], [0.22, 0.93, 0.30]]),
    )
    assert np.abs(one.astype(int) - other).mean() > 13
    made = []
    for number, picture in enumerate((one, other)):
        stacks, _ = read_stacks(
            slide_builder.write_all([slide_builder.level(picture)], tmp_path / str(number))
        )
        slide = open_slide(stacks[0])
        made.append(run("stain", slide, Context(stacks[0], "slide"))[0].region(0, 0, 500, 500))
        slide.close()

    assert np.abs(made[0].astype(int) - made[1]).mean() < 3


@pytest.mark.parametrize(
    ("shape", "count"), [((100, 100), 1), ((2000, 1000), 8), ((60000, 40000), 16)]
)
def test_witness_tiles_are_few_and_within(shape, count):
    tiles = witness_tiles(shape, 512)

    assert len(tiles) == count
    assert all(r * 512 < shape[0] and c * 512 < shape[1] for r, c in tiles)


def test_the_digest_changes_with_a_colour_map(slide_of):
    slide, _ = slide_of([slide_builder.level(PICTURE)])

    assert slide.digest() == slide.digest()
    assert slide.mapped(lambda pixels: pixels // 2).digest() != slide.digest()
    assert replace(slide, shape=(899, 700)).digest() != slide.digest()
