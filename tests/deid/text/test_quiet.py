"""Parts in which no text can stand are left out, and none in which it does."""

from __future__ import annotations

import numpy as np
import pytest

from deid.text.quiet import Listening, loudness_of
from tests.support.letters import box_of, letters

LISTENING = Listening()


def loud_over(ground: np.ndarray, box: tuple[int, int, int, int]) -> bool:
    loud = loudness_of(ground, LISTENING, span=float(np.ptp(ground)) or 1.0).loud
    block = LISTENING.block_px
    top, bottom, left, right = box
    return bool(loud[top // block : -(-bottom // block), left // block : -(-right // block)].all())


@pytest.mark.parametrize("value", [0, 1, 4095])
def test_constant_air_is_quiet(value: int) -> None:
    ground = np.full((300, 500), value, np.uint16)
    assert not loudness_of(ground, LISTENING, span=4095).loud.any()


@pytest.mark.parametrize("seed", range(4))
def test_noise_alone_is_quiet(seed: int) -> None:
    noise = np.random.default_rng(seed).normal(2000, 60, (640, 640))
    assert not loudness_of(noise.astype(np.uint16), LISTENING, span=4095).loud.any()


def test_slow_shading_is_quiet() -> None:
    across = 2000 - 60 * np.cos(np.linspace(0, 2 * np.pi, 640))
    ground = np.tile(across, (640, 1))
    ground += np.random.default_rng(2).normal(0, 20, ground.shape)
    assert not loudness_of(ground.astype(np.uint16), LISTENING, span=4095).loud.any()


def test_a_single_edge_is_quiet() -> None:
    ground = np.full((320, 320), 1000, np.uint16)
    ground[:, 150:] = 3000
    assert not loudness_of(ground, LISTENING, span=4095).loud.any()


@pytest.mark.parametrize("size_px", [12, 20, 36, 60])
@pytest.mark.parametrize("sigma", [0.0, 40.0])
def test_letters_of_four_sigmas_are_loud(size_px: int, sigma: float) -> None:
    cover = letters("Né(e) le", size_px, (256, 448), (70, 80))
    noise = np.random.default_rng(5).normal(1000, sigma, cover.shape)
    ground = (noise + cover * max(4 * sigma, 2)).astype(np.uint16)
    assert loud_over(ground, box_of(cover > 0.5))


def test_one_step_of_contrast_on_clean_air_is_loud_and_faint() -> None:
    cover = letters("DUPONT", 20, (256, 256), (100, 80))
    ground = (cover > 0.5).astype(np.uint16)
    found = loudness_of(ground, LISTENING, span=4095)
    assert found.faint[1, 1]


def test_the_answer_does_not_depend_on_the_strips() -> None:
    rng = np.random.default_rng(3)
    ground = rng.normal(1000, 10, (1500, 300)).astype(np.uint16)
    ground[700:712, 100:200] += (letters("AB", 12, (12, 100), (0, 0)) * 900).astype(np.uint16)
    whole = loudness_of(ground, Listening(strip_px=4096), span=4095)
    parts = loudness_of(ground, Listening(strip_px=512), span=4095)
    assert whole.loud.any()
    assert (whole.loud == parts.loud).all()
