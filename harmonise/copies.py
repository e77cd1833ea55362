"""Objects of a series that came twice, or damaged."""

from __future__ import annotations

from harmonise.vendor.headers import dataset_digest
from harmonise.vendor.instance import Instance

__all__ = ["Mismatch", "damage", "without_copies"]

Mismatch = tuple[str, str]
"""A code and its detail: why a series cannot be trusted."""


def without_copies(
    instances: list[Instance],
) -> tuple[list[Instance], tuple[str, ...], Mismatch | None]:
    """Drop objects that came twice; the same SOPInstanceUID with other bytes is a conflict."""
    kept: dict[str, Instance] = {}
    flags: tuple[str, ...] = ()
    for instance in instances:
        first = kept.setdefault(instance.sop_uid, instance)
        if first is instance:
            continue
        if dataset_digest(first.path) != dataset_digest(instance.path):
            detail = "(0008,0018) one UID, two different objects"
            return list(kept.values()), (), ("INSTANCE_CONFLICT", detail)
        flags = ("DUPLICATE_INSTANCE",)
    return list(kept.values()), flags, None


def damage(instances: list[Instance]) -> Mismatch | None:
    """Return the fault of a series of which a file is damaged: the rest may look whole."""
    damaged = sorted({i.damaged for i in instances if i.damaged})
    if not damaged:
        return None
    count = sum(1 for i in instances if i.damaged)
    return "FILE_UNREADABLE", f"{count} of {len(instances)} files: {', '.join(damaged)}"
