"""Who trains, validates and tests: by person, never by image, the same in every version.

A subject's place is the hash of their pseudonym and the project's salt, so a new version moves
nobody. Dates are shifted for each subject, so a split by time would be a split by chance; there is
none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from config.project import Split

__all__ = ["PARTS", "assign", "write_split"]

PARTS = ("train", "validation", "test")

_SCALE = 1 << 64


def assign(sites: Mapping[str, frozenset[str]], split: Split, salt: str) -> dict[str, str]:
    """Return the part of each subject.

    Parameters
    ----------
    sites : mapping
        Subject -> sites at which they were seen.
    split : Split
    salt : str
        The project's name: two projects over the same people are split apart.

    Notes
    -----
    With ``test_sites`` whoever was seen at one of them is tested on, and nobody else; the others
    are shared between training and validation in their proportion.
    """
    return {subject: _part(subject, seen, split, salt) for subject, seen in sorted(sites.items())}


def write_split(assigned: Mapping[str, str], path: Path) -> None:
    """Write the split, one row a subject."""
    rows = [{"subject": subject, "split": part} for subject, part in assigned.items()]
    schema = pa.schema([("subject", pa.string()), ("split", pa.string())])
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)


def _part(subject: str, seen: frozenset[str], split: Split, salt: str) -> str:
    if split.test_sites and seen & set(split.test_sites):
        return "test"
    test = 0.0 if split.test_sites else split.test
    shares = (split.train, split.validation, test)
    digest = hashlib.sha256(f"split:{salt}:{subject}".encode()).digest()
    place = int.from_bytes(digest[:8], "big") / _SCALE * sum(shares)
    for part, share in zip(PARTS, shares, strict=True):
        if place < share:
            return part
        place -= share
    return "train"
