"""The draw: which volumes are read, the same on every run, and nobody's choice."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping

from config.project import Review
from pipelines.cohort.bounds import pairs_to_read

__all__ = ["draw"]


def draw(strata: Mapping[str, str], review: Review) -> list[str]:
    """Return the volumes to read, of a mapping from volume to stratum.

    Volumes are ordered by the hash of their identifier. Of each stratum the first ``sample`` are
    taken, then more of each group until it can be shown, if no pair is rejected, to be within the
    project's limit.
    """
    by_group: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for volume_id in sorted(strata, key=_order):
        stratum = strata[volume_id]
        by_group[review.group_of(stratum)][stratum].append(volume_id)
    drawn: list[str] = []
    for group in sorted(by_group):
        members = by_group[group]
        taken = [v for name in sorted(members) for v in members[name][: review.sample]]
        waiting = sorted({v for m in members.values() for v in m} - set(taken), key=_order)
        needed = pairs_to_read(len(taken) + len(waiting), review.max_reject_rate) or 0
        drawn += taken + waiting[: max(0, needed - len(taken))]
    return drawn


def _order(volume_id: str) -> str:
    return hashlib.sha256(f"sample:{volume_id}".encode()).hexdigest()
