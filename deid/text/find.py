"""Finds the text of one frame: where strokes stand out it is searched, read, and judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from deid.text.again import Again
from deid.text.beside import beside_markers
from deid.text.crops import is_letter, roomy, upright
from deid.text.grey import Views, flattened
from deid.text.joined import joined
from deid.text.judge import Judge
from deid.text.line import Found, Heat, Kind, Line, Reader, View
from deid.text.markers import Markers
from deid.text.quiet import Listening, Loudness, loudness_of
from deid.text.shadows import without_shadows
from deid.text.spots import Spot, Spotting, spots_of
from deid.text.tight import fitted
from deid.text.tiles import by_block, slices, tiles
from deid.text.tissue import tissue_mask
from deid.text.weigh import (
    Seen,
    Weighing,
    could_be_text,
    crispness,
    is_calm,
    is_text,
    stands_out,
)

__all__ = ["Searching", "TextFinder"]

Mask = NDArray[np.bool_]
_COVERED = 0.8
_BLOB = 1.5
"""How much higher than a line a place is that holds more than the line."""
_LARGE_PX = 4_000_000
_SMALL_PX = 36
_SURE_OF_A_LETTER = 0.95


@dataclass(frozen=True)
class Searching:
    """How a frame is searched.

    Parameters
    ----------
    tile_blocks : int
        Blocks a side that are searched in one piece.
    margin_px : int
        Shown to the detector around what is searched.
    listening : Listening
        Which blocks are searched.
    spotting : Spotting
        When heat is a line.
    zoom : float
        Frames of at most ``zoomed_px`` pixels are searched once more at this size where nothing
        was found, for in small frames letters are small; larger ones around what is small.
    weighing : Weighing
        When a place is text.
    """

    tile_blocks: int = 8
    margin_px: int = 48
    listening: Listening = field(default_factory=Listening)
    spotting: Spotting = field(default_factory=Spotting)
    zoom: float = 1.5
    zoomed_px: int = 1_200_000
    weighing: Weighing = field(default_factory=Weighing)


@dataclass(frozen=True)
class TextFinder:
    """Finds, reads and judges the text of frames.

    Parameters
    ----------
    reader : Reader
        One of this worker's own.
    judge : Judge
        Knows the study's identity and the policy's words.
    searching : Searching
        How.
    """

    reader: Reader
    judge: Judge
    searching: Searching = field(default_factory=Searching)

    def find(self, views: Views, kind: Kind, *, within: Mask | None = None) -> tuple[Found, ...]:
        """Return the text of one frame, from the top left, tight and judged.

        Parameters
        ----------
        views : Views
            The frame, see :func:`deid.text.grey.views_of`.
        kind : Kind
            What it shows.
        within : array of bool, optional
            Blocks of ``searching.listening.block_px`` to which the search is confined.
        """
        spots = self._spots(views, within)
        if not spots:
            return ()
        judged = self._judged(views, kind, spots)
        self._rest(views)
        return beside_markers(joined(without_shadows(judged)), _inked(views))

    def _rest(self, views: Views) -> None:
        """Let the reader give back memory while that of a large frame is wanted elsewhere."""
        if views.shown.size >= _LARGE_PX:
            self.reader.rest()

    def _judged(self, views: Views, kind: Kind, traces: list[Spot]) -> list[Found]:
        weighing = self.searching.weighing
        ground = views.grounds[0]
        tissue = tissue_mask(ground, kind)
        beside = {t: bool(tissue[slices(t.rectangle)].mean() < 0.5) for t in traces}
        spots = [t for t in traces if beside[t] or stands_out(t, ground, weighing)]
        places = [spot.rectangle for spot in spots]
        judged = self.judge.by(Markers.of(kind, self.judge.allowed))
        again = Again(self.reader, judged, views)
        inked = _inked(views)
        found: list[Found] = []
        for spot, line in zip(spots, self._read(views, spots), strict=True):
            calm = beside[spot] and is_calm(spot, ground, weighing)
            crisp = max(crispness(one[slices(spot.rectangle)]) for one in views.grounds)
            apart = stands_out(replace(spot, heat=0), ground, weighing)
            seen = Seen(calm=calm, apart=apart, crisp=crisp)
            if is_text(spot, line, seen, weighing):
                one = again.alone(judged(line))
                # On air there is nothing to spare: all that the detector gave goes.
                loose, box = calm and not one.keep, one.line.rectangle
                if box == spot.rectangle:
                    box = fitted(spot, inked, places, loose=loose, said=line.text)
                closer = replace(one, line=replace(one.line, rectangle=box))
                found += again.divided(again.closely(again.whole(closer, spot)))
        return found

    def loudness(self, views: Views) -> Loudness:
        """Return which blocks of the frame could hold text."""
        listening = self.searching.listening
        shown = [*views.grounds, *([views.chroma] if views.chroma is not None else [])]
        span = max(float(ground.max()) - float(ground.min()) for ground in shown)
        found = [loudness_of(ground, listening, span=span) for ground in shown]
        whole = found[0]
        for one in found[1:]:
            # Faint in one ground is well seen in another.
            whole = Loudness(whole.loud | one.loud, whole.faint & (one.faint | ~one.loud))
        return whole

    def _spots(self, views: Views, within: Mask | None) -> list[Spot]:
        """Return the places of several looks; each takes in only what those before left cold."""
        loudness = self.loudness(views)
        wanted = loudness.loud if within is None else loudness.loud & within
        spots: list[Spot] = []
        heat = np.zeros(views.size, np.float32)

        def look(at: Mask, view_of: Callable[[tuple[slice, slice]], View], zoom: float = 1) -> Mask:
            # Each has heat of its own: what one takes for text may join what another tells apart.
            heat.fill(0)
            self._search(heat, at, view_of, zoom=zoom)
            self._rest(views)
            # Of one look all count: a blob of tissue may hold a line, and not be text itself.
            before = tuple(spots)
            spots.extend(
                spot
                for spot in spots_of(heat, self.searching.spotting)
                if could_be_text(spot, views.grounds, self.searching.weighing)
                and not any(_covers(one, spot) for one in before)
            )
            return _cold(heat, self.searching)

        ground, chroma = views.grounds[0], views.chroma
        cold = look(wanted, lambda place: views.shown[place])
        cold &= look(wanted & loudness.faint & cold, lambda place: flattened(ground[place]))
        if chroma is not None:
            coloured = wanted & cold & _coloured(chroma, self.searching)
            cold &= look(coloured, lambda place: chroma[place])
        # Small letters on tissue: the detector sees them better when they are larger.
        if heat.size <= self.searching.zoomed_px:
            near = wanted & cold
        else:
            near = wanted & self._near_small(spots, views.size)
        look(near, lambda place: views.shown[place], self.searching.zoom)
        return sorted(spots, key=lambda spot: spot.rectangle)

    def _near_small(self, spots: list[Spot], size: tuple[int, int]) -> Mask:
        """Return the blocks around small places: of small letters half a line may be found."""
        small = np.zeros(size, bool)
        for spot in spots:
            r = spot.rectangle
            if min(r.row_stop - r.row_start, r.column_stop - r.column_start) <= _SMALL_PX:
                small[slices(spot.core)] = True
        touched = by_block(small, self.searching.listening.block_px).astype(np.uint8)
        return np.asarray(cv2.dilate(touched, np.ones((1, 3), np.uint8)), np.uint8) > 0

    def _search(
        self,
        heat: Heat,
        wanted: Mask,
        view_of: Callable[[tuple[slice, slice]], View],
        *,
        zoom: float = 1.0,
    ) -> None:
        """Write into ``heat`` what the reader sees in the wanted blocks."""
        searching = self.searching
        for outer, inner in tiles(
            wanted,
            heat.shape,
            side=max(int(searching.tile_blocks / zoom), 1),  # memory goes with what is shown
            block=searching.listening.block_px,
            margin=searching.margin_px,
        ):
            view = view_of(outer)
            if zoom != 1:
                large = cv2.resize(view, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC)
                small = cv2.resize(self.reader.heat(np.asarray(large, np.uint8)), view.shape[1::-1])
                found = np.asarray(small, np.float32)
            else:
                found = self.reader.heat(view)
            rows, columns = (
                slice(i.start - o.start, i.stop - o.start)
                for i, o in zip(inner, outer, strict=True)
            )
            np.maximum(heat[inner], found[rows, columns], out=heat[inner])

    def _read(self, views: Views, spots: list[Spot]) -> list[Line]:
        """Read each place as shown, and again by local contrast where that says little."""
        places = [spot.rectangle for spot in spots]
        wider = [roomy(place, views.size) for place in places]
        read = list(self.reader.words([upright(views.shown[slices(p)]) for p in wider]))
        # Of a letter that stands alone there is nothing beside it to tell what it is.
        least = [_SURE_OF_A_LETTER if is_letter(p) else self.judge.certain for p in places]
        weak = [i for i, (_, score) in enumerate(read) if score < least[i]]
        ground = views.grounds[0]
        again = self.reader.words([upright(flattened(ground[slices(wider[i])])) for i in weak])
        for index, said in zip(weak, again, strict=True):
            if said[1] > read[index][1]:
                read[index] = said
        return [Line(place, *said) for place, said in zip(places, read, strict=True)]


def _covers(one: Spot, other: Spot) -> bool:
    """Tell whether a place holds most of the heat of another, and is no blob with a line on it."""
    a, b, line = one.rectangle, other.core, other.rectangle
    if a.row_stop - a.row_start > _BLOB * (line.row_stop - line.row_start):
        return False
    return a.shared(b) > _COVERED * b.area


def _inked(views: Views) -> tuple[NDArray[Any], ...]:
    """Return the grounds of letters: those in colour stand out from grey in nothing but it."""
    return views.grounds if views.chroma is None else (*views.grounds, views.chroma)


def _cold(heat: Heat, searching: Searching) -> Mask:
    """Return the blocks in which nothing was found."""
    return ~by_block(heat >= searching.spotting.least_heat, searching.listening.block_px)


def _coloured(chroma: View, searching: Searching) -> Mask:
    return by_block(chroma >= 64, searching.listening.block_px)
