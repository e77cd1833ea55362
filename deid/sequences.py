"""Sequences of words looked up in a text: linear in the text, whatever the number of names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

__all__ = ["Token", "Tokens", "WordSequences"]

_TOKEN = re.compile(r"[^\W\d_]+|\d+")
_WIDEST_GAP = 5
"""Characters between two words of one name: ``LEFEVRE  (Elodie)``."""

Token = tuple[str, int, int]
Span = tuple[int, int]


@dataclass(frozen=True)
class Tokens:
    """The runs of letters and of digits of a folded text, with their places."""

    text: str
    runs: tuple[Token, ...]

    @classmethod
    def of(cls, folded: str) -> Tokens:
        """Return the runs of ``folded``."""
        return cls(folded, tuple((m[0], m.start(), m.end()) for m in _TOKEN.finditer(folded)))

    def digit_beside(self, start: int, end: int) -> bool:
        """Tell whether a digit touches what lies between ``start`` and ``end``."""
        around = self.text[max(start - 1, 0) : start] + self.text[end : end + 1]
        return any(character.isdigit() for character in around)


class WordSequences:
    """Finds any of many sequences of words; the longest that starts at a word wins."""

    def __init__(self, sequences: Iterable[Sequence[str]]) -> None:
        by_first: dict[str, list[tuple[str, ...]]] = {}
        for words in sorted({tuple(words) for words in sequences}, key=lambda w: (-len(w), w)):
            by_first.setdefault(words[0], []).append(words)
        self._by_first = by_first
        self.first = frozenset(by_first)

    def spans(self, tokens: Tokens) -> list[Span]:
        """Return where one of the sequences stands; a single letter beside a digit is no word."""
        found, at = [], 0
        while at < len(tokens.runs):
            size = self._match(tokens, at)
            if size:
                found.append((tokens.runs[at][1], tokens.runs[at + size - 1][2]))
            at += size or 1
        return found

    def _match(self, tokens: Tokens, at: int) -> int:
        for words in self._by_first.get(tokens.runs[at][0], ()):
            if _stands(words, tokens, at):
                return len(words)
        return 0


def _stands(words: tuple[str, ...], tokens: Tokens, at: int) -> bool:
    runs = tokens.runs[at : at + len(words)]
    if len(runs) < len(words) or any(run[0] != word for run, word in zip(runs, words, strict=True)):
        return False
    if any(b[1] - a[2] > _WIDEST_GAP for a, b in pairwise(runs)):
        return False
    return not any(
        len(word) == 1 and word.isalpha() and tokens.digit_beside(start, end)
        for word, start, end in runs
    )
