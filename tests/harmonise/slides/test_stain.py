"""Stains: what torchstain 1.4.1 finds on its own two pictures, and what arithmetic says."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from config.errors import InconsistentSeries
from harmonise.data import table
from harmonise.slides import stain
from tests.harmonise import slide_builder

REFERENCE = table("slides")["references"]["he-1"]

# harmonisation guide section 2.9: torchstain 1.4.1, numpy back end, source.png onto target.png
MATRIX = [[0.7216, 0.3497], [0.6620, 0.9101], [0.2023, 0.2221]]
MOST = [1.7769, 0.7389]
MACENKO_MEAN = (209.729, 187.336, 223.441)
REINHARD_MEAN = (175.467, 166.885, 207.875)


@pytest.fixture(scope="module")
def pictures(realdata):
    folder = realdata / "SM" / "torchstain"
    return tuple(
        np.asarray(Image.open(folder / f"{name}.png").convert("RGB"))
        for name in ("source", "target")
    )


def fitted(picture):
    density = stain.optical_density(picture).reshape(-1, 3)
    matrix = stain.stain_matrix(density)
    return matrix, stain.strongest(density, matrix)


@pytest.mark.realdata
def test_the_dyes_of_the_target_are_those_torchstain_finds(pictures):
    matrix, most = fitted(pictures[1])

    assert matrix == pytest.approx(np.array(MATRIX), abs=1e-3)
    assert most == pytest.approx(np.array(MOST), abs=1e-3)


@pytest.mark.realdata
def test_the_source_becomes_as_dark_as_torchstain_makes_it(pictures):
    source, target = pictures
    map_of = stain.dye_map(*fitted(source), *fitted(target))

    assert stain.by_dyes(source, map_of).mean(axis=(0, 1)) == pytest.approx(MACENKO_MEAN, abs=0.5)


@pytest.mark.realdata
def test_colour_statistics_give_what_torchstain_gives(pictures):
    source, target = pictures
    made = stain.by_statistics(
        source, *stain.colour_statistics(source), *stain.colour_statistics(target)
    )

    assert made.mean(axis=(0, 1)) == pytest.approx(REINHARD_MEAN, abs=0.5)


@pytest.mark.realdata
def test_the_shipped_reference_is_measured_on_the_target(pictures):
    target = pictures[1]
    dyed = stain.optical_density(target[stain.dyed(target)])
    matrix = stain.stain_matrix(dyed)
    mean, spread = stain.colour_statistics(target)

    assert np.array(REFERENCE["matrix"]) == pytest.approx(matrix, abs=1e-5)
    assert REFERENCE["most"] == pytest.approx(stain.strongest(dyed, matrix), abs=1e-5)
    assert REFERENCE["mean"] == pytest.approx(mean, abs=1e-5)
    assert REFERENCE["spread"] == pytest.approx(spread, abs=1e-5)


def test_dyes_that_were_mixed_are_found_again():
    """Beer and Lambert forwards: the angles' ends are pure pixels of either dye."""
    rng = np.random.default_rng(0)
    dyes = np.array([[0.65, 0.70, 0.29], [0.30, 0.90, 0.25]])
    amounts = rng.uniform(0.6, 1.6, (2, 200, 200))
    amounts[1, :60], amounts[0, 60:120] = 0, 0
    matrix = stain.stain_matrix(
        stain.optical_density(slide_builder.mixed(amounts, dyes)).reshape(-1, 3)
    )

    for number in (0, 1):
        assert stain.angle_between(matrix[:, number], dyes[number]) < 1.0


@pytest.mark.parametrize("level", [255, 240, 206])
def test_a_blank_tile_passes_as_it_is(level):
    blank = np.full((64, 64, 3), level, np.uint8)

    assert stain.by_dyes(blank, np.diag([2.0, 2.0, 2.0])) is blank
    assert stain.by_statistics(blank, [50] * 3, [5] * 3, [60] * 3, [9] * 3) is blank


@pytest.mark.parametrize("grey", [255, 100])
def test_a_tile_without_two_colours_is_refused_by_name_not_by_a_crash(grey):
    density = stain.optical_density(np.full((64, 64, 3), grey, np.uint8)).reshape(-1, 3)

    with pytest.raises(InconsistentSeries) as caught:
        stain.stain_matrix(density)

    assert caught.value.code == "WSI_STAIN_UNRELIABLE"


def test_a_section_mapped_onto_itself_keeps_its_colours():
    picture = slide_builder.section(300, 300)
    dyed = stain.optical_density(picture[stain.dyed(picture)])
    matrix = stain.stain_matrix(dyed)
    most = stain.strongest(dyed, matrix)

    made = stain.by_dyes(picture, stain.dye_map(matrix, most, matrix, most))

    # what lies outside the plane of the two dyes is lost: the noise of whole grey levels
    assert np.abs(made.astype(int) - picture)[stain.dyed(picture)].max() <= 3


def test_cielab_of_white_and_of_pure_red_is_what_cie_says():
    """CIE 15: white is (100, 0, 0); sRGB red under D65 is (53.24, 80.09, 67.20)."""
    lab = stain.lab_of(np.array([[255, 255, 255], [255, 0, 0]], np.uint8))

    assert lab[0] == pytest.approx([100, 0, 0], abs=0.02)
    assert lab[1] == pytest.approx([53.24, 80.09, 67.20], abs=0.05)
    back = stain.rgb_of(lab)
    assert back[1] == pytest.approx([255, 0, 0], abs=1)
