"""Entries that hold the SHA-256 of the one before, so that a change to a former one shows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

from config.errors import RejectedError

__all__ = ["START", "digest_of_facts", "links"]

START = "0" * 64
"""What the first entry holds in place of a digest."""


class _Entry(Protocol):
    number: int
    former: str
    digest: str


Entry = TypeVar("Entry", bound=_Entry)


def digest_of_facts(*facts: object) -> str:
    """Return the digest of an entry's facts, its number and the digest before it among them."""
    return hashlib.sha256(json.dumps(facts, separators=(",", ":")).encode()).hexdigest()


def links(
    entries: Iterable[Entry], digest_of: Callable[[Entry], str], code: str
) -> Iterator[tuple[int, str]]:
    """Yield number and digest of each entry, as long as it fits the one before.

    Raises
    ------
    RejectedError
        ``code`` with the number of the first entry that does not fit.
    """
    former = START
    for count, entry in enumerate(entries, 1):
        fits = (entry.number, entry.former) == (count, former)
        if not fits or entry.digest != digest_of(entry):
            raise RejectedError(code, f"entry {count}")
        former = entry.digest
        yield count, former
