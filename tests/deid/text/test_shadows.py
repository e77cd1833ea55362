"""A shadow of a marker goes, so that the marker stays; nothing that could be of a person does."""

from __future__ import annotations

import pytest

from deid.blank.region import Rectangle
from deid.text.line import Found, Line
from deid.text.shadows import without_shadows

PLACE = Rectangle(100, 140, 200, 320)
MLO = Found(Line(PLACE, "MLO", 0.99), keep=True, reason="marker")


def found(text: str, score: float, reason: str, place: Rectangle = PLACE) -> Found:
    return Found(Line(place, text, score), keep=False, reason=reason)


@pytest.mark.parametrize(
    "shadow",
    [
        found("MLC", 0.98, "not_allowed"),  # the same ink in another frame, one letter wrong
        found("MLC", 0.98, "not_allowed", Rectangle(102, 141, 203, 322)),
        found("", 0.0, "unreadable", Rectangle(105, 135, 210, 260)),
        found("O", 0.9, "not_allowed", Rectangle(100, 140, 280, 320)),
        found("ML", 0.84, "not_allowed", Rectangle(104, 142, 202, 285)),  # a part of it
    ],
)
def test_a_shadow_of_a_marker_is_left_out(shadow: Found) -> None:
    assert without_shadows([shadow, MLO]) == (MLO,)


@pytest.mark.parametrize(
    "other",
    [
        found("LY A", 0.98, "not_allowed", Rectangle(90, 150, 180, 340)),
        found("LY", 0.98, "identity", Rectangle(104, 138, 210, 280)),
        found("MLC", 0.98, "identity"),
        found("MLC", 1.0, "not_allowed"),  # read more surely than the marker
        found("MLC", 0.98, "not_allowed", Rectangle(100, 140, 260, 380)),
        found("DUPONT", 0.98, "not_allowed", Rectangle(100, 140, 200, 460)),
        found("", 0.0, "unreadable", Rectangle(90, 150, 200, 700)),
    ],
)
def test_what_may_be_of_a_person_is_no_shadow(other: Found) -> None:
    assert other in without_shadows([other, MLO])


def test_without_a_marker_there_is_no_shadow() -> None:
    lost = found("MLC", 0.98, "not_allowed")
    assert without_shadows([lost]) == (lost,)
