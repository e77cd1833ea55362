"""What may stay of the text in a frame: markers that stand alone; everything else goes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from deid.fold import fold, squeeze
from deid.hunt import Hunter
from deid.patterns import pattern_spans
from deid.text.line import Found, Kind, Line
from deid.text.markers import Markers, variants

__all__ = ["Judge", "Judgement"]

_LETTERS = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class Judge:
    """Decides of each line whether it stays, and says why.

    Parameters
    ----------
    hunter : Hunter or None
        Of the study's own identity.
    allowed : tuple of str
        Texts a policy lets stay beside the markers, each as a whole.
    readable : float
        Trust from which a line counts as read.
    certain : float
        Trust from which a line can be a marker.
    widest_letter : float
        Width of a letter against the height of its box: a box that is wider than what was read
        in it holds something else too.
    """

    hunter: Hunter | None = None
    allowed: tuple[str, ...] = field(default=(), repr=False)
    readable: float = 0.5
    certain: float = 0.6
    widest_letter: float = 1.0

    def judge(self, line: Line, kind: Kind) -> Found:
        """Return the line with its judgement; ``kind`` says which markers there are."""
        return self.by(Markers.of(kind, self.allowed))(line)

    def by(self, markers: Markers) -> Judgement:
        """Return the judgement by markers that are made once for many lines."""
        return Judgement(self, markers)


@dataclass(frozen=True)
class Judgement:
    """A judge with the markers of one kind of frame."""

    judge: Judge
    markers: Markers

    def __call__(self, line: Line) -> Found:
        """Return the line with its judgement."""
        text = line.text
        if line.score < self.judge.readable or not any(c.isalnum() or c == "%" for c in text):
            return Found(line, keep=False, reason="unreadable")
        if self._is_identity(text):
            return Found(line, keep=False, reason="identity")
        if any(pattern_spans(spelling, fold(spelling)) for spelling in variants(text)):
            return Found(line, keep=False, reason="pattern")
        role = self._role(text)
        if role and line.score >= self.judge.certain and self._fills_its_box(line):
            return Found(line, keep=True, reason=role)
        return Found(line, keep=False, reason="not_allowed")

    def is_marker(self, text: str) -> bool:
        """Tell whether a text is a marker, were it surely read, and no identity."""
        return self._role(text) == "marker" and not self._is_identity(text)

    def may_begin_or_end(self, text: str) -> bool:
        """Tell whether a marker could be the first or the last letters of a text."""
        bare = "".join(_LETTERS.findall(text)).upper()
        words = {word for word, role in self.markers.words.items() if role in {"side", "view"}}
        return any(
            bare.startswith(word) or bare.endswith(word) for word in words | self.markers.glued
        )

    def _role(self, text: str) -> str | None:
        # Sides are written in capitals; the last letter of a name that was cut off is not.
        is_small = len(text) == 1 and text.islower()
        return None if is_small else self.markers.role_of(text)

    def _is_identity(self, text: str) -> bool:
        hunter = self.judge.hunter
        if hunter is None:
            return False
        return any(
            hunter.spans(squeeze(spelling).text) or _bare(spelling) in _names(hunter)
            for spelling in variants(text)
        )

    def _fills_its_box(self, line: Line) -> bool:
        box = line.rectangle
        high, wide = box.row_stop - box.row_start, box.column_stop - box.column_start
        return wide <= high * (1 + self.judge.widest_letter * len(line.text))


def _names(hunter: Hunter) -> set[str]:
    """Return whole names and parts of at least two letters: a side is one letter, and says none."""
    found = set()
    for name in hunter.written_names:
        pieces = [name, *re.split(r"[\^=]", name), *re.split(r"[\^=\s]", name)]
        found |= {bare for piece in pieces if len(bare := _bare(piece)) > 1}
    return found


def _bare(text: str) -> str:
    return "".join(_LETTERS.findall(squeeze(text).text))
