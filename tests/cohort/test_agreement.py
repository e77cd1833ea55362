"""Figures of agreement against published examples and arithmetic by hand."""

from __future__ import annotations

import pytest

from pipelines.cohort.agreement import Share, alpha, kappa, vgc

# The worked example of Cohen's kappa on Wikipedia: 20 yes/yes, 5 yes/no, 10 no/yes, 15 no/no.
TABLE = [("yes", "yes")] * 20 + [("yes", "no")] * 5 + [("no", "yes")] * 10 + [("no", "no")] * 15

# Krippendorff (2011), Computing Krippendorff's Alpha-Reliability, section C: four observers.
OBSERVERS = {
    "a": "123321412...",
    "b": "1233224125.3",
    "c": ".3332342251.",
    "d": "12332441251.",
}


def test_kappa_is_that_of_the_worked_example() -> None:
    one = {str(n): pair[0] for n, pair in enumerate(TABLE)}
    other = {str(n): pair[1] for n, pair in enumerate(TABLE)}
    assert kappa(one, other) == pytest.approx(0.40)


def test_kappa_is_none_where_nothing_was_read_twice_or_all_is_alike() -> None:
    assert kappa({"a": "accept"}, {"b": "accept"}) is None
    assert kappa({"a": "accept"}, {"a": "accept"}) is None


def test_alpha_is_that_of_krippendorffs_example_with_missing_data() -> None:
    verdicts = {
        observer: {str(unit): value for unit, value in enumerate(given) if value != "."}
        for observer, given in OBSERVERS.items()
    }
    assert alpha(verdicts) == pytest.approx(0.743, abs=0.0005)
    assert alpha({"a": {"x": "accept"}, "b": {"x": "accept"}}) is None


def test_a_share_has_the_exact_interval_of_clopper_and_pearson() -> None:
    # R 4: binom.test(3, 20)$conf.int
    assert Share(3, 20).interval == pytest.approx((0.03207094, 0.37892683), abs=1e-7)
    # none of 59: the upper limit solves (1 - p)^59 = 0.025
    assert Share(0, 59).interval == pytest.approx((0.0, 1 - 0.025 ** (1 / 59)))
    assert (Share(0, 0).value, Share(0, 0).interval) == (None, None)


def test_the_area_under_the_vgc_curve_counts_ties_by_half() -> None:
    # by hand: of nine comparisons of (3, 4, 5) with (2, 3, 4) six win, two tie, one loses
    assert vgc([2, 3, 4], [3, 4, 5]) == pytest.approx(7 / 9)
    assert vgc([3, 3], [3, 3]) == 0.5
