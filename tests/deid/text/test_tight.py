"""Boxes close to the letters: the letters' own edges are the key."""

from __future__ import annotations

import numpy as np
import pytest

from deid.blank.region import Rectangle
from deid.text.spots import Spot
from deid.text.tight import fitted, has_accent
from tests.support.letters import box_of, letters


@pytest.mark.parametrize("size_px", [12, 24, 48])
@pytest.mark.parametrize("sign", [1, -1])
def test_all_ink_is_within_and_at_most_five_pixels_are_beside(size_px: int, sign: int) -> None:
    cover = letters("Élodie Lefèvre", size_px, (200, 640), (80, 60))
    ground = (120 + sign * 100 * cover).astype(np.uint8)
    top, bottom, left, right = box_of(cover > 0.1)
    core = Rectangle(top + size_px // 6, bottom - size_px // 6, left + 4, right - 4)
    loose = Rectangle(top - 12, bottom + 12, left - 12, right + 12)
    box = fitted(Spot(loose, 0.9, core), [ground], [])
    assert 0 <= top - box.row_start <= 5
    assert 0 <= box.row_stop - bottom <= 5
    assert 0 <= left - box.column_start <= 5
    assert 0 <= box.column_stop - right <= 5


def test_what_the_detector_marked_stays_within() -> None:
    core, loose = Rectangle(20, 30, 10, 90), Rectangle(15, 35, 5, 95)
    ground = np.zeros((50, 100), np.uint8)
    ground[22:28, 40:60:3] = 255
    box = fitted(Spot(loose, 0.9, core), [ground], [])
    assert box.row_start <= 20
    assert box.row_stop >= 30
    assert box.column_start <= 10
    assert box.column_stop >= 90


def test_a_line_on_air_just_above_the_body_keeps_the_feet_of_its_digits() -> None:
    cover = letters("2 48 08 57 591", 36, (120, 640), (53, 60))
    top, bottom, left, right = box_of(cover > 0.1)
    core = Rectangle(top + 4, bottom - 6, left + 4, right - 4)
    loose = Rectangle(top - 7, bottom + 5, left - 8, right + 8)
    ground = np.full((120, 640), 80.0)
    # Nearly half of the body is as bright as the ink, so that no row of digits stands out from it.
    body = np.repeat(np.random.default_rng(8).random((120 - bottom - 5, 80)), 8, axis=1)
    ground[bottom + 5 :] = np.where(body < 0.45, 200, 90)
    ground = (ground + cover * (200 - ground)).astype(np.uint8)
    box = fitted(Spot(loose, 0.9, core), [ground], [])
    assert box.row_start <= top
    assert box.row_stop >= bottom


def test_the_accent_of_a_large_capital_is_within_though_its_middle_was_marked() -> None:
    rng = np.random.default_rng(3)
    cover = letters("CÉCILE", 48, (200, 400), (70, 60))
    top, bottom, left, right = box_of(cover > 0.1)
    # Of large letters the detector marks half the height.
    core = Rectangle(top + 24, bottom - 8, left + 4, right - 4)
    ground = np.clip(90 + rng.normal(0, 12, cover.shape) + 120 * cover, 0, 255).astype(np.uint8)
    loose = Rectangle(top + 12, bottom + 4, left - 8, right + 8)
    box = fitted(Spot(loose, 0.9, core), [ground], [], said="CÉCILE")
    assert box.row_start <= top


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("PÉRON", True),
        ("AïSSA", True),  # a capital that was read as a small letter
        ("Ève", True),
        ("ROUX", True),  # readers overlook accents of capitals on tissue
        ("Raphaël", False),
        ("FRA", False),
        ("GAÇ", False),
        ("12/03/1957", False),
    ],
)
def test_an_accent_above_a_capital_is_allowed_for(said: str, expected: bool) -> None:
    assert has_accent(said) is expected
