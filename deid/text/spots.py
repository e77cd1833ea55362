"""Places that look like a line of text, from the detector's heat."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from deid.blank.region import Rectangle
from deid.text.line import Heat

__all__ = ["Spot", "Spotting", "spots_of"]


_HOTTER, _HOTTEST = 0.25, 0.7


@dataclass(frozen=True)
class Spotting:
    """When heat is a line of text.

    Parameters
    ----------
    least_heat : float
        Pixels from which a place is made.
    weak, strong : float
        Mean heat from which a place counts where nothing else could be, and anywhere.
    unclip : float
        How far a place is grown, times area / perimeter: the detector was taught shrunk lines
        (Liao et al. 2020, differentiable binarisation, section 3.5).
    least_side_px : int
        A place with a shorter side is nothing.
    highest_px : int
        The inside of a line of letters is not higher.
    """

    least_heat: float = 0.25
    weak: float = 0.3
    strong: float = 0.5
    unclip: float = 1.1
    least_side_px: int = 3
    highest_px: int = 60


@dataclass(frozen=True)
class Spot:
    """A place grown to whole letters, its mean heat, and where that heat itself is."""

    rectangle: Rectangle
    heat: float
    core: Rectangle


def spots_of(heat: Heat, spotting: Spotting) -> tuple[Spot, ...]:
    """Return the places in a frame's heat, from the top left, grown to the whole letters.

    A place too high for a line is a blob of tissue; what is hotter within it is given too, for
    there may be a line on it.

    Parameters
    ----------
    heat : Heat
        (row, column), 0 to 1.
    spotting : Spotting
        What counts.
    """
    found = tuple(_within(heat, (0, 0), heat.shape, spotting, spotting.least_heat))
    return tuple(sorted(found, key=lambda spot: spot.rectangle))


def _within(
    heat: Heat, corner: tuple[int, int], size: tuple[int, ...], spotting: Spotting, least: float
) -> Iterator[Spot]:
    """Yield the places of a part of the heat whose first row and column are ``corner``."""
    mask = (heat >= least).view(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    for index in range(1, count):
        left, top, wide, high, _ = (int(value) for value in stats[index])
        if min(wide, high) < spotting.least_side_px:
            continue
        part = heat[top : top + high, left : left + wide]
        inside = labels[top : top + high, left : left + wide] == index
        mean = float(part[inside].mean())
        if mean < spotting.weak:
            continue
        place = (corner[0] + top, corner[1] + left)
        core = Rectangle(place[0], place[0] + high, place[1], place[1] + wide)
        hot = _hot(part * inside, core, spotting) if mean >= spotting.strong else core
        yield Spot(_grown(core, size, spotting.unclip), mean, hot)
        if min(high, wide) > spotting.highest_px and least < _HOTTEST:
            yield from _within(np.where(inside, part, 0), place, size, spotting, least + _HOTTER)


def _hot(part: Heat, core: Rectangle, spotting: Spotting) -> Rectangle:
    """Return where a place is hot: on tissue lines have a halo of weak heat."""
    hot = part >= spotting.strong
    rows, columns = np.flatnonzero(hot.any(axis=1)), np.flatnonzero(hot.any(axis=0))
    if not rows.size:
        return core
    return Rectangle(
        core.row_start + int(rows[0]),
        core.row_start + int(rows[-1]) + 1,
        core.column_start + int(columns[0]),
        core.column_start + int(columns[-1]) + 1,
    )


def _grown(core: Rectangle, size: tuple[int, ...], unclip: float) -> Rectangle:
    high, wide = core.row_stop - core.row_start, core.column_stop - core.column_start
    by = round(wide * high * unclip / (2 * (wide + high)))
    return core.grown(by, rows=size[0], columns=size[1])
