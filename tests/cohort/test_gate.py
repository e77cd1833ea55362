from __future__ import annotations

from typing import Any

import pytest

from config.project import Review
from pipelines.cohort.gate import PackState, Vigilance, judge_gate

ACCEPT, REJECT = {"r1": "accept"}, {"r1": "reject"}
POOL = {
    "name": "both",
    "strata": "*",
    "reason": "one scanner, two rooms",
    "signed_by": "officer-1",
    "signed_on": "2026-01-01",
}


def states(*verdicts: dict[str, str], stratum: str = "a / t2w_ax") -> list[PackState]:
    """Pairs of one stratum."""
    return [PackState(f"{i:064x}", stratum, v) for i, v in enumerate(verdicts)]


def review(**facts: Any) -> Review:
    return Review.model_validate(facts)


@pytest.mark.parametrize(
    ("verdicts", "readers", "rate", "codes"),
    [
        ([], 1, 0.05, ["GATE_NOTHING_SAMPLED"]),
        ([ACCEPT], 1, 0.05, []),
        ([{}], 1, 0.05, ["GATE_UNREAD"]),
        ([REJECT], 1, 0.05, ["GATE_REJECTED"]),
        ([ACCEPT, {}], 1, 0.05, ["GATE_UNREAD"]),
        ([{}, REJECT], 1, 0.05, ["GATE_UNREAD", "GATE_REJECTED"]),
        ([ACCEPT], 2, 0.05, ["GATE_UNREAD"]),
        ([{"r1": "accept", "r2": "accept"}], 2, 0.05, []),
        ([{"r1": "accept", "r2": "reject"}], 2, 0.05, ["GATE_REJECTED"]),
        ([REJECT, ACCEPT, ACCEPT, ACCEPT], 1, 0.25, []),
        ([REJECT, ACCEPT, ACCEPT, ACCEPT], 1, 0.24, ["GATE_REJECTED"]),
    ],
)
def test_truth_table(
    verdicts: list[dict[str, str]], readers: int, rate: float, codes: list[str]
) -> None:
    gate = judge_gate(states(*verdicts), review(readers=readers, max_reject_rate=rate))
    assert [reason.split(":")[0] for reason in gate.reasons] == codes
    assert gate.green is (not codes)
    assert gate.sampled == len(verdicts)


@pytest.mark.parametrize(
    ("read", "size", "green"),
    [(16, 20, True), (15, 20, False), (25, 40, True), (24, 40, False), (59, 10**6, True),
     (58, 10**6, False)],
)  # fmt: skip
def test_without_a_reject_so_many_must_be_read_for_five_in_a_hundred(
    read: int, size: int, green: bool
) -> None:
    gate = judge_gate(states(*[ACCEPT] * read), review(), {"a / t2w_ax": size})
    assert gate.green is green
    if not green:
        assert gate.reasons[0].startswith("GATE_TOO_FEW_DRAWN: a / t2w_ax: 0 of ")
        assert gate.reasons[0].endswith("draw 1 more")


@pytest.mark.parametrize(("read", "green"), [(93, True), (92, False)])
def test_one_reject_asks_for_more(read: int, green: bool) -> None:
    pairs = states(REJECT, *[ACCEPT] * (read - 1))
    assert judge_gate(pairs, review(), {"a / t2w_ax": 10**6}).green is green


def test_the_bound_is_told_and_not_the_share_seen() -> None:
    """12 of a very large group read and accepted: 1 - 0.05 ** (1 / 12) = 22.1 % may be bad."""
    gate = judge_gate(states(*[ACCEPT] * 12), review(), {"a / t2w_ax": 10**6})
    assert gate.largest_share == pytest.approx(0.2209, abs=1e-4)
    assert "up to 22.1% of 1000000 may be bad, 5.0% allowed" in gate.reasons[0]


def test_one_bad_stratum_is_not_hidden_by_many_good_ones() -> None:
    bad = [PackState("f" * 64, "b / t2w_ax", REJECT)]
    gate = judge_gate([*states(*[ACCEPT] * 40), *bad], review())
    assert [r.split(":")[0] for r in gate.reasons] == ["GATE_REJECTED"]
    assert gate.reasons[0].startswith("GATE_REJECTED: b / t2w_ax: 1 of 1 drawn rejected")
    assert (gate.read, gate.rejected) == (41, 1)


def test_a_stratum_of_which_nothing_was_drawn_keeps_the_gate_red() -> None:
    gate = judge_gate(states(ACCEPT), review(), {"a / t2w_ax": 1, "new scanner": 4})
    assert [r.split(":")[:2] for r in gate.reasons] == [["GATE_TOO_FEW_DRAWN", " new scanner"]]


def test_small_strata_are_judged_together_only_by_a_signed_rule() -> None:
    sizes = {"a / t2w_ax": 10, "b / t2w_ax": 10}
    half = [*states(*[ACCEPT] * 8), *(PackState(f"{i:064x}", "b / t2w_ax", ACCEPT)
            for i in range(100, 108))]  # fmt: skip
    alone, pooled = (judge_gate(half, review(pools=pools), sizes) for pools in ([], [POOL]))
    assert [r.split(":")[0] for r in alone.reasons] == ["GATE_TOO_FEW_DRAWN"] * 2
    assert pooled.green
    assert [(g.group, g.volumes, g.read) for g in pooled.groups] == [("both", 20, 16)]


@pytest.mark.parametrize("missing", ["reason", "signed_by", "signed_on"])
def test_an_unsigned_rule_is_none(missing: str) -> None:
    with pytest.raises(ValueError, match=missing):
        review(pools=[{k: v for k, v in POOL.items() if k != missing}])


def test_a_patient_recognised_in_one_pair_blocks_everything() -> None:
    seen = PackState("f" * 64, "b / adc", REJECT, frozenset({"identifiable"}))
    seen_by_one_of_many = [*states(*[ACCEPT] * 200), seen]
    gate = judge_gate(seen_by_one_of_many, review(pools=[POOL]))
    assert gate.reasons == ("GATE_IDENTIFIABLE: 1 of 201 pairs",)


@pytest.mark.parametrize("reason", ["anatomy-altered", "structure-added"])
def test_changed_anatomy_in_one_pair_stops_its_group_whatever_the_limit(reason: str) -> None:
    seen = PackState("f" * 64, "a / t2w_ax", REJECT, frozenset({reason}))
    gate = judge_gate([*states(*[ACCEPT] * 200), seen], review(max_reject_rate=0.99))
    assert gate.reasons == ("GATE_STRUCTURE: a / t2w_ax",)


def test_the_order_of_the_pairs_does_not_matter() -> None:
    packs = [*states(ACCEPT, {}, REJECT), *states(REJECT, stratum="z / adc")]
    assert judge_gate(packs, review()) == judge_gate(reversed(packs), review())


@pytest.mark.parametrize(
    ("disputed", "settled", "codes"),
    [
        (True, None, ["GATE_DISPUTED", "GATE_REJECTED"]),
        (False, "accept", []),
        (False, "reject", ["GATE_REJECTED"]),
    ],
)
def test_a_dispute_keeps_the_gate_red_until_it_is_settled_and_then_that_word_counts(
    disputed: bool, settled: str | None, codes: list[str]
) -> None:
    both = {"r1": "accept", "r2": "reject"}
    pack = PackState("0" * 64, "a / t2w_ax", both, frozenset(), disputed, settled)
    gate = judge_gate([pack], review(readers=2))
    assert [reason.split(":")[0] for reason in gate.reasons] == codes


@pytest.mark.parametrize(
    ("floor", "shown", "noticed", "green"),
    [(0.0, 0, 0, True), (0.8, 0, 0, False), (0.8, 5, 4, True), (0.8, 5, 3, False)],
)
def test_readers_who_missed_too_many_spoilt_pairs_keep_the_gate_red(
    floor: float, shown: int, noticed: int, green: bool
) -> None:
    asked = review(least_vigilance=floor)
    gate = judge_gate(states(ACCEPT), asked, vigilance=Vigilance(shown, noticed))
    assert gate.green is green
    assert [r.split(":")[0] for r in gate.reasons] == ([] if green else ["GATE_VIGILANCE"])
