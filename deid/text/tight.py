"""The box of a line drawn close to its letters: none is left, no tissue goes with them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from deid.blank.region import Rectangle
from deid.text.spots import Spot

__all__ = ["fitted", "has_accent"]

Mask = NDArray[np.bool_]

_INK = 0.35
"""Of the way from background to ink: what is further is a letter on air."""
_MORE_INK = 0.55
"""The same, where grains of tissue may come as far."""
_SIGMAS = 3.0
"""A row or column bears letters when it has more ink than the tissue around would by chance."""
_PAD_PX, _PAD_ON_TISSUE_PX = 3, 2
"""The soft edge of a letter."""
_WORDS, _WORD = re.compile(r"[^\W\d_]+"), 4
_CEDILLA = "\N{COMBINING CEDILLA}"
_REACH, _BLANK = 2.0, 0.7
"""Of the height of a line: how far letters are sought beyond its ends, and how wide a blank is."""
_ABOVE, _ACCENT, _ACCENT_ON_AIR = 0.9, 0.2, 0.3
"""Of the detector's own height: how far letters reach beyond it, and the gap under an accent."""
_HAT = 0.4
"""Of the same: an accent with its gap."""
_TAILS = {0.4: frozenset("gjpqyçÇQ"), 0.15: frozenset("/(),;[]|^")}
"""Of the same: what is below the line."""
_EDGE = 0.25
"""Share of ink above or below a line that is no grain but the edge of something."""
_LETTER = 0.35
"""Of the marked rows: the least ink of a column of tissue that could be a letter."""
_LONGEST_GRAIN_PX = 6.0
"""What is longer is an edge of something, no grain."""


def fitted(
    spot: Spot,
    grounds: Sequence[NDArray[Any]],
    others: Sequence[Rectangle],
    *,
    loose: bool = False,
    said: str = "",
) -> Rectangle:
    """Return the rectangle of a line's letters.

    Detectors mark the inside of a line and overlook the ``6`` of ``6 mai 1951``. Rows and columns
    beyond what was marked are of the line while they bear ink of its own colour, across gaps no
    wider than a blank or what is under an accent; columns up to the next place. What the detector
    marked always stays within.

    Parameters
    ----------
    spot : Spot
        The line.
    grounds : sequence of arrays
        The frame.
    others : sequence of Rectangle
        The places found in the frame.
    loose : bool
        Whether all of the spot's rectangle stays within too.
    said : str
        What was read: accents and tails are few pixels, which grains of tissue may hide.
    """
    core, size = spot.core, grounds[0].shape
    high, wide = core.row_stop - core.row_start, core.column_stop - core.column_start
    if wide < high:
        return spot.rectangle
    # Of small letters only the inside of some is hot: the place as grown is as high as the line.
    line_px = max(1.5 * high, 0.8 * (spot.rectangle.row_stop - spot.rectangle.row_start))
    above = round(_ABOVE * high) + 2
    room = round(_REACH * line_px)
    top, bottom = max(core.row_start - above, 0), min(core.row_stop + above, size[0])
    beside = [o for o in others if o.row_start < core.row_stop and core.row_start < o.row_stop]
    first = max([0, core.column_start - room, *_stops(beside, core)])
    last = min([size[1], core.column_stop + room, *_starts(beside, core)])
    inner = (
        slice(core.row_start - top, core.row_stop - top),
        slice(core.column_start - first, core.column_stop - first),
    )
    ink = _ink([ground[top:bottom, first:last] for ground in grounds], inner)
    chance, grain, edge = _chance(ink, inner, loose=loose)
    rows = _bearing(ink[:, inner[1]].sum(axis=1), wide, chance, grain)
    counts = ink[inner[0]].sum(axis=0)
    columns = _bearing(counts, high, chance, grain) & ((chance == 0) | (counts >= _LETTER * high))
    gap = max((_ACCENT_ON_AIR if loose else _ACCENT) * high, 2)
    pad = (_PAD_PX if loose else _PAD_ON_TISSUE_PX) + high // 20
    first_row, last_row = _rows_of(rows, inner[0], gap, said, air=loose)
    blank = _BLANK * line_px
    box = Rectangle(
        max(top + first_row - pad, 0),
        min(top + last_row + 1 + pad, size[0]),
        max(first + _walk(columns, inner[1].start, -1, blank) - pad, 0),
        min(first + _walk(columns, inner[1].stop - 1, 1, blank) + 1 + pad, size[1]),
    )
    return _around(box, spot.rectangle) if loose or edge > _EDGE else box


def _around(one: Rectangle, other: Rectangle) -> Rectangle:
    return Rectangle(
        min(one.row_start, other.row_start),
        max(one.row_stop, other.row_stop),
        min(one.column_start, other.column_start),
        max(one.column_stop, other.column_stop),
    )


def _ink(parts: Sequence[NDArray[Any]], inner: tuple[slice, slice]) -> Mask:
    """Return where the letters are, by the ground in which they stand out most."""
    best, most = np.zeros(parts[0].shape, bool), -1.0
    for part in parts:
        flat = part.astype(np.float32)
        marked = flat[inner]
        side = 2 * (marked.shape[0] // 2) + 1
        kernel = np.ones((side, side), np.uint8)
        bright = flat - cv2.morphologyEx(flat, cv2.MORPH_OPEN, kernel)
        dark = cv2.morphologyEx(flat, cv2.MORPH_CLOSE, kernel) - flat
        for strokes, sign in ((np.asarray(bright)[inner], 1), (np.asarray(dark)[inner], -1)):
            ink = float(np.median(marked[strokes >= np.percentile(strokes, 90)]))
            ground = float(np.median(marked[strokes <= np.percentile(strokes, 50)]))
            far = sign * (ink - ground)
            outside = np.ones(flat.shape, bool)
            outside[inner[0]] = False
            # Letters are of one colour, and the ground beside them is not of it.
            beyond = sign * (flat[outside] - ground)
            share = float((beyond > far / 2).mean()) if far > 0 else 1.0
            clear = far * (1 - float((beyond > far / 4).mean())) if far > 0 else 0.0
            if clear > most:
                most = clear
                step = _INK if share < 0.005 else _MORE_INK
                best = np.asarray(sign * (flat - ground) >= max(step * far, 1e-6), bool)
    return best


def _chance(ink: Mask, inner: tuple[slice, slice], *, loose: bool) -> tuple[float, float, float]:
    """Return the share of ink where only tissue is, its run length, and the share on both sides.

    Above and below a line is tissue. On air, or where one of them is the edge of something, the
    less of both counts: in the other may be an accent, the next line, or the body itself, against
    which no letter would stand out.
    """
    edge = max((inner[0].start + ink.shape[0] - inner[0].stop) // 6, 1)
    ends = (ink[:edge, inner[1]], ink[-edge:, inner[1]])
    runs = sum(int((np.diff(end.astype(np.int8), axis=1) > 0).sum()) for end in ends)
    long = sum(int(end.sum()) for end in ends) / max(runs, 1)
    shares = [float(end.mean()) for end in ends]
    both = sum(shares) / 2
    chance = min(shares) if loose or max(shares) > _EDGE else both
    return chance, min(max(long, 1.0), _LONGEST_GRAIN_PX), chance if loose else both


def _bearing(counts: NDArray[Any], length: int, chance: float, grain: float) -> Mask:
    """Tell which lines bear more ink than chance: ``grain`` pixels of it come at once."""
    usual = chance * length
    least = usual + _SIGMAS * float(np.sqrt(usual * grain)) + 0.5 * (chance == 0)
    return np.asarray(counts > least, bool)


def _rows_of(bearing: Mask, marked: slice, gap: float, said: str, *, air: bool) -> tuple[int, int]:
    """Return the first and the last row of a line's letters with what is above and below them."""
    high = marked.stop - marked.start
    top = _walk(bearing, marked.start, -1, 1)
    bottom = _walk(bearing, marked.stop - 1, 1, 1)
    rows = (_walk(bearing, top, -1, gap), _walk(bearing, bottom, 1, gap))
    if air:
        return rows
    # Of large letters the detector marks half the height: what was read needs all of its own.
    letters_px = max(bottom - top + 1, high) if _accented(said) else high
    return (
        min(rows[0], top - round(_HAT * letters_px) * has_accent(said)),
        max(rows[1], bottom + round(_tail(said) * high)),
    )


def _tail(said: str) -> float:
    return next((share for share, tails in _TAILS.items() if tails & set(said)), 0.0)


def _walk(bearing: Mask, edge: int, step: int, gap: float) -> int:
    """Return the last bearing line that is reached from ``edge`` without a wider gap."""
    at = edge
    while 0 <= at + step < len(bearing) and abs(at + step - edge) <= gap + 1:
        at += step
        if bearing[at]:
            edge = at
    return edge


def _stops(beside: Sequence[Rectangle], core: Rectangle) -> list[int]:
    return [o.column_stop for o in beside if o.column_stop <= core.column_start]


def _starts(beside: Sequence[Rectangle], core: Rectangle) -> list[int]:
    return [o.column_start for o in beside if o.column_start >= core.column_stop]


def has_accent(text: str) -> bool:
    """Tell whether a capital of a text may bear an accent above it; a cedilla is below.

    Readers overlook accents of capitals on tissue, so that a word in capitals may have one.
    """
    return _accented(text) or any(
        len(word) >= _WORD and word.isupper() for word in _WORDS.findall(text)
    )


def _accented(text: str) -> bool:
    """Tell whether a capital of a text was read with an accent above it.

    Among capitals a small letter with an accent is a capital that was misread.
    """
    for word in _WORDS.findall(text):
        among = word.upper() if sum(letter.isupper() for letter in word) > 1 else word
        capitals = (unicodedata.normalize("NFD", letter) for letter in among if letter.isupper())
        if any(len(apart) > 1 and apart[1] != _CEDILLA for apart in capitals):
            return True
    return False
