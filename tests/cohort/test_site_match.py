"""What is compared with the reference site."""

from __future__ import annotations

from pipelines.cohort.site_match import MATCHES_EACH, matches


def pairs(site: str, role: str, count: int) -> list[tuple[str, str]]:
    return [(f"{site}-{role}-{n}", f"{site} / {role} / scanner / v1") for n in range(count)]


EVERY = [
    *pairs("lyon", "t2w_ax", 4), *pairs("nice", "t2w_ax", 9), *pairs("brest", "t2w_ax", 2),
    *pairs("nice", "adc", 2), *pairs("lyon", "adc", 1), *pairs("nice", "dce", 5),
]  # fmt: skip


def test_each_site_and_role_is_compared_with_the_same_role_of_the_reference_site() -> None:
    made = matches(EVERY, "lyon", "a")
    by_group: dict[str, int] = {}
    for one in made:
        site, role, _ = one.sha256.split("-")
        assert one.reference.startswith(f"lyon-{role}-")
        by_group[f"{site} {role}"] = by_group.get(f"{site} {role}", 0) + 1
    # Nothing of the reference site itself, and nothing of a role it does not have (dce).
    assert by_group == {"nice t2w_ax": MATCHES_EACH, "brest t2w_ax": 2, "nice adc": 2}


def test_it_is_the_same_on_every_call_in_any_order_and_readers_share_the_pairs() -> None:
    assert matches(EVERY, "lyon", "a") == matches(EVERY[::-1], "lyon", "a")
    mine, others = matches(EVERY, "lyon", "a"), matches(EVERY, "lyon", "b")
    assert [one.sha256 for one in mine] == [one.sha256 for one in others]
    assert [one.reference for one in mine] != [one.reference for one in others]


def test_without_a_pair_of_the_reference_site_nothing_is_compared() -> None:
    assert matches(EVERY, "paris", "a") == []
