"""Text in clips of any length: what stands still while tissue moves, and what comes later.

Two passes over the frames, neither of which holds more than a few of them. The first keeps of each
pixel its darkest and brightest value and how often it changed: in those two pictures text that
stands still is found once for all frames, and most of what comes and goes. The second reads the
first frame, and of the later ones the parts where something new holds still, or appears where
nothing moves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from config.errors import UnreadableObject
from deid.text.find import TextFinder
from deid.text.grey import Views, views_of_shown
from deid.text.grown import grown
from deid.text.line import Found, Grey, Kind, View
from deid.text.quiet import strokes_of
from deid.text.shadows import without_shadows
from deid.text.tiles import slices

__all__ = ["ClipText", "Watching", "find_in_clip"]

Mask = NDArray[np.bool_]
_AMID_MOVEMENT = 0.2
"""Share of a place whose pixels change again and again."""
_SURE = 0.9
"""Trust in a text from which it is one amid movement."""


@dataclass(frozen=True)
class Watching:
    """When a later frame is read.

    Parameters
    ----------
    still, changed : int
        Of 255: a pixel that differs less from the frame before holds still; one that differs more
        from what was read last is new.
    stroke : int
        Of 255: how much a stroke stands out from what lies beside it.
    moving : float
        Share of the steps in which a pixel of moving tissue changes.
    window_px, pixels, pixels_on_tissue : int
        So many new pixels in a window of this side are read; on moving tissue more, for there
        some hold still by chance.
    margin_px : int
        Around what goes, when frames are read without it.
    """

    still: int = 6
    changed: int = 16
    stroke: int = 24
    moving: float = 0.25
    window_px: int = 24
    pixels: int = 10
    pixels_on_tissue: int = 64
    margin_px: int = 2


@dataclass(frozen=True)
class ClipText:
    """The text of a clip; each place holds for all frames.

    Parameters
    ----------
    found : tuple of Found
        From the top left.
    frames_read : int
        Frames of which a part at least was searched.
    """

    found: tuple[Found, ...] = field(repr=False)
    frames_read: int


def find_in_clip(
    finder: TextFinder,
    frames: Callable[[], Iterable[Views]],
    kind: Kind,
    watching: Watching | None = None,
) -> ClipText:
    """Return the text of a clip.

    Text in one frame is taken to be in all: when it goes cannot be seen from when it came.
    Text that is there for a single frame and lies over moving tissue is not found.

    Parameters
    ----------
    finder : TextFinder
        Searches single frames.
    frames : callable
        Gives the frames from the first; called twice.
    kind : Kind
        What they show.
    watching : Watching, optional
        When a later frame is read.

    Raises
    ------
    UnreadableObject
        ``BLANK_PIXELS_SHORT`` when there is no frame.
    """
    given = watching or Watching()
    past = _Past()
    for views in frames():
        past.add(views.shown, given)
    if past.darkest is None or past.brightest is None:
        raise UnreadableObject("BLANK_PIXELS_SHORT", "no frame")
    moving = past.moving(given)
    still, smeared = _in_extremes(finder, past, kind, moving)
    rows, columns = past.darkest.shape[:2]
    found = still
    read = 0
    reading = _Reading(finder, kind, given, moving)
    for views in frames():
        # What goes is not read again: it may also hide what stands beside it.
        gone = grown(found, given.margin_px, rows=rows, columns=columns)
        here = reading.next(views.without(gone))
        found += here or ()
        read += here is not None
    found += [one for one in smeared if not any(_overlap(one, other) for other in found)]
    return ClipText(_once(without_shadows(found)), read)


def _in_extremes(
    finder: TextFinder, past: _Past, kind: Kind, moving: Mask
) -> tuple[list[Found], list[Found]]:
    """Return what is found in the darkest and the brightest picture: at rest, and amid movement.

    Tissue that moved is a smear in both, so that boxes there are wide: frames tell it better.
    """
    still: list[Found] = []
    smeared: list[Found] = []
    if past.steps and past.darkest is not None and past.brightest is not None:
        for composite in (past.darkest, past.brightest):
            for one in finder.find(views_of_shown(composite), kind):
                if moving[slices(one.line.rectangle)].mean() < _AMID_MOVEMENT:
                    still.append(one)
                elif one.line.score >= _SURE:
                    smeared.append(one)
    return still, smeared


def _overlap(one: Found, other: Found) -> bool:
    """Tell whether two places are mostly the same rows and share columns."""
    a, b = one.line.rectangle, other.line.rectangle
    return 2 * a.shared(b) > min(a.area, b.area)


class _Past:
    """What the first pass keeps of the frames."""

    def __init__(self) -> None:
        self.darkest: View | None = None
        self.brightest: View | None = None
        self.steps = 0
        self._before: Grey | None = None
        self._changes: NDArray[np.uint32] | None = None

    def add(self, shown: View, watching: Watching) -> None:
        grey = _grey(shown)
        if self.darkest is None or self.brightest is None or self._before is None:
            self.darkest, self.brightest = shown.copy(), shown.copy()
            self._changes = np.zeros(grey.shape, np.uint32)
        else:
            self.darkest, self.brightest = (
                _alike(self.darkest, shown),
                _alike(self.brightest, shown),
            )
            np.minimum(self.darkest, _alike(shown, self.darkest), out=self.darkest)
            np.maximum(self.brightest, _alike(shown, self.brightest), out=self.brightest)
            assert self._changes is not None
            self._changes += cv2.absdiff(grey, self._before) > watching.still
            self.steps += 1
        self._before = grey

    def moving(self, watching: Watching) -> Mask:
        """Return where pixels change again and again: more often than text comes and goes."""
        assert self._changes is not None
        return np.asarray(self._changes > max(2.0, watching.moving * self.steps), bool)


class _Reading:
    """The second pass."""

    def __init__(self, finder: TextFinder, kind: Kind, watching: Watching, moving: Mask) -> None:
        self.finder, self.kind, self.watching, self.moving = finder, kind, watching, moving
        self._before: Grey | None = None
        self._last_read: Grey | None = None

    def next(self, views: Views) -> tuple[Found, ...] | None:
        """Return what is found in the next frame, None when nothing in it is new."""
        grey = _grey(views.shown)
        before, self._before = self._before, grey
        if before is None or self._last_read is None:
            self._last_read = grey.copy()
            return self.finder.find(views, self.kind)
        blocks = self._new_blocks(grey, before, self._last_read)
        if not blocks.any():
            return None
        side = self.finder.searching.listening.block_px
        part = np.kron(blocks, np.ones((side, side), bool))[: grey.shape[0], : grey.shape[1]]
        self._last_read = np.where(part, grey, self._last_read).astype(np.uint8)
        return self.finder.find(views, self.kind, within=blocks)

    def _new_blocks(self, grey: Grey, before: Grey, last_read: Grey) -> Mask:
        """Return the blocks, and their neighbours, in which something new could be text."""
        watching = self.watching
        still = (cv2.absdiff(grey, before) <= watching.still) | ~self.moving
        new = still & (cv2.absdiff(grey, last_read) > watching.changed)
        if not new.any():
            return np.zeros((1, 1), bool)
        new &= strokes_of(grey.astype(np.float32), 9) > watching.stroke
        side = watching.window_px
        count = cv2.boxFilter(new.astype(np.float32), -1, (side, side), normalize=False)
        enough = np.where(self.moving, watching.pixels_on_tissue, watching.pixels)
        dense = new & (count >= enough - 0.5)
        block = self.finder.searching.listening.block_px
        size = tuple(-(-n // block) for n in grey.shape)
        filled = np.pad(dense, [(0, -n % block) for n in grey.shape])
        blocks = filled.reshape(size[0], block, size[1], block).any(axis=(1, 3))
        wider = cv2.dilate(np.asarray(blocks, np.uint8), np.ones((3, 3), np.uint8))
        return np.asarray(np.asarray(wider) > 0, np.bool_)


def _grey(shown: View) -> Grey:
    """Return brightness in which colours differ from grey of the same brightest sample."""
    if shown.ndim == 2:
        return shown
    return np.asarray(shown.astype(np.uint16) @ np.array([5, 7, 4], np.uint16) >> 4, np.uint8)


def _alike(one: View, other: View) -> View:
    """Return a view in colour when the other has it: frames without colour come without."""
    if one.ndim in {other.ndim, 3}:
        return one
    return np.repeat(one[..., None], 3, axis=2)


def _once(found: Iterable[Found]) -> tuple[Found, ...]:
    """Return each place once; of the same place the one that goes, for safety."""
    kept: dict[tuple[int, int, int, int], Found] = {}
    for one in found:
        r = one.line.rectangle
        key = (r.row_start, r.row_stop, r.column_start, r.column_stop)
        if key not in kept or kept[key].keep:
            kept[key] = one
    return tuple(kept[key] for key in sorted(kept))
