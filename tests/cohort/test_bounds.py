"""Bounds against published tables, arithmetic by hand, and enumeration."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.cohort.bounds import largest_share, pairs_to_read

VERY_LARGE = 10_000_000


@pytest.mark.parametrize(
    ("rejected", "max_share", "read"),
    [
        (0, 0.10, 29), (0, 0.05, 59), (0, 0.02, 149),
        (1, 0.10, 46), (1, 0.05, 93), (1, 0.02, 236),
        (2, 0.10, 61), (2, 0.05, 124), (2, 0.02, 313),
        (3, 0.10, 76), (3, 0.05, 153), (3, 0.02, 386),
    ],
)  # fmt: skip
def test_a_very_large_group_needs_what_clopper_and_pearson_say(
    rejected: int, max_share: float, read: int
) -> None:
    assert pairs_to_read(VERY_LARGE, max_share, rejected) == read


@pytest.mark.parametrize(("size", "read"), [(20, 16), (40, 25)])
def test_a_small_group_needs_fewer(size: int, read: int) -> None:
    """By hand: 2 of 20 bad, 16 read: 4 * 3 / (20 * 19) = 0.032; 15 read: 5 * 4 / 380 = 0.053."""
    assert pairs_to_read(size, 0.05) == read


@pytest.mark.parametrize("size", [1, 2, 5, 19])
def test_a_group_of_which_not_one_may_be_bad_is_read_almost_whole(size: int) -> None:
    """One bad of N escapes n reads with probability (N - n) / N, which must be at most 1/20."""
    assert pairs_to_read(size, 0.05) == size


def test_more_rejects_than_the_whole_group_may_have_are_never_read_away() -> None:
    assert pairs_to_read(20, 0.05, rejected=2) is None
    assert pairs_to_read(20, 0.05, rejected=1) == 20


@given(st.data())
def test_the_bound_is_the_one_enumeration_gives(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 60))
    read = data.draw(st.integers(0, size))
    rejected = data.draw(st.integers(0, read))

    def seen(bad: int) -> Fraction:
        ways = sum(comb(bad, k) * comb(size - bad, read - k) for k in range(rejected + 1))
        return Fraction(ways, comb(size, read))

    possible = range(rejected, size - read + rejected + 1)
    worst = max(bad for bad in possible if seen(bad) > Fraction(1, 20))
    assert largest_share(rejected, read, size) == worst / size


@given(st.integers(1, 300), st.sampled_from([0.02, 0.05, 0.1, 0.3]))
def test_one_pair_fewer_would_not_do(size: int, max_share: float) -> None:
    read = pairs_to_read(size, max_share)
    assert read is not None
    assert largest_share(0, read, size) <= max_share
    assert read == 0 or largest_share(0, read - 1, size) > max_share


def test_more_rejects_than_reads_are_no_sample() -> None:
    with pytest.raises(ValueError, match="3 of 2 of 10"):
        largest_share(3, 2, 10)
