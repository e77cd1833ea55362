"""Nobody learns of fewer than ten, by one question or by many."""

from __future__ import annotations

import random
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.request import Criteria
from pipelines.requests.cells import (
    FLOOR,
    Cell,
    load_snapshot,
    save_snapshot,
    take_snapshot,
)
from pipelines.requests.feasibility import count, count_by_site

DAY = date(2026, 1, 1)
SITES, VENDORS, FIELDS = ("a", "b", "c"), ("ge", "siemens"), (1.5, 3.0)
ROLES = ("adc", "dwi", "t2w_ax")


def population(rng: random.Random) -> list[Cell]:
    """Subjects in cells of every size, the small ones as many as the large."""
    kinds = [
        Cell(s, v, f, tuple(sorted(rng.sample(ROLES, rng.randint(1, 3)))))
        for s in SITES for v in VENDORS for f in FIELDS
    ]  # fmt: skip
    return [cell for cell in kinds for _ in range(rng.choice([0, 1, 5, 9, 10, 11, 14, 40]))]


def asked(rng: random.Random) -> Criteria:
    def some(values: tuple[object, ...]) -> tuple[object, ...]:
        return tuple(rng.sample(values, rng.randint(0, len(values))))

    return Criteria.model_validate({
        "collection": "one", "roles": some(ROLES), "sites": some(SITES),
        "vendors": some(VENDORS), "field_strengths_t": some(FIELDS),
    })  # fmt: skip


def truth(subjects: list[Cell], criteria: Criteria) -> set[int]:
    """The subjects that meet the criteria, told apart, by a reading of the words of their own."""
    return {
        number
        for number, cell in enumerate(subjects)
        if all(role in cell.roles for role in criteria.roles)
        and cell.site in (criteria.sites or SITES)
        and cell.vendor in (criteria.vendors or VENDORS)
        and cell.field_strength_t in (criteria.field_strengths_t or FIELDS)
    }


def test_ten_thousand_sequences_of_questions_tell_nothing_of_one_to_nine() -> None:
    rng = random.Random(8)
    compared = near = 0
    for sequence in range(10_000):
        if sequence % 20 == 0:
            subjects = population(rng)
            snapshot = take_snapshot("one", subjects, DAY)
        seen = []
        for _ in range(4):
            criteria = asked(rng)
            answer = count(snapshot, criteria).at_least
            true = truth(subjects, criteria)
            assert answer == 0 or FLOOR <= answer <= len(true)
            seen.append((true, answer))
        for one, said in seen:
            for other, also_said in seen:
                if one < other:
                    compared += 1
                    assert also_said - said == 0 or also_said - said >= FLOOR
                    if len(other) - len(one) < FLOOR:
                        near += 1
                        assert said == also_said
    assert compared > 10_000, "questions that contain one another were hardly asked"
    assert near > 300, "questions that differ by a few subjects were hardly asked"


@given(st.dictionaries(st.sampled_from(SITES), st.integers(0, 30)))
def test_by_site_no_row_and_no_difference_to_the_sum_is_one_to_nine(sizes: dict[str, int]) -> None:
    subjects = [Cell(site, "ge", 3.0, ("adc",)) for site, n in sizes.items() for _ in range(n)]
    snapshot = take_snapshot("one", subjects, DAY)
    criteria = Criteria(collection="one")
    rows = [row.at_least for row in count_by_site(snapshot, criteria).values()]
    total = count(snapshot, criteria).at_least
    assert all(row == 0 or row >= FLOOR for row in rows)
    told = [n for n in sizes.values() if n >= FLOOR]
    assert sum(rows) <= total <= sum(told)


@pytest.mark.parametrize("few", range(10))
def test_none_and_nine_look_the_same(few: int) -> None:
    snapshot = take_snapshot("one", [Cell("a", "ge", 3.0, ("adc",))] * few, DAY)
    answer = count(snapshot, Criteria(collection="one"))
    assert answer == count(take_snapshot("one", [], DAY), Criteria(collection="one"))
    assert answer.sentence_en.startswith("fewer than 10 subjects")
    assert answer.sentence_fr.startswith("moins de 10 sujets")


@pytest.mark.parametrize(("there", "told"), [(10, 10), (14, 10), (15, 15), (104, 100)])
def test_more_are_rounded_down_by_fives(there: int, told: int) -> None:
    snapshot = take_snapshot("one", [Cell("a", "ge", 3.0, ("adc",))] * there, DAY)
    assert count(snapshot, Criteria(collection="one")).at_least == told


@pytest.mark.parametrize(("floor", "told"), [(1, 0), (0, 0), (9, 0), (20, 0), (10, 0)])
def test_the_floor_can_only_be_raised(floor: int, told: int) -> None:
    subjects = [Cell("a", "ge", 3.0, ("adc",))] * (9 if floor < 20 else 19)
    snapshot = take_snapshot("one", subjects, DAY, floor)
    assert count(snapshot, Criteria(collection="one")).at_least == told


def test_the_file_behind_it_holds_no_small_number_either(tmp_path: Path) -> None:
    rng = random.Random(1)
    subjects = population(rng)
    small = {c for c, n in Counter(subjects).items() if n < FLOOR}
    assert small
    snapshot = take_snapshot("one", subjects, DAY)
    save_snapshot(snapshot, tmp_path / "one.json")
    assert load_snapshot(tmp_path / "one.json") == snapshot
    assert not small & set(snapshot.cells)
    assert min(snapshot.cells.values()) >= FLOOR


def test_a_snapshot_of_last_month_still_answers() -> None:
    """Else the count of yesterday and that of today would tell of the one who came in between."""
    from pipelines.requests.cells import KEPT_FOR

    assert timedelta(days=28) <= KEPT_FOR
