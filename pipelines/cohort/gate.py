"""The release gate: a pure function of what was read, green or red with its reasons."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field

from config.project import Review
from pipelines.cohort.bounds import largest_share, pairs_to_read

__all__ = ["IDENTIFIABLE", "Gate", "GroupState", "PackState", "Vigilance", "judge_gate"]

IDENTIFIABLE = "identifiable"
"""The reason that is an incident: nothing of the project leaves until it is dealt with."""
STRUCTURE = frozenset({"anatomy-altered", "structure-added"})
"""Reasons that stop a group at once: one such pair is a fault of the method, not of a volume."""


@dataclass(frozen=True)
class PackState:
    """One sampled pair, its verdicts, one a reader, and the coded reasons of the rejects."""

    sha256: str
    stratum: str
    verdicts: Mapping[str, str]
    reasons: frozenset[str] = frozenset()
    disputed: bool = False
    """Whether readers disagree, or one saw something on one side alone, and nobody settled it."""
    settled: str | None = None
    """What a senior reader said of a dispute; it stands for all."""

    @property
    def bad(self) -> bool:
        """Whether the pair is rejected; one reader is enough, unless it was settled."""
        if self.settled is not None:
            return self.settled == "reject"
        return "reject" in self.verdicts.values()


@dataclass(frozen=True)
class GroupState:
    """A stratum, or strata pooled by a signed rule: what was read, and how bad it may still be.

    ``largest_share`` is the upper bound (95 %, one-sided) of the share of bad volumes in it.
    """

    group: str
    volumes: int
    sampled: int
    read: int
    rejected: int
    largest_share: float


@dataclass(frozen=True)
class Gate:
    """Whether a cohort may be released, and why not."""

    green: bool
    reasons: tuple[str, ...]
    read: int
    rejected: int
    sampled: int
    groups: tuple[GroupState, ...] = field(default=())

    @property
    def largest_share(self) -> float:
        """The bound of the worst group; 1 where nothing was read."""
        return max((one.largest_share for one in self.groups), default=1.0)

    def as_json(self) -> dict[str, object]:
        """Return the gate as plain values, kept with the release."""
        return {
            "green": self.green,
            "reasons": list(self.reasons),
            "read": self.read,
            "rejected": self.rejected,
            "sampled": self.sampled,
            "groups": [asdict(one) for one in self.groups],
        }


@dataclass(frozen=True)
class Vigilance:
    """How many of the spoilt pairs that were shown the readers noticed."""

    shown: int = 0
    noticed: int = 0

    @property
    def share(self) -> float:
        """The share that was noticed; 0 where none was shown."""
        return self.noticed / self.shown if self.shown else 0.0


def judge_gate(
    packs: Iterable[PackState],
    review: Review,
    sizes: Mapping[str, int] | None = None,
    vigilance: Vigilance = Vigilance(),
) -> Gate:
    """Judge a sample; fails closed.

    A pair counts as read when ``review.readers`` people have given a verdict; one reject rejects
    it, unless a senior reader settled it. Red when nothing was sampled; when a pair is unread, or
    disputed; when readers noticed too few of the spoilt pairs; when a patient may be recognised in
    any pair; when anatomy was changed in any pair of a group; or when a group's upper bound of bad
    volumes exceeds ``review.max_reject_rate``.

    Parameters
    ----------
    packs : iterable of PackState
    review : Review
    sizes : mapping, optional
        Deliverable volumes of each stratum. A stratum of which nothing was drawn counts.
    vigilance : Vigilance, optional
        What became of the spoilt pairs.
    """
    states = sorted(packs, key=lambda p: p.sha256)
    unread = [p for p in states if len(p.verdicts) < review.readers]
    rejected = [p for p in states if p.bad]
    groups = _groups(states, review, sizes or {})
    reasons = [] if states else ["GATE_NOTHING_SAMPLED"]
    if unread:
        reasons.append(f"GATE_UNREAD: {len(unread)} of {len(states)} pairs")
    disputed = sum(p.disputed for p in states)
    if disputed:
        reasons.append(f"GATE_DISPUTED: {disputed} of {len(states)} pairs")
    if review.least_vigilance and vigilance.share < review.least_vigilance:
        few = f"{vigilance.noticed} of {vigilance.shown} noticed"
        reasons.append(f"GATE_VIGILANCE: {few}, {review.least_vigilance:.0%} asked")
    recognised = sum(IDENTIFIABLE in p.reasons for p in rejected)
    if recognised:
        reasons.append(f"GATE_IDENTIFIABLE: {recognised} of {len(states)} pairs")
    changed = {review.group_of(p.stratum) for p in rejected if p.reasons & STRUCTURE}
    reasons += [f"GATE_STRUCTURE: {name}" for name in sorted(changed)]
    limit = review.max_reject_rate
    reasons += [said for one in groups if states and (said := _too_bad(one, limit))]
    return Gate(
        not reasons,
        tuple(reasons),
        len(states) - len(unread),
        len(rejected),
        len(states),
        groups,
    )


def _groups(
    states: Iterable[PackState], review: Review, sizes: Mapping[str, int]
) -> tuple[GroupState, ...]:
    sampled: dict[str, list[PackState]] = defaultdict(list)
    for state in states:
        sampled[state.stratum].append(state)
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for stratum in {*sizes, *sampled}:
        count = counts[review.group_of(stratum)]
        packs = sampled[stratum]
        bad = [p for p in packs if p.bad]
        done = [p for p in packs if len(p.verdicts) >= review.readers or p in bad]
        count[0] += max(sizes.get(stratum, 0), len(packs))
        count[1] += len(packs)
        count[2] += len(done)
        count[3] += len(bad)
    return tuple(
        GroupState(name, volumes, drawn, read, bad, largest_share(bad, read, volumes))
        for name, (volumes, drawn, read, bad) in sorted(counts.items())
    )


def _too_bad(group: GroupState, limit: float) -> str | None:
    """Return why a group would not be within the limit if all that is unread were accepted."""
    share = largest_share(group.rejected, group.sampled, group.volumes)
    if share <= limit:
        return None
    numbers = f"up to {share:.1%} of {group.volumes} may be bad, {limit:.1%} allowed"
    said = f"{group.group}: {group.rejected} of {group.sampled} drawn rejected, {numbers}"
    if group.rejected:
        return f"GATE_REJECTED: {said}"
    needed = pairs_to_read(group.volumes, limit) or group.volumes
    return f"GATE_TOO_FEW_DRAWN: {said}; draw {needed - group.sampled} more"
