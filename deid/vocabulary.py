"""The protocol vocabulary: words of descriptions that are safe whoever the patient is.

A word of the vocabulary is never cut because it stands in somebody's name: SEIN DROIT stays for a
patient called DROIT. It goes where the context says that it is a name: as part of the whole name,
after a civil title, or alone as the whole text. A word that is a surname first (PETIT, BLANC) is
no word of the vocabulary; it stays only inside the phrases it is used in (PETIT BASSIN).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from deid.fold import squeeze
from deid.tables import read_lines

__all__ = [
    "is_known_word",
    "phrase_spans",
    "phrase_words",
    "unknown_spans",
    "unknown_words",
    "vocabulary",
]

_WORD = re.compile(r"[^\W_]+")
_LETTERS = re.compile(r"[^\W\d_]+")
_NONE: frozenset[str] = frozenset()
_LIGATURES = (("oe", "o"), ("ae", "a"))
"""A ligature folds to one letter (:func:`deid.fold.fold`): ``cœur`` reads ``cour``."""


@cache
def vocabulary() -> frozenset[str]:
    """Return the folded words of the protocol vocabulary."""
    words = set(read_lines("protocol_words.txt"))
    for two, one in _LIGATURES:
        words |= {word.replace(two, one) for word in words if two in word}
    return frozenset(words)


@cache
def phrase_words() -> frozenset[str]:
    """Return the words of the phrases that are no words of the vocabulary."""
    words = {word for line in read_lines("protocol_phrases.txt") for word in line.split()}
    return frozenset(words - vocabulary())


def phrase_spans(folded: str) -> list[tuple[int, int]]:
    """Return where a phrase of the vocabulary stands in folded text."""
    return [match.span() for match in _phrases().finditer(folded)]


def is_known_word(word: str, accepted: frozenset[str] = _NONE) -> bool:
    """Tell whether a folded word is of the vocabulary, or made of its words (``t2w``)."""
    if word in vocabulary() or word in accepted or not any(c.isalpha() for c in word):
        return True
    return all(
        len(run) == 1 or run in vocabulary() or run in accepted for run in _LETTERS.findall(word)
    )


def unknown_words(text: str, accepted: Iterable[str] = ()) -> list[str]:
    """Return the words of a cleaned text that no one has judged yet, folded, in their order.

    Numbers, single letters, words of the vocabulary and of its phrases, and ``accepted`` words are
    known. What is left may be a harmless word of a site, or a name that no header gave away.
    """
    folded = squeeze(text).text
    return [folded[start:end] for start, end in _unknown_spans(folded, frozenset(accepted))]


def unknown_spans(text: str, accepted: frozenset[str]) -> list[tuple[int, int]]:
    """Return where the unknown words of a text stand, for a policy that removes them."""
    folded = squeeze(text)
    return [folded.original(span) for span in _unknown_spans(folded.text, accepted)]


def _unknown_spans(folded: str, accepted: frozenset[str]) -> list[tuple[int, int]]:
    phrases = phrase_spans(folded)
    return [
        match.span()
        for match in _WORD.finditer(folded)
        if not is_known_word(match[0], accepted)
        and not any(start <= match.start() < end for start, end in phrases)
    ]


@cache
def _phrases() -> re.Pattern[str]:
    lines = sorted(read_lines("protocol_phrases.txt"), key=lambda line: (-len(line), line))
    spelled = (r"[\s'_.-]+".join(map(re.escape, line.split())) for line in lines)
    return re.compile(rf"(?<![^\W\d_])(?:{'|'.join(spelled)})(?![^\W\d_])")
