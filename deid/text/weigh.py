"""Whether a place that looks like text is text: by its shape, its edges and what was read in it.

On air everything that stands out is taken for text: there is nothing to lose. On tissue a place
must read as text, or have the shape and the crisp edges of a line that could not be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from deid.blank.region import Rectangle
from deid.text.line import Line
from deid.text.spots import Spot

__all__ = ["Seen", "Weighing", "could_be_text", "crispness", "is_calm", "is_text", "stands_out"]


@dataclass(frozen=True)
class Weighing:
    """What makes a place text.

    Parameters
    ----------
    least_px, highest_px : int
        Shorter and longer limit of the shorter side of a line's box.
    highest_share, always_px : float, int
        Limit of the same as a share of the image's shorter side, and what is text's size in any
        image: in a small one the fan of an ultrasound would pass for a letter.
    crisp : float
        Least share of a place's range that neighbouring pixels differ by at its edges.
    verified : float
        Trust in what was read from which a place on tissue is text.
    line_heat, line_crisp, line_aspect : float
        From which a place on tissue is a line that cannot be read.
    calm : float
        Of the range within a place, the most that its surroundings may vary on air.
    large_px, large_read, large_crisp : int, float, float
        On air, what is larger than this is text when it can be read or its edges are sharp:
        large letters are easily read, a patch of tissue is not.
    traced, apart : float
        Heat under which a place on tissue is a weak trace, and how much wider its range must be
        than that of its surroundings.
    """

    least_px: int = 8
    highest_px: int = 160
    highest_share: float = 0.2
    always_px: int = 48
    crisp: float = 0.1
    verified: float = 0.7
    line_heat: float = 0.85
    line_crisp: float = 0.3
    line_aspect: float = 2.0
    calm: float = 0.15
    large_px: int = 48
    large_read: float = 0.5
    large_crisp: float = 0.5
    traced: float = 0.6
    apart: float = 1.5


def could_be_text(spot: Spot, grounds: Sequence[NDArray[Any]], weighing: Weighing) -> bool:
    """Tell from shape and edges whether a place is worth reading."""
    r = spot.rectangle
    high, wide = r.row_stop - r.row_start, r.column_stop - r.column_start
    if min(high, wide) < weighing.least_px:
        return False
    share = weighing.highest_share * min(grounds[0].shape)
    if min(high, wide) > min(weighing.highest_px, max(share, weighing.always_px)):
        return False
    c = spot.core
    if not any(
        np.ptp(one[c.row_start : c.row_stop, c.column_start : c.column_stop]) for one in grounds
    ):
        return False  # nothing is written in it: what was blanked on tissue has the edges of a line
    parts = [ground[r.row_start : r.row_stop, r.column_start : r.column_stop] for ground in grounds]
    return max(crispness(part) for part in parts) >= weighing.crisp


@dataclass(frozen=True)
class Seen:
    """What is seen of a place: whether it lies on air, stands out from what is near, and edges."""

    calm: bool
    apart: bool
    crisp: float


def is_text(spot: Spot, line: Line, seen: Seen, weighing: Weighing) -> bool:
    """Tell whether a place that was read is text.

    Parameters
    ----------
    spot : Spot
        Where.
    line : Line
        What was read there.
    seen : Seen
        What else is seen of it.
    weighing : Weighing
        What makes it text.
    """
    letters = sum(character.isalnum() for character in line.text)
    if line.score >= weighing.verified and letters >= 2:
        return True
    r = spot.rectangle
    high, wide = r.row_stop - r.row_start, r.column_stop - r.column_start
    if seen.calm:
        small = min(high, wide) <= weighing.large_px
        return small or line.score >= weighing.large_read or seen.crisp >= weighing.large_crisp
    aspect = max(high, wide) / min(high, wide)
    return (
        spot.heat >= weighing.line_heat
        and seen.crisp >= weighing.line_crisp
        and seen.apart
        and aspect >= weighing.line_aspect
    )


def crispness(part: NDArray[Any]) -> float:
    """Return by how much of its range a part changes from pixel to pixel at its edges."""
    wide = part.astype(np.float32)
    if wide.size < 4:
        return 0.0
    low, high = (float(value) for value in np.percentile(wide, (1, 99)))
    if high <= low:
        low, high = float(wide.min()), float(wide.max())
    if high <= low:
        return 0.0
    across = np.abs(np.diff(wide, axis=1))
    along = np.abs(np.diff(wide, axis=0))
    steps = [float(np.percentile(d, 98)) for d in (across, along) if d.size]
    return max(steps, default=0.0) / (high - low)


def is_calm(spot: Spot, ground: NDArray[Any], weighing: Weighing, ring_px: int = 6) -> bool:
    """Tell whether what surrounds a place varies little against what is within it."""
    inner, around = _inner_and_around(spot.rectangle, ground, ring_px)
    return bool(around.size) and float(around.std()) <= weighing.calm * max(_span(inner, 1), 1e-6)


def stands_out(spot: Spot, ground: NDArray[Any], weighing: Weighing) -> bool:
    """Tell whether a place on tissue is worth reading: a weak trace must differ from what is near.

    Of tissue the detector gives as many weak traces as there are grains, and reading each of them
    takes most of the time.
    """
    if spot.heat >= weighing.traced:
        return True
    r = spot.rectangle
    near = max(min(r.row_stop - r.row_start, r.column_stop - r.column_start) // 2, 6)
    inner, around = _inner_and_around(r, ground, near)
    return not around.size or _span(inner, 1) >= weighing.apart * _span(around, 5)


def _inner_and_around(
    r: Rectangle, ground: NDArray[Any], ring_px: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the values within a place and in a ring around it."""
    top, left = max(r.row_start - ring_px, 0), max(r.column_start - ring_px, 0)
    outer = ground[top : r.row_stop + ring_px, left : r.column_stop + ring_px].astype(np.float32)
    smooth = cv2.blur(outer, (3, 3))  # noise of the detector is no tissue, and no letter
    within = np.zeros(outer.shape, bool)
    within[r.row_start - top : r.row_stop - top, r.column_start - left : r.column_stop - left] = 1
    return np.asarray(smooth[within], np.float32), np.asarray(smooth[~within], np.float32)


def _span(values: NDArray[np.float32], percent: int) -> float:
    low, high = np.percentile(values, (percent, 100 - percent))
    return float(high - low)
