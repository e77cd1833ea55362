"""What is read is drawn by nobody, enough for the limit, and the same each time."""

from __future__ import annotations

from config.project import Review
from pipelines.cohort.draw import draw

ONE_OF_MANY = {f"v{i}": "a / adc" for i in range(400)}


def test_a_large_stratum_gives_what_its_limit_needs() -> None:
    """400 volumes, 5 %: so 21 must not escape: C(379, n) / C(400, n)."""
    assert len(draw(ONE_OF_MANY, Review())) == 52


def test_a_small_stratum_is_read_whole() -> None:
    assert len(draw({f"v{i}": "a / adc" for i in range(7)}, Review())) == 7


def test_a_generous_limit_still_draws_the_least_of_each_stratum() -> None:
    strata = {f"v{i}": f"{'ab'[i % 2]} / adc" for i in range(40)}
    drawn = draw(strata, Review(max_reject_rate=0.9, sample=3))
    assert sorted(strata[v] for v in drawn) == ["a / adc"] * 3 + ["b / adc"] * 3


def test_pooled_strata_give_what_they_need_together() -> None:
    pool = {"name": "all", "strata": "*", "reason": "made in one room", "signed_by": "me",
            "signed_on": "2026-01-01"}  # fmt: skip
    strata = {f"v{i}": f"{'abcd'[i % 4]} / adc" for i in range(20)}
    drawn = draw(strata, Review.model_validate({"sample": 1, "pools": [pool]}))
    assert len(drawn) == 16
    assert {strata[v] for v in drawn} == set(strata.values())


def test_the_order_in_which_volumes_come_changes_nothing() -> None:
    assert draw(dict(reversed(ONE_OF_MANY.items())), Review()) == draw(ONE_OF_MANY, Review())


def test_a_volume_more_leaves_those_drawn_in_the_sample() -> None:
    before = set(draw(ONE_OF_MANY, Review()))
    more = {**ONE_OF_MANY, "one more": "a / adc"}
    assert len(before - set(draw(more, Review()))) <= 1
