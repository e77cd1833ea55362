"""Parts of one line: gaps and rows by hand."""

from __future__ import annotations

from deid.blank.region import Rectangle
from deid.text.joined import joined
from deid.text.line import Found, Line


def found(rows: tuple[int, int], columns: tuple[int, int], *, keep: bool = False) -> Found:
    return Found(Line(Rectangle(*rows, *columns), "X", 1.0), keep=keep, reason="not_allowed")


def columns_of(places: tuple[Found, ...]) -> list[tuple[int, int]]:
    return [(f.line.rectangle.column_start, f.line.rectangle.column_stop) for f in places]


def test_a_gap_of_two_and_a_half_heights_is_closed_and_a_wider_one_is_not() -> None:
    left = found((10, 20), (0, 30))
    assert columns_of(joined([left, found((11, 21), (55, 90))])) == [(0, 55), (55, 90)]
    assert columns_of(joined([left, found((11, 21), (56, 90))])) == [(0, 30), (56, 90)]


def test_another_line_is_no_part_and_a_marker_between_stays() -> None:
    left, right = found((10, 20), (0, 30)), found((10, 20), (50, 90))
    assert columns_of(joined([left, found((16, 26), (50, 90))]))[0] == (0, 30)
    assert columns_of(joined([left, found((10, 20), (36, 44), keep=True), right]))[0] == (0, 30)
