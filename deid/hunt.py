"""The hunt for a study's own identity in text: find it, cut it out, leave the rest."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache, lru_cache
from itertools import pairwise

from deid.epoch import epochs_in
from deid.fold import fold, squeeze
from deid.identity import Identity
from deid.names import (
    FREE_STANDING,
    SHORTEST_PART,
    is_ideographic,
    name_forms,
    not_names,
)
from deid.particles import particles
from deid.patterns import pattern_spans, person_spans
from deid.sequences import Tokens, WordSequences
from deid.tables import read_lines
from deid.vocabulary import phrase_spans, phrase_words, unknown_spans, vocabulary
from deid.writtendates import dates_in

__all__ = ["LONG_ID", "Hunter", "hunter_for"]

_SHORTEST_ID = 4
"""Characters; a shorter number (a StudyID of 1) says nothing and is everywhere."""
LONG_ID = 6
"""Characters from which a number is hunted everywhere, not only in text."""
_SPACED_ID = 8
"""Digits from which a number is also found with blanks, dots or hyphens inside."""
_SPACED = re.compile(r"\d(?:[ .\-/]?\d){7,}")
_LETTER_BY_LETTER = re.compile(r"(?<![^\W_])[^\W\d_](?:[ ._-][^\W\d_]){5,}(?![^\W_])")
"""``L E F E V R E``."""
_ROUNDS = 6
"""Cuts may bring two halves of a name together, so a text is cleaned until nothing is found."""

Span = tuple[int, int]


class Hunter:
    """Finds the names, numbers, places and dates of one identity in text.

    A word of the protocol vocabulary counts as a name only inside a whole name, after a civil
    title, or as the whole text (:mod:`deid.vocabulary`).

    Parameters
    ----------
    identity : Identity
        What is hunted.
    institutions : bool
        Whether the names of institutions are hunted too (not under 113112).
    """

    def __init__(self, identity: Identity, *, institutions: bool) -> None:
        self.written_names = identity.names
        self.forms = name_forms(identity.names)
        ids = {number for number in map(fold, identity.ids) if len(number) >= _SHORTEST_ID}
        self.ids = frozenset(ids - not_names() - vocabulary())
        self.dates = identity.dates | identity.birth_dates
        self.birth_dates = identity.birth_dates
        self.last_exam = max(identity.exam_dates, default="")
        known = set(identity.places) | (set(identity.institutions) if institutions else set())
        self.places = frozenset(_place_forms(known))
        brief = {tuple(Tokens.of(n).runs) for n in self.ids if len(n) < LONG_ID}
        numbers = {tuple(run[0] for run in runs) for runs in brief if runs}
        self._whole = WordSequences(self.forms.whole)
        self._all = WordSequences(self.forms.whole | self.forms.single | self.places | numbers)
        self._long = tuple(sorted(n for n in _bare(self.ids) if len(n) >= LONG_ID))
        self._digits = tuple(sorted(n for n in self._long if n.isdigit() and len(n) >= _SPACED_ID))
        joined = {"".join(words) for words in self.forms.whole | self.forms.single}
        parts = self.forms.parts | {
            word for words in self.places for word in words[:1] if not words[1:]
        }
        self._inside = tuple(sorted(filter(_found_inside, joined | parts)))
        self._inside_whole = tuple(
            sorted(filter(_found_inside, {"".join(words) for words in self.forms.whole}))
        )
        self._in_phrases = bool(phrase_words() & {w for words in self._all.first for w in (words,)})

    def spans(self, folded: str) -> list[Span]:
        """Return where the identity stands in folded text."""
        tokens = Tokens.of(folded)
        found = [match.span() for match in dates_in(folded, self.dates)]
        found += epochs_in(tokens, self.dates)
        words = {run[0] for run in tokens.runs}
        if not self._all.first.isdisjoint(words):
            found += [span for span in self._all.spans(tokens) if not _is_decimal(folded, span)]
        found += self._insiders(folded, self._inside, tokens)
        found += self._numbers(folded)
        for match in _LETTER_BY_LETTER.finditer(folded):
            found += _apart(match, self._inside, str.isalpha)
        if not self.forms.weak.isdisjoint(words):
            found += self._weak(tokens)
        if found and self._in_phrases:
            spared = phrase_spans(folded)
            found = [span for span in found if not _within(span, spared)]
        return found

    def whole_spans(self, folded: str) -> list[Span]:
        """Return where a whole name or a long number stands in folded text."""
        tokens = Tokens.of(folded)
        found = self._numbers(folded)
        if not self._whole.first.isdisjoint({run[0] for run in tokens.runs}):
            found += self._whole.spans(tokens)
        return found + self._insiders(folded, self._inside_whole, tokens)

    def clean(
        self,
        text: str,
        *,
        patterns: bool = False,
        whole: bool = False,
        persons: bool = False,
        accepted: frozenset[str] | None = None,
    ) -> str:
        """Return ``text`` without the identity; ``patterns`` also cuts what looks like one.

        ``whole`` cuts whole names and long numbers only; ``persons`` also what names anybody beyond
        doubt. With ``patterns``, ``accepted`` are the only words that stay beside the vocabulary;
        None lets every word stay. A text in which nothing was found comes back as it was; one in
        which there is no end of finding comes back empty.
        """
        for _ in range(_ROUNDS):
            folded = squeeze(text)
            found = self.whole_spans(folded.text) if whole else self.spans(folded.text)
            spans = [folded.original(span) for span in found]
            if patterns:
                spans += pattern_spans(text, fold(text))
                spans += unknown_spans(text, accepted) if accepted is not None else []
            elif persons:
                spans += person_spans(text, fold(text))
            if not spans:
                return text
            text = cut(text, spans)
        return ""

    def _insiders(self, folded: str, needles: tuple[str, ...], tokens: Tokens) -> list[Span]:
        """Return parts of names inside longer words, unless that word is of the vocabulary."""
        found = [span for needle in needles if needle in folded for span in _all(needle, folded)]
        if not found:
            return []
        safe = [(start, end) for word, start, end in tokens.runs if word in vocabulary()]
        return [span for span in found if not _within(span, safe)] if safe else found

    def _numbers(self, folded: str) -> list[Span]:
        found = [span for number in self._long if number in folded for span in _all(number, folded)]
        if self._digits:
            for match in _SPACED.finditer(folded):
                found += _apart(match, self._digits, str.isdigit)
        return found

    def _weak(self, tokens: Tokens) -> list[Span]:
        """Return weak parts of names where the context makes them names."""
        weak, runs = self.forms.weak, tokens.runs
        found = [
            (two[1], two[2])
            for one, two in pairwise(runs)
            if one[0] in _titles() and two[0] in weak and two[1] - one[2] <= 3
        ]
        letters = {run[0] for run in runs}
        alone = letters <= weak | particles() and any(
            len(w) >= SHORTEST_PART for w in letters & weak
        )
        if alone and all(word.isalpha() for word in letters):
            found.append((runs[0][1], runs[-1][2]))
        return found


@lru_cache(maxsize=64)
def hunter_for(identity: Identity, *, institutions: bool) -> Hunter:
    """Return the hunter of an identity, made once for all objects of a study."""
    return Hunter(identity, institutions=institutions)


def cut(text: str, spans: Iterable[Span]) -> str:
    """Return ``text`` without ``spans``; nothing when no letter or digit is left."""
    kept, at = [], 0
    for start, end in sorted(spans):
        if start > at:
            kept.append(text[at:start])
        at = max(at, end)
    kept.append(text[at:])
    joined = re.sub(r"\([\s,;.-]*\)|\[[\s,;.-]*\]", "", " ".join(part.strip(" ") for part in kept))
    joined = re.sub(r"([_^/;,-]) +(?=\1)", "", joined)
    left = re.sub(r"[ \t]{2,}", " ", joined).strip(" \t,;:/_-^")
    left = left.lstrip(")] ,;") if left.count("(") < left.count(")") else left
    return left if any(character.isalnum() for character in left) else ""


def _all(needle: str, text: str) -> Iterable[Span]:
    return [match.span() for match in re.finditer(re.escape(needle), text)]


def _within(span: Span, around: Iterable[Span]) -> bool:
    return any(start <= span[0] and span[1] <= end for start, end in around)


def _found_inside(word: str) -> bool:
    return len(word) >= FREE_STANDING or (is_ideographic(word) and len(word) >= 2)


def _is_decimal(folded: str, span: Span) -> bool:
    """Tell whether a number is a part of a longer one (``1.2345``), so no short identifier."""
    start, end = span
    if not folded[start:end].isdigit():
        return False
    before, after = folded[max(start - 1, 0) : start], folded[end : end + 2]
    touches = before.isalnum() or after[:1].isalnum()
    return touches or before == "." or (after[:1] == "." and after[1:].isdigit())


def _bare(numbers: Iterable[str]) -> set[str]:
    """Return long numbers, also without their leading zeros and without the letters around them."""
    found = set(numbers)
    for number in numbers:
        found |= {
            number.lstrip("0"),
            re.sub(r"^\D+|\D+$", "", number),
            re.sub(r"[ ./-]", "", number),
        }
    return found


def _apart(
    match: re.Match[str], wanted: Iterable[str], counts: Callable[[str], bool]
) -> list[Span]:
    """Return where one of ``wanted`` stands in characters with separators between them."""
    places = [place for place, character in enumerate(match[0]) if counts(character)]
    joined = "".join(match[0][place] for place in places)
    base = match.start()
    return [
        (base + places[start], base + places[end - 1] + 1)
        for word in wanted
        if word in joined
        for start, end in _all(word, joined)
    ]


def _place_forms(places: Iterable[str]) -> Iterable[tuple[str, ...]]:
    for place in map(fold, places):
        words = tuple(run[0] for run in Tokens.of(place).runs)
        telling = {word for word in words if len(word) > 1 and word.isalpha()} - _common_words()
        if telling and len("".join(words)) >= SHORTEST_PART:
            yield words
            joined = "".join(words)
            if len(words) <= 3 and joined.isalpha() and joined not in _common_words():
                yield (joined,)
        for word in words:
            if len(word) >= SHORTEST_PART and word.isalpha() and word not in _common_words():
                yield (word,)


@cache
def _common_words() -> frozenset[str]:
    generic = frozenset(read_lines("institution_words.txt"))
    return generic | vocabulary() | not_names()


@cache
def _titles() -> frozenset[str]:
    """Return civil titles, folded; ``m`` and ``dr`` count only before somebody's name."""
    return frozenset(read_lines("titles.txt"))
