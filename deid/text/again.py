"""Looks once more at a line that goes, for a marker that stays may be all or a part of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from deid.blank.region import Rectangle
from deid.text.crops import roomy, upright
from deid.text.grey import Views
from deid.text.judge import Judgement
from deid.text.letter import lone_letter
from deid.text.line import Found, Line, Reader, View
from deid.text.pieces import close_to_ink, pieces_of
from deid.text.spots import Spot
from deid.text.tiles import slices

__all__ = ["Again"]

_FEW_LETTERS = 2
_SHORT, _PART = 4, 0.5
"""Letters of a part of a marker, and of its height the least of it that was overlooked."""


@dataclass(frozen=True)
class Again:
    """Reads parts of one frame once more, and changes a judgement to ``keep`` only.

    Parameters
    ----------
    reader : Reader
        Reads.
    judged : Judgement
        By the markers of the frame.
    views : Views
        The frame.
    """

    reader: Reader
    judged: Judgement
    views: Views

    def alone(self, one: Found) -> Found:
        """Return a line that goes, or the marker that is all there is in its place."""
        if not _may_stay(one, _FEW_LETTERS):
            return one
        letter = lone_letter(one.line.rectangle, self.views.grounds)
        if letter is None:
            return one
        # As it stands: an L is higher than wide, and no line that runs upwards.
        crop = np.ascontiguousarray(self._shown(roomy(letter, self.views.size)))
        (said,) = self.reader.words([crop])
        again = self.judged(Line(letter, *said))
        return again if again.keep else one

    def whole(self, one: Found, spot: Spot) -> Found:
        """Return a line that goes, or the marker of which the detector gave a part only."""
        r, given = one.line.rectangle, spot.rectangle
        beyond = max(given.column_start - r.column_start, r.column_stop - given.column_stop)
        if not _may_stay(one, _SHORT) or beyond <= _PART * (r.row_stop - r.row_start):
            return one
        return self._read_at(r) or one

    def closely(self, one: Found) -> Found:
        """Return a line that goes, or the marker as which it was read weakly or in too much room.

        With much room around it ``CC`` is no larger than ``cc``.
        """
        if one.keep or not self.judged.is_marker(one.line.text):
            return one
        return self._read_at(close_to_ink(one.line.rectangle, self.views.grounds)) or one

    def divided(self, one: Found) -> list[Found]:
        """Return a line that goes in pieces, where a marker stands apart at one of its ends."""
        if one.keep or not self.judged.may_begin_or_end(one.line.text):
            return [one]
        pieces = pieces_of(one.line.rectangle, self.views.grounds)
        if len(pieces) < 2:
            return [one]
        wider = [roomy(piece, self.views.size) for piece in pieces]
        read = self.reader.words([upright(self._shown(place)) for place in wider])
        parts = [self.judged(Line(p, *said)) for p, said in zip(pieces, read, strict=True)]
        if not _is_personal(one) and _are_marker_and_scale(parts):
            return parts
        ends = {at: parts[at].reason == "marker" for at in (0, len(parts) - 1)}
        kept = [parts[at] for at, keep in ends.items() if keep]
        left = [piece for at, piece in enumerate(pieces) if not ends.get(at, False)]
        if not kept or not left:
            return [one]
        rest = replace(
            one.line.rectangle,
            column_start=left[0].column_start,
            column_stop=left[-1].column_stop,
        )
        return [*kept, replace(one, line=replace(one.line, rectangle=rest))]

    def _read_at(self, place: Rectangle) -> Found | None:
        """Return what stays when a place is read once more, None where it still goes."""
        (said,) = self.reader.words([upright(self._shown(roomy(place, self.views.size)))])
        again = self.judged(Line(place, *said))
        return again if again.keep else None

    def _shown(self, place: Rectangle) -> View:
        return self.views.shown[slices(place)]


def _may_stay(one: Found, letters: int) -> bool:
    """Tell whether a line that goes is short, and says nothing of a person."""
    short = len(one.line.text) <= letters
    return not one.keep and not _is_personal(one) and short


def _is_personal(one: Found) -> bool:
    """Tell whether a line was read as something that says who the person is."""
    return one.reason in {"identity", "pattern"}


def _are_marker_and_scale(parts: Sequence[Found]) -> bool:
    """Tell whether a line is a marker beside one number of a scale: of three a date may be made."""
    return sorted(part.reason for part in parts) == ["marker", "scale"]
