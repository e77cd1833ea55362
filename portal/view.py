"""A view of a pair: plane, frame and window, always within what the pack has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from pipelines.cohort.frames import PLANES, Plane, frame_count, frame_size_mm
from pipelines.cohort.packs import PackHeader

__all__ = ["WINDOWS", "PlaneView", "View", "planes_of", "view_of"]

WINDOWS: dict[str, tuple[float, float]] = {
    "wide": (0.1, 99.9),
    "standard": (0.5, 99.5),
    "narrow": (5.0, 99.0),
    "dark": (0.5, 75.0),
    "bright": (50.0, 99.9),
}
"""Windows a reader may choose: percentile ranks of black and white, linked over both panes."""


@dataclass(frozen=True)
class PlaneView:
    """One plane a pack can be seen in: its frames and their size in millimetres."""

    name: Plane
    count: int
    height_mm: float
    width_mm: float


@dataclass(frozen=True)
class View:
    """What a page shows; ``index`` counts from 0."""

    plane: PlaneView
    index: int
    window: str


def planes_of(header: PackHeader) -> list[PlaneView]:
    """Return the planes worth showing: a single image has one."""
    shown: list[Plane] = list(PLANES) if header.shape[0] > 1 else ["slice"]
    return [PlaneView(p, frame_count(header, p), *frame_size_mm(header, p)) for p in shown]


def view_of(
    header: PackHeader,
    plane: str = "slice",
    slice_number: int | None = None,
    window: str = "standard",
) -> View:
    """Return what was asked for, brought into the pack's bounds; the middle by default.

    ``slice_number`` counts from 1, as people do.
    """
    shown = {p.name: p for p in planes_of(header)}
    chosen = shown.get(cast("Plane", plane)) or shown["slice"]
    number = chosen.count // 2 + 1 if slice_number is None else slice_number
    index = min(max(number, 1), chosen.count) - 1
    return View(chosen, index, window if window in WINDOWS else "standard")
