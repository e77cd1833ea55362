"""What is spoilt on purpose is what a careless step would do, and can be seen."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.cohort.spoil import over_smoothed, spoil, without_a_structure


def test_an_over_smoothed_image_is_smoother_in_its_plane_and_keeps_its_mean() -> None:
    values = np.random.default_rng(5).normal(100, 20, (2, 64, 64)).astype(np.float32)
    blurred = over_smoothed(values)
    assert blurred.std() < 0.3 * values.std()
    assert blurred.mean() == pytest.approx(values.mean(), rel=0.01)
    flat = np.stack([np.zeros((64, 64)), np.ones((64, 64))]).astype(np.float32)
    assert np.allclose(over_smoothed(flat), flat)


def spotted() -> tuple[np.ndarray, np.ndarray]:
    """A bright disc on black air with noise, and a spot of 4 pixels in its middle slice."""
    rng = np.random.default_rng(2)
    rows, columns = np.mgrid[:200, :200]
    body = np.hypot(rows - 100, columns - 100) < 80
    spot = np.exp(-((rows - 120) ** 2 + (columns - 70) ** 2) / (2 * 3.0**2))
    clean = np.stack([body * 300.0] * 3) + rng.normal(0, 6, (3, 200, 200))
    values = clean.copy()
    values[1] += 150 * spot
    return values.astype(np.float32), clean.astype(np.float32)


def test_the_one_small_structure_is_gone_and_all_else_stays() -> None:
    values, clean = spotted()
    made = without_a_structure(values)
    # The spot stood 150 above tissue; what is left is the noise of the tissue (6).
    assert abs(made[1, 117:124, 67:74].mean() - clean[1, 117:124, 67:74].mean()) < 6
    assert made[1, 112:129, 62:79].std() == pytest.approx(6, abs=3)
    rows, columns = np.mgrid[:200, :200]
    far = np.hypot(rows - 120, columns - 70) > 3.5 * 3.5
    assert (made[:, far] == values[:, far]).all()


def test_what_was_not_measured_is_not_where_a_structure_is_sought() -> None:
    values, _ = spotted()
    values[1, 100:140, 50:90] = np.nan
    made = without_a_structure(values)
    assert np.isfinite(made).all()
    known = np.isfinite(values)
    assert (made[0][~known[1]] == values[0][~known[1]]).all()


def test_an_image_without_room_for_a_structure_is_over_smoothed() -> None:
    values = np.random.default_rng(1).normal(100, 20, (1, 16, 20)).astype(np.float32)
    assert (without_a_structure(values) == over_smoothed(values)).all()


def test_the_digest_draws_the_way_and_draws_it_again() -> None:
    values, _ = spotted()
    ways = {digit: spoil(values, "ab" + digit) for digit in "01234567"}
    assert all((ways[d] == spoil(values, "cd" + d)).all() for d in ways)
    smoothed = [bool((one == over_smoothed(values)).all()) for one in ways.values()]
    assert smoothed.count(True) == smoothed.count(False) == 4
