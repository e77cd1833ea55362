from __future__ import annotations

import pytest

from pipelines.cohort.controls import Control, chosen, controls


@pytest.mark.parametrize(
    ("pairs", "identical", "repeats", "spoilt_pairs"),
    [(4, 0, 0, 0), (5, 1, 1, 1), (59, 6, 6, 3), (200, 20, 20, 10)],
)
def test_one_in_ten_twice_and_one_in_twenty_spoilt(
    pairs: int, identical: int, repeats: int, spoilt_pairs: int
) -> None:
    digests = [f"{n:064x}" for n in range(pairs)]
    spoilt = {digest: f"spoilt {digest}" for digest in digests}
    made = controls(digests, spoilt)
    assert [sum(c.kind == kind for c in made) for kind in ("identical", "repeat", "spoilt")] == [
        identical,
        repeats,
        spoilt_pairs,
    ]
    assert made == controls(reversed(digests), spoilt)


def test_a_pair_whose_spoilt_copy_is_missing_is_left_out() -> None:
    digests = [f"{n:064x}" for n in range(5)]
    assert not [c for c in controls(digests, {}) if c.kind == "spoilt"]
    one = chosen(digests, "spoilt")[0]
    assert Control("spoilt", "copy") in controls(digests, {one: "copy"})
