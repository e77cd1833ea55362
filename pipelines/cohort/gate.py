"""The release gate: a pure function of what was read, green or red with its reasons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

__all__ = ["Gate", "PackState", "judge_gate"]


@dataclass(frozen=True)
class PackState:
    """One sampled pair and its verdicts, one a reader."""

    sha256: str
    stratum: str
    verdicts: Mapping[str, str]


@dataclass(frozen=True)
class Gate:
    """Whether a cohort may be released, and why not."""

    green: bool
    reasons: tuple[str, ...]
    read: int
    rejected: int
    sampled: int

    def as_json(self) -> dict[str, object]:
        """Return the gate as plain values, kept with the release."""
        return {
            "green": self.green,
            "reasons": list(self.reasons),
            "read": self.read,
            "rejected": self.rejected,
            "sampled": self.sampled,
        }


def judge_gate(packs: Iterable[PackState], readers: int, max_reject_rate: float) -> Gate:
    """Judge a sample; fails closed.

    A pair counts as read when ``readers`` people have given a verdict; one reject rejects it.
    Red when nothing was sampled, when a pair is unread, or when a stratum's share of rejected
    pairs exceeds ``max_reject_rate``.
    """
    states = sorted(packs, key=lambda p: p.sha256)
    unread = [p for p in states if len(p.verdicts) < readers]
    rejected = [p for p in states if "reject" in p.verdicts.values()]
    sizes = Counter(p.stratum for p in states)
    bad = Counter(p.stratum for p in rejected)
    reasons = [] if states else ["GATE_NOTHING_SAMPLED"]
    if unread:
        reasons.append(f"GATE_UNREAD: {len(unread)} of {len(states)} pairs")
    reasons += [
        f"GATE_REJECTED: {stratum}: {bad[stratum]} of {size}"
        for stratum, size in sorted(sizes.items())
        if bad[stratum] / size > max_reject_rate
    ]
    return Gate(not reasons, tuple(reasons), len(states) - len(unread), len(rejected), len(states))
