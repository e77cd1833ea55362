"""What is text by shape and edges: expected by arithmetic on drawn parts."""

from __future__ import annotations

import numpy as np

from deid.blank.region import Rectangle
from deid.text.line import Line
from deid.text.spots import Spot
from deid.text.weigh import (
    Seen,
    Weighing,
    could_be_text,
    crispness,
    is_calm,
    is_text,
    stands_out,
)

WEIGHING = Weighing()
PLACE = Rectangle(20, 40, 20, 100)


def spot(heat: float = 0.95, place: Rectangle = PLACE) -> Spot:
    return Spot(place, heat, place)


def test_a_step_is_all_of_the_range_and_a_ramp_one_part_in_its_length() -> None:
    step = np.zeros((20, 40), np.uint8)
    step[:, 20:] = 200
    step[10:] = 200 - step[10:]
    assert crispness(step) == 1.0
    ramp = np.tile(np.arange(101, dtype=np.float32), (20, 1))
    assert abs(crispness(ramp) - 1 / 98) < 1e-3  # of the range without a hundredth at each end
    assert crispness(np.full((9, 9), 7)) == 0.0


def test_slivers_blobs_and_shading_are_not_worth_reading() -> None:
    flat = np.tile(np.arange(400, dtype=np.float32), (400, 1))
    sharp = np.random.default_rng(0).integers(0, 2, (400, 400)) * 255
    assert could_be_text(spot(), [sharp], WEIGHING)
    assert not could_be_text(spot(), [flat], WEIGHING)
    assert not could_be_text(spot(place=Rectangle(0, 7, 0, 90)), [sharp], WEIGHING)
    assert not could_be_text(spot(place=Rectangle(0, 161, 0, 300)), [sharp], WEIGHING)


def test_air_is_calm_and_tissue_is_not() -> None:
    rng = np.random.default_rng(1)
    ground = np.zeros((60, 120), np.float32)
    ground[20:40, 20:100] = rng.integers(0, 2, (20, 80)) * 200
    assert is_calm(spot(), ground, WEIGHING)
    rows = np.arange(60)[:, None]
    assert not is_calm(spot(), ground + 100 * np.sin(rows / 3), WEIGHING)


def test_on_air_all_counts_and_on_tissue_what_reads_or_has_the_shape_of_a_line() -> None:
    def counts(text: str, score: float, *, calm: bool, heat: float, crisp: float) -> bool:
        seen = Seen(calm=calm, apart=True, crisp=crisp)
        return is_text(spot(heat), Line(PLACE, text, score), seen, WEIGHING)

    assert counts("", 0.0, calm=True, heat=0.3, crisp=0.1)
    assert counts("AN", 0.8, calm=False, heat=0.3, crisp=0.1)
    assert counts("", 0.0, calm=False, heat=0.9, crisp=0.5)
    assert not counts("", 0.0, calm=False, heat=0.8, crisp=0.5)
    assert not counts("", 0.0, calm=False, heat=0.9, crisp=0.2)
    assert not counts("O", 0.9, calm=False, heat=0.8, crisp=0.5)


def test_a_line_that_cannot_be_read_must_stand_out_on_tissue() -> None:
    seen = Seen(calm=False, apart=False, crisp=0.9)
    assert not is_text(spot(0.95), Line(PLACE, "", 0.0), seen, WEIGHING)


def test_a_large_soft_patch_on_air_is_text_only_when_it_reads() -> None:
    large, soft = spot(place=Rectangle(0, 60, 0, 60)), Seen(calm=True, apart=True, crisp=0.3)
    assert not is_text(large, Line(large.rectangle, "", 0.1), soft, WEIGHING)
    assert is_text(large, Line(large.rectangle, "R", 0.6), soft, WEIGHING)
    assert is_text(spot(), Line(PLACE, "", 0.1), soft, WEIGHING)


def test_what_was_blanked_on_tissue_is_no_line() -> None:
    ground = np.random.default_rng(2).integers(80, 120, (60, 120))
    ground[18:42, 18:102] = 0
    assert not could_be_text(spot(), [ground], WEIGHING)


def test_noise_is_not_calm_and_a_weak_trace_in_it_does_not_stand_out() -> None:
    noise = np.random.default_rng(3).normal(100, 10, (60, 120)).astype(np.float32)
    assert not is_calm(spot(), noise, WEIGHING)
    assert not stands_out(spot(0.5), noise, WEIGHING)
    assert stands_out(spot(0.9), noise, WEIGHING)
    noise[20:40, 20:100:4] += 80
    assert stands_out(spot(0.5), noise, WEIGHING)


def test_in_a_small_image_what_fills_it_is_no_letter() -> None:
    """A fifth of 240 rows is 48; of 480 it is 96."""
    sharp = np.tile(np.array([0, 255], np.uint8), (480, 320))
    tall = spot(place=Rectangle(0, 49, 0, 100))
    assert not could_be_text(tall, [sharp[:240]], WEIGHING)
    assert could_be_text(spot(place=Rectangle(0, 48, 0, 100)), [sharp[:240]], WEIGHING)
    assert could_be_text(tall, [sharp], WEIGHING)
