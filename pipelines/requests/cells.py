"""Cells: the finest groups by which subjects are counted, and the only ones that are kept.

A subject is in one cell. A cell of fewer than ten subjects is not kept, so it adds nothing to any
count, whoever asks, how often, and whatever was asked before. Two queries of which one contains
the other, and whose true counts differ by one to nine, differ by such cells alone: their answers
are equal. No ledger of former queries is needed for that, and no collusion undoes it. What it
costs is precision: a count is a lower bound.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path

from config.files import write_whole

__all__ = [
    "FLOOR",
    "KEPT_FOR",
    "Cell",
    "Snapshot",
    "load_snapshot",
    "save_snapshot",
    "take_snapshot",
]

FLOOR = 10
"""Fewer subjects are never told; a setting may raise it, and nothing lowers it."""

KEPT_FOR = timedelta(days=28)
"""A snapshot answers for so long: two counts in one month differ by their question only."""


@dataclass(frozen=True, order=True)
class Cell:
    """What the subjects of a cell have in common."""

    site: str
    vendor: str
    field_strength_t: float
    """0 where it means nothing or is not known."""
    roles: tuple[str, ...]


@dataclass(frozen=True)
class Snapshot:
    """The large cells of a collection on one day."""

    collection: str
    day: date
    cells: dict[Cell, int]


def take_snapshot(
    collection: str, subjects: Iterable[Cell], day: date, floor: int = FLOOR
) -> Snapshot:
    """Count subjects, one cell each, and keep the cells that are large enough."""
    least = max(FLOOR, floor)
    counted = Counter(subjects)
    return Snapshot(collection, day, {c: n for c, n in sorted(counted.items()) if n >= least})


def save_snapshot(snapshot: Snapshot, path: Path) -> None:
    """Write a snapshot; no small number is in the file."""
    cells = [{**asdict(cell), "subjects": n} for cell, n in snapshot.cells.items()]
    text = {"collection": snapshot.collection, "day": snapshot.day.isoformat(), "cells": cells}
    write_whole(path, json.dumps(text, indent=1).encode())


def load_snapshot(path: Path) -> Snapshot | None:
    """Return a snapshot that was saved, or None."""
    if not path.is_file():
        return None
    text = json.loads(path.read_bytes())
    cells = {
        Cell(c["site"], c["vendor"], c["field_strength_t"], tuple(c["roles"])): c["subjects"]
        for c in text["cells"]
    }
    return Snapshot(text["collection"], date.fromisoformat(text["day"]), cells)
