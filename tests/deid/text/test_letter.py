"""A lone letter is found in a place drawn too wide; where there is anything else, there is none."""

from __future__ import annotations

import numpy as np
import pytest

from deid.blank.region import Rectangle
from deid.text.letter import lone_letter
from tests.support.letters import box_of, letters

PLACE = Rectangle(10, 70, 20, 120)


def frame(cover: np.ndarray, noise: float = 0.0) -> np.ndarray:
    grain = np.random.default_rng(4).normal(0, noise, cover.shape)
    return np.clip(20 + grain + 200 * cover, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("letter", ["L", "R", "G", "D"])
@pytest.mark.parametrize("noise", [0.0, 15.0])
def test_the_letter_that_is_all_there_is_is_found(letter: str, noise: float) -> None:
    cover = letters(letter, 16, (100, 160), (30, 60))
    top, bottom, left, right = box_of(cover > 0.1)
    found = lone_letter(PLACE, [frame(cover, noise)])
    assert found is not None
    edges = (found.row_start, found.row_stop, found.column_start, found.column_stop)
    assert np.abs(np.subtract(edges, (top, bottom, left, right))).max() <= 2


@pytest.mark.parametrize("text", ["LY", "L 5", "MARTIN"])
def test_where_there_is_more_than_one_shape_there_is_no_lone_letter(text: str) -> None:
    cover = letters(text, 16, (100, 160), (30, 30))
    assert lone_letter(PLACE, [frame(cover)]) is None


def test_in_an_even_place_in_mere_noise_and_in_a_bar_there_is_none() -> None:
    nothing = np.zeros((100, 160))
    bar = nothing.copy()
    bar[40:44, 30:110] = 1
    assert lone_letter(PLACE, [frame(nothing)]) is None
    assert lone_letter(PLACE, [frame(nothing, 10.0)]) is None
    assert lone_letter(PLACE, [frame(bar)]) is None


def test_of_an_l_whose_stem_alone_was_given_the_foot_is_found_too() -> None:
    cover = letters("L", 40, (100, 160), (30, 60))
    top, bottom, left, right = box_of(cover > 0.1)
    stem = Rectangle(top - 2, bottom + 2, left - 2, right - 5)
    found = lone_letter(stem, [frame(cover)])
    assert found is not None
    edges = (found.row_start, found.row_stop, found.column_start, found.column_stop)
    assert np.abs(np.subtract(edges, (top, bottom, left, right))).max() <= 2
