"""The search of one frame, with a reader that takes all that is bright for text."""

from __future__ import annotations

import numpy as np

from deid.blank.region import Rectangle
from deid.text.find import TextFinder
from deid.text.grey import views_of_shown
from deid.text.grown import grown
from deid.text.judge import Judge
from deid.text.line import Found, Line
from tests.support.letters import BrightReader, box_of, letters


def test_text_across_tiles_is_one_line_with_all_its_ink() -> None:
    cover = letters("LEFEVRE Elodie 12/03/1957 CHU", 40, (600, 1200), (490, 200))
    views = views_of_shown((cover * 255).astype(np.uint8))
    (found,) = TextFinder(BrightReader("LEFEVRE", least=40), Judge()).find(views, "capture")
    top, bottom, left, right = box_of(cover > 0.1)
    r = found.line.rectangle
    assert not found.keep
    assert (r.row_start <= top, r.row_stop >= bottom) == (True, True)
    assert (r.column_start <= left, r.column_stop >= right) == (True, True)


def test_air_is_not_shown_to_the_reader() -> None:
    reader = BrightReader("X")
    finder = TextFinder(reader, Judge())
    assert finder.find(views_of_shown(np.zeros((3000, 2000), np.uint8)), "mammogram") == ()
    assert reader.searched == 0


def test_of_a_large_frame_only_the_part_with_text_is_searched() -> None:
    reader = BrightReader("RMLO")
    cover = letters("RMLO", 30, (3000, 2000), (60, 1700))
    finder = TextFinder(reader, Judge())
    (found,) = finder.find(views_of_shown((cover * 255).astype(np.uint8)), "mammogram")
    assert found.keep
    assert reader.searched < 0.02 * 3000 * 2000


def test_a_line_that_cannot_be_read_on_air_goes() -> None:
    cover = letters("DUPONT", 30, (300, 400), (60, 100))
    finder = TextFinder(BrightReader("", least=40, score=0.0), Judge())
    (found,) = finder.find(views_of_shown((cover * 255).astype(np.uint8)), "mammogram")
    assert (found.keep, found.reason) == (False, "unreadable")


def test_what_goes_is_grown_by_the_margin_within_the_frame() -> None:
    goes = Found(Line(Rectangle(1, 10, 95, 99), "X", 1.0), keep=False, reason="not_allowed")
    stays = Found(Line(Rectangle(50, 60, 5, 9), "R", 1.0), keep=True, reason="marker")
    assert grown([goes, stays], 3, rows=90, columns=100) == (Rectangle(0, 13, 92, 100),)
