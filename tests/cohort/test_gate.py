from __future__ import annotations

import pytest

from pipelines.cohort.gate import PackState, judge_gate

ACCEPT, REJECT = {"r1": "accept"}, {"r1": "reject"}


def states(*verdicts: dict[str, str], stratum: str = "a / t2w_ax") -> list[PackState]:
    return [PackState(f"{i:064x}", stratum, v) for i, v in enumerate(verdicts)]


@pytest.mark.parametrize(
    ("verdicts", "readers", "rate", "green", "codes"),
    [
        ([], 1, 0.05, False, ["GATE_NOTHING_SAMPLED"]),
        ([ACCEPT], 1, 0.05, True, []),
        ([{}], 1, 0.05, False, ["GATE_UNREAD"]),
        ([REJECT], 1, 0.05, False, ["GATE_REJECTED"]),
        ([ACCEPT, {}], 1, 0.05, False, ["GATE_UNREAD"]),
        ([{}, REJECT], 1, 0.05, False, ["GATE_UNREAD", "GATE_REJECTED"]),
        ([ACCEPT], 2, 0.05, False, ["GATE_UNREAD"]),
        ([{"r1": "accept", "r2": "accept"}], 2, 0.05, True, []),
        ([{"r1": "accept", "r2": "reject"}], 2, 0.05, False, ["GATE_REJECTED"]),
        ([REJECT, ACCEPT, ACCEPT, ACCEPT], 1, 0.25, True, []),
        ([REJECT, ACCEPT, ACCEPT, ACCEPT], 1, 0.24, False, ["GATE_REJECTED"]),
    ],
)
def test_truth_table(
    verdicts: list[dict[str, str]], readers: int, rate: float, green: bool, codes: list[str]
) -> None:
    gate = judge_gate(states(*verdicts), readers, rate)
    assert gate.green is green
    assert [reason.split(":")[0] for reason in gate.reasons] == codes
    assert gate.sampled == len(verdicts)


def test_one_bad_stratum_is_not_hidden_by_many_good_ones() -> None:
    good = states(*[ACCEPT] * 40)
    bad = [PackState("f" * 64, "b / t2w_ax", REJECT)]
    gate = judge_gate([*good, *bad], 1, 0.05)
    assert gate.reasons == ("GATE_REJECTED: b / t2w_ax: 1 of 1",)
    assert (gate.read, gate.rejected) == (41, 1)


def test_the_order_of_the_pairs_does_not_matter() -> None:
    packs = [*states(ACCEPT, {}, REJECT), *states(REJECT, stratum="z / adc")]
    assert judge_gate(packs, 1, 0.05) == judge_gate(reversed(packs), 1, 0.05)
