"""Rectangles: bounds, unions and what lies outside them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.errors import UnsupportedObject
from deid.blank.region import Rectangle, check_bounds, disjoint, for_frame, outside

ROWS, COLUMNS = 13, 17


@st.composite
def rectangles(draw: st.DrawFn) -> Rectangle:
    top, bottom = sorted(draw(st.tuples(st.integers(0, ROWS - 1), st.integers(0, ROWS - 1))))
    left, right = sorted(draw(st.tuples(st.integers(0, COLUMNS - 1), st.integers(0, COLUMNS - 1))))
    return Rectangle(top, bottom + 1, left, right + 1)


def painted(found: tuple[Rectangle, ...] | list[Rectangle]) -> np.ndarray:
    count = np.zeros((ROWS, COLUMNS), int)
    for r in found:
        count[r.row_start : r.row_stop, r.column_start : r.column_stop] += 1
    return count


@settings(max_examples=150, deadline=None)
@given(st.lists(rectangles(), max_size=6))
def test_a_union_covers_the_same_pixels_once_each(some: list[Rectangle]) -> None:
    np.testing.assert_array_equal(painted(disjoint(some)), painted(some) > 0)


@settings(max_examples=150, deadline=None)
@given(st.lists(rectangles(), max_size=6))
def test_what_lies_outside_covers_every_other_pixel_once(some: list[Rectangle]) -> None:
    found = painted(outside(some, rows=ROWS, columns=COLUMNS))
    np.testing.assert_array_equal(found, painted(some) == 0)


def test_outside_nothing_is_the_whole_image() -> None:
    assert outside([], rows=4, columns=5) == (Rectangle(0, 4, 0, 5),)


def test_a_union_of_two_halves_is_one_rectangle() -> None:
    assert disjoint([Rectangle(0, 4, 1, 3), Rectangle(4, 9, 1, 3)]) == (Rectangle(0, 9, 1, 3),)


@pytest.mark.parametrize("edges", [(-1, 2, 0, 1), (2, 2, 0, 1), (3, 2, 0, 1), (0, 1, 4, 4)])
def test_an_empty_or_reversed_rectangle_is_refused(edges: tuple[int, int, int, int]) -> None:
    with pytest.raises(UnsupportedObject, match="BLANK_REGION_BOUNDS"):
        Rectangle(*edges)


@pytest.mark.parametrize(
    "r", [Rectangle(0, 5, 0, 1), Rectangle(0, 1, 0, 6), Rectangle(0, 1, 0, 1, frame=2)]
)
def test_a_rectangle_that_leaves_the_image_is_refused(r: Rectangle) -> None:
    with pytest.raises(UnsupportedObject, match="BLANK_REGION_BOUNDS"):
        check_bounds([r], rows=4, columns=5, frames=2)


def test_a_rectangle_of_one_frame_holds_for_that_frame_only() -> None:
    some = [Rectangle(0, 1, 0, 1), Rectangle(2, 3, 2, 3, frame=1)]
    assert for_frame(some, 0) == (Rectangle(0, 1, 0, 1),)
    assert for_frame(some, 1) == (Rectangle(0, 1, 0, 1), Rectangle(2, 3, 2, 3))
