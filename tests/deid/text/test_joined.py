"""Parts of one line: gaps and rows by hand."""

from __future__ import annotations

from deid.blank.region import Rectangle
from deid.text.joined import joined
from deid.text.line import Found, Line


def found(rows: tuple[int, int], columns: tuple[int, int], stays: str = "") -> Found:
    line = Line(Rectangle(*rows, *columns), "X", 1.0)
    return Found(line, keep=bool(stays), reason=stays or "not_allowed")


def columns_of(places: tuple[Found, ...]) -> list[tuple[int, int]]:
    return [(f.line.rectangle.column_start, f.line.rectangle.column_stop) for f in places]


def test_a_gap_of_two_and_a_half_heights_is_closed_and_a_wider_one_is_not() -> None:
    left = found((10, 20), (0, 30))
    assert columns_of(joined([left, found((11, 21), (55, 90))])) == [(0, 55), (55, 90)]
    assert columns_of(joined([left, found((11, 21), (56, 90))])) == [(0, 30), (56, 90)]


def test_another_line_is_no_part_and_a_marker_between_stays() -> None:
    left, right = found((10, 20), (0, 30)), found((10, 20), (50, 90))
    assert columns_of(joined([left, found((16, 26), (50, 90))]))[0] == (0, 30)
    assert columns_of(joined([left, found((10, 20), (36, 44), "marker"), right]))[0] == (0, 30)


def test_a_number_of_a_scale_between_two_parts_of_a_line_goes_with_them() -> None:
    # The colon of "Nom : LY" is read as 1.
    left, right = found((10, 20), (0, 30)), found((10, 20), (50, 90))
    colon = found((11, 19), (36, 40), "scale")
    places = joined([left, colon, right])
    assert columns_of(places)[0] == (0, 50)
    assert not places[1].keep


def test_a_number_of_a_scale_beside_a_line_or_below_it_stays() -> None:
    left, right = found((10, 20), (0, 30)), found((10, 20), (50, 90))
    for place in (found((11, 19), (96, 100), "scale"), found((24, 32), (36, 40), "scale")):
        assert joined([left, place, right])[1].keep
