"""What one release works with and what it did: the frozen context and the running account."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from deid.declared import Declared
from deid.hunt import Hunter
from deid.keys import Keys, new_uid
from deid.rules import Rules

__all__ = ["Context", "Tally", "map_uids"]


@dataclass(frozen=True)
class Context:
    """Everything the actions of one release depend on; ``shift_days`` is days back."""

    rules: Rules
    keys: Keys
    subject: str
    shift_days: int
    hunter: Hunter
    sop_class: str
    implicit_vr: bool
    little_endian: bool
    declared: Declared = field(default_factory=Declared)
    """What the object's own creators say of their private elements."""


@dataclass
class Tally:
    """The account of one release, from which codes and counts are written."""

    actions: Counter[str] = field(default_factory=Counter)
    ran: set[str] = field(default_factory=set)
    original_uids: set[str] = field(default_factory=set)
    written_dates: set[str] = field(default_factory=set)

    def count(self, action: str, option: str = "") -> None:
        """Add one action, and the option that brought it about."""
        self.actions[action] += 1
        if option:
            self.ran.add(option)


def map_uids(text: str, keyword: str, context: Context, tally: Tally) -> str:
    """Return ``text`` with every UID replaced, those of the standard left (PS3.5 B, PS3.6 A)."""
    is_frame = "FrameOfReferenceUID" in keyword
    key = context.keys.frame_of_reference if is_frame else context.keys.uid
    return "\\".join(_map_uid(part.strip(" \0"), key, tally) for part in text.split("\\"))


def _map_uid(uid: str, key: bytes, tally: Tally) -> str:
    if not uid or uid.startswith("1.2.840.10008."):
        return uid
    tally.original_uids.add(uid)
    return new_uid(key, uid)
