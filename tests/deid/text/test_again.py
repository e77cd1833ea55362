"""Second looks: a marker that was joined or weakly read stays, and what is beside it goes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from deid.blank.region import Rectangle
from deid.hunt import Hunter
from deid.identity import Identity
from deid.text.again import Again
from deid.text.grey import views_of_shown
from deid.text.judge import Judge
from deid.text.line import Found, Line, View
from deid.text.markers import Markers
from tests.support.letters import BrightReader, Floats, box_of, letters

SHAPE = (80, 300)


class Says(BrightReader):
    """Reads what ``said`` makes of the number of columns it is shown."""

    def __init__(self, said: Callable[[int], str]) -> None:
        super().__init__("")
        self.said = said

    def words(self, crops: Sequence[View]) -> tuple[tuple[str, float], ...]:
        return tuple((self.said(crop.shape[1]), self.score) for crop in crops)


def again_of(reader: Says, cover: Floats, judge: Judge | None = None) -> Again:
    judged = (judge or Judge()).by(Markers.of("ultrasound"))
    return Again(reader, judged, views_of_shown((cover * 255).astype(np.uint8)))


def goes(text: str, score: float, rectangle: Rectangle) -> Found:
    return Found(Line(rectangle, text, score), keep=False, reason="not_allowed")


@pytest.mark.parametrize(("score", "wide_px"), [(0.59, 60), (0.99, 140)])
def test_a_marker_read_weakly_or_in_too_wide_a_place_is_read_close_to_its_letters(
    score: float, wide_px: int
) -> None:
    cover = letters("CC", 28, SHAPE, (20, 80))
    place = Rectangle(14, 50, 70, 70 + wide_px)
    found = again_of(Says(lambda _: "CC"), cover).closely(goes("cc", score, place))
    assert (found.keep, found.reason) == (True, "marker")
    _, _, left, right = box_of(cover >= 0.35)
    assert left - 3 <= found.line.rectangle.column_start <= left
    assert right <= found.line.rectangle.column_stop <= right + 3


@pytest.mark.parametrize("text", ["DUPONT", "r", "12/03/1957"])
def test_what_is_no_marker_is_not_read_again(text: str) -> None:
    cover = letters("CC", 28, SHAPE, (20, 80))
    one = goes(text, 0.59, Rectangle(14, 50, 70, 130))
    assert again_of(Says(lambda _: "CC"), cover).closely(one) is one


def test_a_view_that_is_the_patients_name_goes_though_it_is_surely_read() -> None:
    cover = letters("CC", 28, SHAPE, (20, 80))
    judge = Judge(Hunter(Identity(names=frozenset({"CC^ANNE"})), institutions=True))
    one = goes("CC", 0.59, Rectangle(14, 50, 70, 130))
    assert again_of(Says(lambda _: "CC"), cover, judge).closely(one) is one


def beside(first: str, second: str, gap_px: int = 20) -> tuple[Floats, Rectangle, int]:
    """Two texts in one line, its place, and the column at which the first ends."""
    cover = letters(first, 30, SHAPE, (20, 20))
    stop = box_of(cover > 0.1)[3]
    both = cover + letters(second, 30, SHAPE, (20, stop + gap_px))
    top, bottom, left, right = box_of(both > 0.1)
    return both, Rectangle(top - 4, bottom + 4, left - 4, right + 4), stop


def test_a_marker_and_a_number_of_a_scale_in_one_line_both_stay() -> None:
    cover, place, stop = beside("R", "15")
    reader = Says(lambda columns: "R" if columns < 45 else "15")
    found = again_of(reader, cover).divided(goes("R15", 0.95, place))
    assert [(one.keep, one.reason) for one in found] == [(True, "marker"), (True, "scale")]
    assert found[0].line.rectangle.column_stop <= stop + 3


def test_of_a_marker_and_a_number_that_are_the_patients_identifier_the_number_goes() -> None:
    cover, place, stop = beside("R", "15")
    reader = Says(lambda columns: "R" if columns < 45 else "15")
    one = Found(Line(place, "R15", 0.95), keep=False, reason="identity")
    kept, gone = again_of(reader, cover).divided(one)
    assert (kept.reason, gone.keep) == ("marker", False)
    assert gone.line.rectangle.column_start > stop


def test_two_numbers_in_a_line_that_goes_do_not_stay() -> None:
    cover, place, _ = beside("12", "57")
    one = goes("R12 57", 0.95, place)
    assert again_of(Says(lambda _: "12"), cover).divided(one) == [one]


def test_beside_a_marker_a_name_goes_and_so_does_its_number() -> None:
    cover, place, stop = beside("R", "DUPONT 57")
    reader = Says(lambda columns: "R" if columns < 45 else "57" if columns < 60 else "DUPONT")
    kept, gone = again_of(reader, cover).divided(goes("R DUPONT 57", 0.95, place))
    assert (kept.keep, gone.keep) == (True, False)
    assert gone.line.rectangle.column_start > stop
    assert gone.line.rectangle.column_stop >= box_of(cover > 0.1)[3]
