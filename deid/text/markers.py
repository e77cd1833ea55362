"""The words that may stay in an image: sides, views, projections, scales."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from deid.tables import read_csv
from deid.text.line import Kind

__all__ = ["Markers", "spelled", "variants"]

_MOST_WORDS = 3
_BETWEEN = re.compile(r"[\s\-_/.:()\[\]]+")
_SCALE = re.compile(r"[-+]?(\d{1,2}|\d{1,2}[.,]\d)")
"""A depth, a grey level: no number with a third digit, which could be an age or a part of an ID."""
_SCALE_WITH_UNIT = re.compile(r"[-+]?\d{1,3}(?:[.,]\d{1,2})?")


@dataclass(frozen=True)
class Markers:
    """What may stay in frames of one kind.

    Parameters
    ----------
    words : dict
        Role by word in capitals.
    glued : frozenset of str
        Sides and views written in one piece.
    allowed : frozenset of str
        Further texts that a policy lets stay, in capitals, each as a whole.
    scales : bool
        Whether bare numbers of a scale may stay.
    """

    words: dict[str, str]
    glued: frozenset[str]
    allowed: frozenset[str]
    scales: bool

    @classmethod
    def of(cls, kind: Kind, allowed: Iterable[str] = ()) -> Markers:
        """Return the markers of a kind of frame."""
        words = {row["word"]: row["role"] for row in _rows() if kind[0] in row["kinds"]}
        by_role = {role: [w for w, r in words.items() if r == role] for role in words.values()}
        sides = [side for side in by_role.get("side", ()) if len(side) == 1]
        views = by_role.get("view", [])
        glued = {side + view for side in sides for view in views}
        glued |= {
            side + view + m for side in sides for view in views for m in by_role.get("modifier", ())
        }
        also = frozenset(_spaced(word) for word in allowed)
        return cls(words, frozenset(glued), also, kind == "ultrasound")

    def role_of(self, text: str) -> str | None:
        """Return ``marker`` or ``scale`` when a whole text may stay, else None."""
        for spelling in variants(text):
            role = self._role(spelling)
            if role:
                return role
        return None

    def _role(self, text: str) -> str | None:
        whole = _spaced(text)
        if whole in self.allowed:
            return "marker"
        if self.scales and _SCALE.fullmatch(whole.replace(" ", "")):
            return "scale"
        unit = self._unit(text)
        if unit is not None:
            return unit
        words = whole.split()
        roles = [self.words.get(word) or ("glued" if word in self.glued else "") for word in words]
        fits = 0 < len(words) <= _MOST_WORDS and all(roles) and "unit" not in roles
        sides = sum(role in {"side", "glued"} for role in roles)
        views = sum(role in {"view", "glued"} for role in roles)
        modifiers = roles.count("modifier")
        return (
            "marker"
            if fits and sides <= 1 and views <= 1 and (sides or views) and modifiers <= 1
            else None
        )

    def _unit(self, text: str) -> str | None:
        """Tell a unit, with or without a number before it."""
        squeezed = re.sub(r"\s+", "", text).upper()
        for word, role in self.words.items():
            if role == "unit" and squeezed.endswith(word):
                number = squeezed.removesuffix(word)
                if not number or _SCALE_WITH_UNIT.fullmatch(number):
                    return "scale"
        return None


def variants(text: str) -> tuple[str, ...]:
    """Return a text as read and as it would be if letters and digits had been confused."""
    found = [text]
    letters, digits = _confusions()
    for table in (letters, digits):
        other = text.upper().translate(table)
        if other != text.upper():
            found.append(other)
    return tuple(found)


def spelled(text: str) -> str:
    """Return a text with each digit as the letter it is confused with, in capitals."""
    return text.upper().translate(_confusions()[0])


def _spaced(text: str) -> str:
    return _BETWEEN.sub(" ", text).strip().upper()


@cache
def _confusions() -> tuple[dict[int, str], dict[int, str]]:
    """Return digits to letters (of several the first), and letters to digits."""
    letters: dict[int, str] = {}
    digits: dict[int, str] = {}
    for row in read_csv("pixel_confusions.csv"):
        letters.setdefault(ord(row["digit"]), row["letter"])
        digits[ord(row["letter"])] = row["digit"]
    return letters, digits


@cache
def _rows() -> tuple[dict[str, str], ...]:
    return tuple(read_csv("pixel_markers.csv"))
