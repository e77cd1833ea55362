"""What the viewer must know of a pair: planes, sizes, scales; nothing that tells the sides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipelines.cohort.frames import (
    PLANES,
    Plane,
    frame_count,
    frame_shape,
    frame_size_mm,
    is_comparable,
    rank_codes,
    scale_of,
)
from pipelines.cohort.packs import RANKS, PackHeader, Side

__all__ = ["PlaneView", "fixed_window", "planes_of", "viewer_data"]

FIXED = {"[hnsf'U]": (-160.0, 240.0), "g/ml{SUVbw}": (0.0, 7.0)}
"""Unit (UCUM) -> the window through which every site's images are compared."""

FIXED_RANKS = (1.0, 99.0)
"""The same for numbers that mean something else at each site: percentile ranks."""


@dataclass(frozen=True)
class PlaneView:
    """One plane a pack can be seen in: its frames, their matrix and their size in millimetres."""

    name: Plane
    count: int
    rows: int
    columns: int
    height_mm: float
    width_mm: float


def planes_of(header: PackHeader) -> list[PlaneView]:
    """Return the planes worth showing: a single image has one."""
    shown = [plane for plane in PLANES if frame_count(header, plane)]
    if header.shape[0] == 1:
        shown = ["slice"]
    return [
        PlaneView(p, frame_count(header, p), *frame_shape(header, p), *frame_size_mm(header, p))
        for p in shown
    ]


def fixed_window(header: PackHeader) -> tuple[float, float]:
    """Return the window of a comparison between sites: the same for all, and nobody's to change."""
    if not is_comparable(header):
        return FIXED_RANKS
    shared = scale_of(header, "before")
    return FIXED.get(header.unit["before"], (shared.low, shared.high))


def viewer_data(header: PackHeader, sides: tuple[Side, Side]) -> dict[str, Any]:
    """Return the viewer's data as plain values.

    ``low`` and ``high`` are what the codes 1 and 65,535 mean where both sides share a unit; else
    windows are ranks, and ``codes`` says for each pane at which code a rank of ``RANKS`` lies.
    Pictures in colours have no window.
    """
    comparable = is_comparable(header)
    scale = scale_of(header, "before")
    return {
        "mode": "colour" if header.colours else "absolute" if comparable else "percentile",
        "unit": header.unit["before"] if comparable else "%",
        "low": scale.low if comparable else RANKS[0],
        "high": scale.high if comparable else RANKS[-1],
        "ranks": list(RANKS),
        "codes": [rank_codes(header, side) for side in sides],
        "planes": [
            {
                "name": plane.name,
                "count": plane.count,
                "rows": plane.rows,
                "columns": plane.columns,
                "aspect": plane.height_mm / plane.width_mm,
            }
            for plane in planes_of(header)
        ],
    }
