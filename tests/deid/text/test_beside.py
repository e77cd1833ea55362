"""What goes beside a marker leaves its letters alone, and loses none of its own: edges by hand."""

from __future__ import annotations

import numpy as np
import pytest

from deid.blank.region import Rectangle
from deid.text.beside import beside_markers
from deid.text.line import Found, Line

LETTER = Rectangle(50, 70, 100, 116)
MARKER = Found(Line(Rectangle(46, 74, 96, 120), "L", 0.99), keep=True, reason="marker")


def frame(line: tuple[slice, slice] | None, level: int = 200, noise: float = 0) -> np.ndarray:
    grey = np.random.default_rng(2).normal(20, noise, (120, 300)) if noise else None
    flat = np.full((120, 300), 20.0) if grey is None else grey
    flat[50:70, 100:116] = 250
    if line:
        flat[line] = level
    return np.clip(flat, 0, 255).astype(np.uint8)


def goes(rows: tuple[int, int], reason: str = "identity", score: float = 0.9) -> Found:
    line = Line(Rectangle(*rows, 20, 250), "12/03/1957", score)
    return Found(line, keep=False, reason=reason)


@pytest.mark.parametrize("level", [200, 40, 26])
def test_a_line_above_a_marker_is_drawn_back_to_its_own_letters_also_to_faint_ones(
    level: int,
) -> None:
    shown = frame(np.s_[24:40, 30:240], level)
    drawn, kept = beside_markers([goes((16, 52)), MARKER], [shown])
    # The letters with three pixels around them.
    assert drawn.line.rectangle == Rectangle(21, 43, 27, 243)
    assert kept == MARKER


def test_letters_in_colour_alone_are_letters() -> None:
    grey, colour = frame(None), np.zeros((120, 300), np.uint8)
    colour[24:40, 30:240] = 90
    drawn, _ = beside_markers([goes((16, 52)), MARKER], [grey, colour])
    assert drawn.line.rectangle == Rectangle(21, 43, 27, 243)


def test_a_line_that_does_not_come_near_a_marker_stays_as_it_is() -> None:
    far = goes((10, 41))
    assert beside_markers([far, MARKER], [frame(np.s_[24:30, 30:240])])[0] == far


def test_on_noise_nothing_is_drawn_back() -> None:
    shown = frame(np.s_[24:40, 30:240], 60, noise=15)
    assert beside_markers([goes((16, 52)), MARKER], [shown])[0] == goes((16, 52))


def test_a_part_of_a_marker_beyond_which_there_is_nothing_is_left_out() -> None:
    line = Line(Rectangle(62, 80, 98, 118), "11", 0.79)
    again = Found(line, keep=False, reason="not_allowed")
    assert beside_markers([again, MARKER], [frame(None)]) == (MARKER,)


@pytest.mark.parametrize("reason", ["identity", "pattern"])
def test_what_was_read_as_a_person_s_is_never_left_out(reason: str) -> None:
    named = Found(Line(Rectangle(62, 80, 98, 118), "LY", 0.79), keep=False, reason=reason)
    assert named in beside_markers([named, MARKER], [frame(None)])


@pytest.mark.parametrize("reason", ["marker", "scale"])
def test_a_line_whose_last_digits_were_read_as_what_may_stay_goes_whole(reason: str) -> None:
    shown = frame(np.s_[50:70, 30:116], 250)
    date = Found(Line(Rectangle(46, 74, 20, 120), "12/03/1957", 1.0), keep=False, reason="identity")
    digits = Found(Line(Rectangle(48, 72, 98, 119), "57", 0.96), keep=True, reason=reason)
    assert beside_markers([date, digits], [shown])[0] == date


def test_nothing_is_drawn_back_beside_a_scale() -> None:
    scale = Found(MARKER.line, keep=True, reason="scale")
    line = goes((16, 52))
    assert beside_markers([line, scale], [frame(np.s_[24:40, 30:240])])[0] == line
