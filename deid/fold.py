"""Text folded for comparison: case, accents, width and invisible characters gone."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

__all__ = ["Folded", "fold", "squeeze"]

_LIGATURES = {"œ": "o", "Œ": "o", "æ": "a", "Æ": "a", "’": "'", "\u00a0": " ", "\u2011": "-"}
_HANGUL = ("\uac00", "\ud7a3")
"""Syllables that decompose into letters: folded to the first, all names would look alike."""


@dataclass(frozen=True)
class Folded:
    """Folded text and, where characters went, the place of each in the original."""

    text: str
    places: tuple[int, ...] | None = None

    def original(self, span: tuple[int, int]) -> tuple[int, int]:
        """Return where a span of the folded text lies in the original."""
        if self.places is None:
            return span
        start, end = span
        return self.places[start], self.places[end]


def fold(text: str) -> str:
    """Return ``text`` folded, of the same length, so that a place in one is a place in the other.

    ``LEFÈVRE`` and ``Lefevre`` come to the same.
    """
    if text.isascii():
        return text.lower()
    return "".join(_fold_character(character) for character in text)


def squeeze(text: str) -> Folded:
    """Return ``text`` folded, without the characters that are not seen.

    An accent written as a character of its own (``e`` + U+0301), a soft hyphen or a zero-width
    blank inside a name would otherwise hide it.
    """
    if text.isascii():
        return Folded(text.lower())
    kept: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        folded = _fold_character(character)
        if not _is_unseen(folded):
            kept.append(folded)
            places.append(place)
    if len(kept) == len(text):
        return Folded("".join(kept))
    return Folded("".join(kept), (*places, len(text)))


@lru_cache(maxsize=4096)
def _fold_character(character: str) -> str:
    if character in _LIGATURES:
        return _LIGATURES[character]
    if _HANGUL[0] <= character <= _HANGUL[1]:
        return character
    base = unicodedata.normalize("NFKD", character)[:1].casefold()
    return base[:1] or character


@lru_cache(maxsize=4096)
def _is_unseen(character: str) -> bool:
    """Tell whether a character is a mark on another (Mn, Me) or a format character (Cf)."""
    return not character.isascii() and unicodedata.category(character) in {"Mn", "Me", "Cf"}
