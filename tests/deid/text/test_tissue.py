"""The mask of the body: known half discs and fans with text beside them."""

from __future__ import annotations

import numpy as np

from deid.text.tissue import tissue_mask
from tests.support.letters import letters


def breast(inverse: bool = False) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = np.mgrid[:800, :640]
    inside = ((rows - 400) / 300) ** 2 + (columns / 380) ** 2 < 1
    values = np.where(inside, 1500, 0).astype(np.uint16)
    return (4095 - values if inverse else values).astype(np.uint16), inside


def test_a_breast_is_found_without_the_text_at_the_border() -> None:
    ground, inside = breast()
    text = letters("RMLO LEFEVRE", 30, ground.shape, (20, 380)) > 0.5
    found = tissue_mask(np.where(text, 4095, ground), "mammogram")
    assert (found & inside).sum() >= 0.97 * inside.sum()
    assert not found[text].any()


def test_air_that_is_bright_is_air() -> None:
    ground, inside = breast(inverse=True)
    found = tissue_mask(ground, "mammogram")
    assert (found == inside).mean() > 0.98


def test_the_dark_grains_of_speckle_belong_to_the_fan() -> None:
    rows, columns = np.mgrid[:600, :800]
    fan = np.hypot(rows, columns - 400) < 500
    fan &= np.abs(np.arctan2(columns - 400, rows + 1)) < 0.6
    speckle = np.random.default_rng(1).exponential(60, fan.shape).clip(0, 255)
    found = tissue_mask(np.where(fan, speckle, 0).astype(np.uint8), "ultrasound")
    assert (found & fan).sum() >= 0.9 * fan.sum()
    assert (found & ~fan).sum() <= 0.05 * fan.sum()


def test_captures_and_empty_frames_have_none() -> None:
    ground, _ = breast()
    assert not tissue_mask(ground, "capture").any()
    assert not tissue_mask(np.zeros((100, 100), np.uint8), "mammogram").any()
