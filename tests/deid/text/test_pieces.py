"""What stands apart in a line: the letters' own edges are the key."""

from __future__ import annotations

import numpy as np
import pytest

from deid.blank.region import Rectangle
from deid.text.pieces import close_to_ink, pieces_of
from tests.support.letters import Floats, box_of, letters

SHAPE = (60, 300)


def as_ground(cover: Floats) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    return (cover * 255).astype(np.uint8)


def test_a_line_is_divided_at_a_wide_gap_only() -> None:
    cover = letters("R", 20, SHAPE, (10, 10)) + letters("1234567", 20, SHAPE, (10, 60))
    box = Rectangle(6, 30, 6, 200)
    first, second = pieces_of(box, [as_ground(cover)])
    assert first.column_stop <= 30
    assert second.column_start >= 55
    close = letters("R1234567", 20, SHAPE, (10, 10))
    assert len(pieces_of(box, [as_ground(close)])) == 1


@pytest.mark.parametrize("gap_px", [8, 11])
def test_a_small_number_close_to_a_large_letter_stands_apart(gap_px: int) -> None:
    # The letter is 31 pixels high: the gap is less than half of that, and more than half of 10.
    large = letters("R", 42, SHAPE, (10, 10))
    stop = box_of(large)[3]
    small = letters("15", 14, SHAPE, (30, stop + gap_px))
    first, second = pieces_of(Rectangle(4, 50, 4, 100), [as_ground(large + small)])
    assert first.column_stop <= stop + 3
    assert second.column_start >= stop + gap_px - 3


def test_a_point_is_of_the_word_before_it() -> None:
    cover = letters("Dr. R", 30, SHAPE, (10, 10))
    pieces = pieces_of(Rectangle(4, 46, 4, 120), [as_ground(cover)])
    assert len(pieces) <= 2
    assert pieces[0].column_start <= box_of(cover)[2]


def test_a_place_is_drawn_close_to_what_stands_out_in_it() -> None:
    cover = letters("CC", 28, SHAPE, (20, 80))
    top, bottom, left, right = box_of(cover >= 0.35)
    close = close_to_ink(Rectangle(2, 58, 20, 200), [as_ground(cover)])
    assert close == Rectangle(top - 3, bottom + 3, left - 3, right + 3)


def test_a_place_in_which_nothing_stands_out_stays_as_it_is() -> None:
    place = Rectangle(2, 58, 20, 200)
    assert close_to_ink(place, [np.full(SHAPE, 40, np.uint8)]) == place
    assert pieces_of(place, [np.full(SHAPE, 40, np.uint8)]) == [place]
