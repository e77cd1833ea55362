"""Files of one study that claim to be the same object."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from config.files import sha256_file
from pipelines.prepare.peek import Peek

__all__ = ["contested"]


def contested(peeks: Iterable[Peek]) -> frozenset[str]:
    """Return the numbers of files that contradict another of the same SOP Instance UID.

    Files that agree to the last byte are one object, twice: they contradict nothing.
    """
    by_uid: dict[str, list[Peek]] = {}
    for peek in peeks:
        if peek.sop_uid and peek.code is None:
            by_uid.setdefault(peek.sop_uid, []).append(peek)
    groups = (group for group in by_uid.values() if len(group) > 1)
    differing = (
        group for group in groups if len({sha256_file(Path(peek.path)) for peek in group}) > 1
    )
    return frozenset(peek.number for group in differing for peek in group)
