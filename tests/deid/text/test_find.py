"""The search of one frame, with a reader that takes all that is bright for text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import pytest

from deid.blank.region import Rectangle
from deid.text.find import Searching, TextFinder
from deid.text.grey import views_of_shown
from deid.text.grown import grown
from deid.text.judge import Judge
from deid.text.line import Found, Heat, Line, View
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


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (Rectangle(20, 29, 40, 60), Rectangle(17, 30, 37, 63)),  # above the marker
        (Rectangle(52, 60, 40, 60), Rectangle(50, 63, 37, 63)),  # below it
        (Rectangle(33, 42, 10, 39), Rectangle(30, 45, 7, 40)),  # before it
        (Rectangle(33, 42, 62, 80), Rectangle(30, 45, 60, 83)),  # behind it
        (Rectangle(35, 40, 55, 70), Rectangle(32, 43, 52, 73)),  # on it: the line goes whole
    ],
)
def test_the_margin_ends_where_a_marker_that_stays_begins(
    place: Rectangle, expected: Rectangle
) -> None:
    goes = Found(Line(place, "X", 1.0), keep=False, reason="not_allowed")
    stays = Found(Line(Rectangle(30, 50, 40, 60), "R", 1.0), keep=True, reason="marker")
    assert grown([goes, stays], 3, rows=90, columns=100) == (expected,)


class HalfSeen(BrightReader):
    """Gives the right half of what is bright, and reads a word whole where it is shown whole."""

    def heat(self, view: View) -> Heat:
        found = super().heat(view)
        columns = np.flatnonzero(found.any(axis=0))
        if columns.size:
            found[:, : int(columns[0] + columns[-1]) // 2] = 0
        return found

    def words(self, crops: Sequence[View]) -> tuple[tuple[str, float], ...]:
        # With the room around it LAT is 75 columns wide, its right half 53.
        return tuple(("LAT" if crop.shape[1] > 60 else "AT", 0.99) for crop in crops)


def test_a_marker_of_which_a_part_was_given_is_read_whole_and_stays() -> None:
    cover = letters("LAT", 30, (300, 400), (60, 100))
    finder = TextFinder(HalfSeen("", least=40), Judge())
    (found,) = finder.find(views_of_shown((cover * 255).astype(np.uint8)), "radiograph")
    assert (found.keep, found.reason) == (True, "marker")
    assert found.line.rectangle.column_start <= box_of(cover > 0.1)[2]


class BlobFirst:
    """Takes a patch of tissue around a line for text, and the line itself at the next look only.

    It reads what is shown as high as a line, and nothing in the patch.
    """

    def __init__(self, line: Rectangle) -> None:
        self.line, self.looks = line, 0

    def rest(self) -> None:
        pass

    def heat(self, view: View) -> Heat:
        self.looks += 1
        r, found = self.line, np.zeros(view.shape[:2], np.float32)
        if self.looks == 1:
            found[r.row_start - 18 : r.row_stop + 18, r.column_start : r.column_stop] = 0.6
        else:
            found[r.row_start : r.row_stop, r.column_start : r.column_stop] = 0.9
        return found

    def words(self, crops: Sequence[View]) -> tuple[tuple[str, float], ...]:
        return tuple(("DUPONT", 0.99) if len(crop) < 80 else ("m", 0.3) for crop in crops)

    def read(self, grey: View, **options: Any) -> tuple[Line, ...]:
        raise NotImplementedError


def test_a_line_on_a_patch_of_tissue_is_found_though_the_patch_is_no_text() -> None:
    rng = np.random.default_rng(6)
    tissue = cv2.GaussianBlur(rng.normal(0, 1, (800, 900)), (0, 0), 5)
    cover = letters("DUPONT MARIE", 36, (800, 900), (390, 330))
    frame = 100 + 250 * tissue + 130 * cover
    views = views_of_shown(np.clip(frame, 0, 255).astype(np.uint8))
    line = Rectangle(*box_of(cover > 0.1))
    finder = TextFinder(BlobFirst(line), Judge(), Searching(tile_blocks=32))
    lines = [one.line.rectangle for one in finder.find(views, "radiograph")]
    assert any(r.row_start <= line.row_start and r.row_stop >= line.row_stop for r in lines)
