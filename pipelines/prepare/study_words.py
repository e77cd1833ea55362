"""The unknown words of a study's descriptions, read from one object of each series."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from config.policy import Policy
from deid.hunt import hunter_for
from deid.identity import Identity
from deid.rules import resolve_policy
from deid.unknown import unknown_in
from pipelines.prepare.part10 import read_part10
from pipelines.prepare.peek import Peek
from pipelines.prepare.read import read_header

__all__ = ["words_of"]


def words_of(peeks: Sequence[Peek], policy: Policy, identity: Identity) -> tuple[str, ...]:
    """Return the unknown words, sorted; the object of a series is that of the lowest UID."""
    first: dict[str, Peek] = {}
    for peek in sorted(peeks, key=lambda p: (p.sop_uid, p.number), reverse=True):
        first[peek.names.series_uid] = peek
    rules = resolve_policy(policy)
    hunter = hunter_for(identity, institutions=rules.hunts_institutions)
    headers = []
    for peek in first.values():
        header = read_part10(Path(peek.path))
        headers.append(header.dataset() if header is not None else read_header(Path(peek.path)))
    return tuple(sorted(unknown_in(headers, rules, hunter, policy.accepted_words)))
