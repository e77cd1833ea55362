"""Safe private elements (PS3.15 E.3.10, CID 7050 113111): which to keep, by creator."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from deid.tables import read_csv
from deid.values import text_of

__all__ = ["SafePrivate", "block_of", "creators_of", "safe_private"]

Disposition = Literal["keep", "uid", "date", "empty", "dummy"]


@dataclass(frozen=True)
class SafePrivate:
    """One private element that may stay: its VR by the vendor and what is done with its value."""

    vr: str
    disposition: Disposition


@cache
def _table() -> dict[tuple[int, str, int], SafePrivate]:
    found: dict[tuple[int, str, int], SafePrivate] = {}
    for row in read_csv("safe_private_elements.csv"):
        what = row["disposition"]
        disposition: Disposition = (
            "keep" if what == "keep" else "uid" if what.endswith("uid") else "date"
        )
        key = (
            int(row["group"], 16),
            row["private_creator"],
            int(row["element_offset"].removeprefix("xx"), 16),
        )
        found.setdefault(key, SafePrivate(row["vr"], disposition))
    return found


@cache
def _assumed() -> dict[tuple[int, int], str]:
    """Return the creators that some archives lose, by the block they are always found in."""
    rows = read_csv("assumed_creators.csv")
    return {(int(r["group"], 16), int(r["block"], 16)): r["private_creator"] for r in rows}


def safe_private(group: int, creator: str, offset: int) -> SafePrivate | None:
    """Return the row of a private element, None when it is not known to be safe."""
    return _table().get((group, creator, offset))


def creators_of(ds: Dataset) -> dict[tuple[int, int], str]:
    """Return the private creators of a dataset by (group, block) (PS3.5 7.8.1)."""
    named = {
        (tag.group, tag.element): text_of(ds.get_item(tag), ())
        for tag in ds.keys()  # noqa: SIM118, a Dataset iterates over elements
        if tag.is_private_creator
    }
    present = {block_of(tag) for tag in ds.keys() if tag.is_private}  # noqa: SIM118
    assumed = {block: name for block, name in _assumed().items() if block in present}
    return assumed | named


def block_of(tag: BaseTag) -> tuple[int, int]:
    """Return (group, block) of a private data element."""
    return tag.group, tag.element >> 8
