"""A place is shown to the recogniser with room: what is cut at its side reads as another letter."""

from __future__ import annotations

import numpy as np
import pytest

from deid.blank.region import Rectangle
from deid.text.crops import roomy, upright


@pytest.mark.parametrize(
    ("place", "by"),
    [
        (Rectangle(100, 118, 50, 350), 3),  # a line: a sixth of its height
        (Rectangle(100, 118, 50, 62), 4),  # a letter: a third of its width
        (Rectangle(100, 300, 50, 68), 3),  # a line that runs upwards
    ],
)
def test_room_is_a_part_of_the_shorter_side_and_more_around_a_letter(
    place: Rectangle, by: int
) -> None:
    wider = roomy(place, (400, 400))
    assert wider.row_start == place.row_start - by
    assert wider.row_stop == place.row_stop + by
    assert wider.column_start == place.column_start - by
    assert wider.column_stop == place.column_stop + by


def test_room_ends_at_the_frame() -> None:
    assert roomy(Rectangle(0, 10, 0, 8), (10, 8)) == Rectangle(0, 10, 0, 8)


def test_a_line_that_runs_upwards_is_turned_to_run_to_the_right() -> None:
    part = np.arange(20, dtype=np.uint8).reshape(10, 2)
    assert upright(part).shape == (2, 10)
    assert (upright(part)[0] == part[::-1, 0]).all()
    assert upright(part.T).shape == (2, 10)
