"""Places in a detector's heat: expected edges by hand arithmetic."""

from __future__ import annotations

import numpy as np

from deid.blank.region import Rectangle
from deid.text.spots import Spotting, spots_of


def test_a_place_is_grown_by_area_over_perimeter_times_the_constant() -> None:
    heat = np.zeros((100, 200), np.float32)
    heat[40:50, 60:100] = 0.9  # 10 x 40: 400 x 1.1 / 100 = 4.4, so 4
    (spot,) = spots_of(heat, Spotting())
    assert spot.rectangle == Rectangle(36, 54, 56, 104)
    assert spot.core == Rectangle(40, 50, 60, 100)
    assert abs(spot.heat - 0.9) < 1e-6


def test_a_place_at_the_edge_stays_in_the_frame() -> None:
    heat = np.zeros((50, 60), np.float32)
    heat[0:10, 0:40] = 0.9
    (spot,) = spots_of(heat, Spotting())
    assert spot.rectangle == Rectangle(0, 14, 0, 44)


def test_weak_heat_and_slivers_are_nothing() -> None:
    heat = np.zeros((100, 100), np.float32)
    heat[10:20, 10:60] = 0.27  # under the weak mean
    heat[50:52, 10:60] = 0.9  # two rows
    assert spots_of(heat, Spotting()) == ()


def test_a_line_on_a_blob_is_given_beside_the_blob() -> None:
    heat = np.zeros((300, 400), np.float32)
    heat[50:250, 50:350] = 0.4
    heat[100:112, 100:300] = 0.95
    found = spots_of(heat, Spotting())
    assert [spot.rectangle for spot in found] == [
        Rectangle(0, 300, 0, 400),  # 200 x 300: 60000 x 1.1 / 1000 = 66 all round
        Rectangle(94, 118, 94, 306),  # 12 x 200: 2400 x 1.1 / 424 = 6
    ]


def test_a_halo_of_weak_heat_is_not_of_the_core() -> None:
    heat = np.zeros((100, 200), np.float32)
    heat[38:52, 40:120] = 0.3
    heat[40:50, 60:100] = 0.9
    (spot,) = spots_of(heat, Spotting())
    assert spot.core == Rectangle(40, 50, 60, 100)
