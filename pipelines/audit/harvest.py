"""What the originals say of their people: needles for the search, and dates to compare with."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path

from pydicom.datadict import tag_for_keyword

from pipelines.audit.needles import Kind, Needle, needles_for
from pipelines.audit.part10 import Part10
from pipelines.audit.text import decode
from pipelines.audit.walker import BrokenDataSet, Leaf, walk

__all__ = ["Originals", "bulk_digest", "harvest", "leaves"]

_PATIENT_ID = "<(0010,0020)>"
_VERSIONS = frozenset({0x00080106, 0x00080107, 0x0040DB06, 0x0040DB07})
"""Publication dates of context groups and templates (PS3.3 8.6): they date no one's study."""
_CLASS_UIDS = frozenset({0x00080016, 0x00081150, 0x00020002, 0x00020010, 0x0008010C, 0x0008010D})
_SHORTEST_BULK = 128
"""Bytes from which pixels or waveforms tell one original from another."""


@dataclass
class Originals:
    """The population of a source: needles, and what links a released file to its original."""

    needles: set[Needle] = field(default_factory=set)
    patients: dict[str, int] = field(default_factory=dict)
    dates: dict[int, set[str]] = field(default_factory=dict)
    by_bulk: dict[str, tuple[int, dict[str, str]]] = field(default_factory=dict)
    unreadable: int = 0

    @property
    def only(self) -> int | None:
        """The one patient there is, or None."""
        return 0 if len(self.patients) == 1 else None


def harvest(files_: Iterable[tuple[Path, Part10]]) -> Originals:
    """Return what the originals say; an original that breaks off gives what it held till there."""
    found = Originals()
    seen: dict[str, int] = {}
    for _, part in files_:
        _harvest_one(part, found, seen)
    for digest, count in seen.items():
        if count > 1:  # blank pixels say nothing of whose they are
            found.by_bulk.pop(digest, None)
    return found


def leaves(part: Part10) -> tuple[list[Leaf], int | None]:
    """Return the leaves of a data set, and the offset where it breaks off, if it does."""
    got: list[Leaf] = []
    end = len(part.body)
    try:
        for leaf in walk(
            part.body, part.start, end, implicit=part.implicit, big_endian=part.big_endian
        ):
            got.append(leaf)  # noqa: PERF402 - a break keeps what came before it
    except BrokenDataSet as error:
        return got, error.offset
    return got, None


def bulk_digest(part: Part10, found: Iterable[Leaf]) -> str | None:
    """Return the digest of the bulk of an object: pixels, waveforms, coordinates."""
    digest, size = hashlib.sha256(), 0
    for leaf in found:
        if leaf.tag in {0x7FE00010, 0x7FE00008, 0x7FE00009, 0x54001010} or leaf.fragment:
            digest.update(part.body[leaf.start : leaf.end].rstrip(b"\0"))
            size += leaf.end - leaf.start
    return digest.hexdigest() if size >= _SHORTEST_BULK else None


def _harvest_one(part: Part10, found: Originals, seen: dict[str, int]) -> None:
    got, broken = leaves(part)
    found.unreadable += broken is not None
    own = next((leaf for leaf in got if leaf.path == _PATIENT_ID), None)
    patient_id = _text(part, own) if own else ""
    owner = found.patients.setdefault(patient_id, len(found.patients))
    dates = found.dates.setdefault(owner, set())
    by_path: dict[str, str] = {}
    for leaf in got:
        for kind, value, unless in _values(part, leaf):
            found.needles.update(needles_for(kind, value, owner, unless))
            if kind == "date":
                dates.add(value)
                by_path[leaf.path] = value
    bulk = bulk_digest(part, got)
    if bulk:
        seen[bulk] = seen.get(bulk, 0) + 1
        found.by_bulk[bulk] = (owner, by_path)


def _values(part: Part10, leaf: Leaf) -> Iterator[tuple[Kind, str, str]]:
    """Yield (kind, value, codes under which it may stay) of one original element."""
    if leaf.end - leaf.start > 4096 or leaf.tag in _VERSIONS:
        return
    kind, unless = _table().get(leaf.tag, ("", ""))
    if leaf.vr == "PN":
        kind = "name"
    elif leaf.vr in {"DA", "DT"} and not kind:
        kind, unless = "date", "113106"
    elif leaf.vr == "UI" and leaf.tag not in _CLASS_UIDS:
        kind, unless = "UID", "113110"
    if not kind:
        return
    for value in _text(part, leaf).split("\\"):
        text = value.strip(" \0")
        if kind in {"date", "birth date"}:
            text = text.replace(".", "")[:8] if len(text) == 10 else text[:8]
        if text:
            yield kind, text, unless  # type: ignore[misc]


def _text(part: Part10, leaf: Leaf) -> str:
    return decode(part.body[leaf.start : leaf.end], leaf.charset).strip(" \0")


@cache
def _table() -> dict[int, tuple[str, str]]:
    text = (files(__package__) / "data" / "harvest.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return {
        int(tag): (row["kind"], row["unless"])
        for row in rows
        if (tag := tag_for_keyword(row["keyword"])) is not None
    }
