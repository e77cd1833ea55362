"""The header of a review pack: what a reader's page may know of a pair."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

__all__ = ["FORMAT", "RANKS", "SIDES", "PackHeader", "Side", "read_header"]

Side = Literal["before", "after"]

SIDES: tuple[Side, Side] = ("before", "after")

RANKS = (0.1, 0.5, 1.0, 5.0, 25.0, 50.0, 75.0, 95.0, 99.0, 99.5, 99.9)
"""Percentile ranks kept in the header, for windows that link sides of different units."""

FORMAT = 2
"""Version of the header; part of the digest."""


@dataclass(frozen=True)
class PackHeader:
    """What a reader's page may know of a pair: no subject, no site, no UID, no date.

    ``direction`` holds the LPS unit vectors of growing slice, row and column index, None for
    images without a position. ``percentiles`` follow `RANKS`. ``model`` is the hash of the cohort's
    fitted model, so that a new one makes other pairs of all volumes and every approval lapses.
    """

    format: int
    shape: tuple[int, int, int]
    spacing_mm: tuple[float | None, float | None, float | None]
    direction: tuple[tuple[float, float, float], ...] | None
    role: str
    recipe: str
    unit: dict[str, str]
    quantitative: dict[str, bool]
    percentiles: dict[str, tuple[float, ...]]
    model: str | None = None
    colours: bool = False
    """Whether a pixel has three samples, RGB of 8 bits; ``shape`` does not count them."""

    @property
    def stored_shape(self) -> tuple[int, ...]:
        """The shape of a side's array."""
        return (*self.shape, 3) if self.colours else self.shape

    def to_bytes(self) -> bytes:
        """Return the canonical JSON; of a grey pair it is that of before there were others."""
        facts = asdict(self)
        if not self.colours:
            del facts["colours"]
        text = json.dumps(facts, sort_keys=True, indent=1, allow_nan=False)
        return f"{text}\n".encode()


def read_header(path: Path) -> PackHeader:
    """Return the header of a pack; raises what reading and a file without its keys raise."""
    raw = json.loads(path.read_text(encoding="utf-8"))
    direction = raw["direction"]
    return PackHeader(
        format=raw["format"],
        shape=tuple(raw["shape"]),
        spacing_mm=tuple(raw["spacing_mm"]),
        direction=tuple(tuple(v) for v in direction) if direction else None,
        role=raw["role"],
        recipe=raw["recipe"],
        unit=raw["unit"],
        quantitative=raw["quantitative"],
        percentiles={side: tuple(raw["percentiles"][side]) for side in SIDES},
        model=raw["model"],
        colours=raw.get("colours", False),
    )
