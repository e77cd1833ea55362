"""Postal addresses in text: street, box, postcode with its town; France first, then English."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from deid.tables import read_lines
from deid.vocabulary import vocabulary

__all__ = ["address_spans"]

Span = tuple[int, int]

_PARTICLE = r"(?:de|du|des|la|le|les|l|d|aux|au|en|sur|sous|saint|sainte|st|ste)"
_WORD = r"[^\W\d_]{1,40}"
_NUMBER = r"(?<![\d.,])\d{1,4}(?:[ ]?(?:bis|ter|quater|[a-d]))?,?[ ]+"
_TAIL = rf"(?:[ ]+(?:{_PARTICLE}[ '’-]+)*{_WORD}(?:[ '’-]{_WORD}){{0,4}})"
_BOX = re.compile(
    r"(?<![^\W_])(?:bp|cs|tsa)[ ]?\d{2,6}(?![\w])|[^\W\d_][\w' -]{2,40}[ ]cedex(?:[ ]\d\d?)?"
)
_POSTCODE = re.compile(
    r"(?<![\d.,])(?:f[ -]|fr[ -])?((?:0[1-9]|[1-8]\d|9[0-58])\d{3}|2[ab]\d{3}|97[1-68]\d\d)"
    rf"[ ,-]+({_WORD})(?:[ '’-]{_WORD}){{0,3}}"
)
_ENGLISH = re.compile(
    rf"(?<![\d.,])\d{{1,5}}[ ]+(?:[nsew]\.?[ ]+)?(?:{_WORD}[ ]+){{1,3}}"
    r"(?:street|road|avenue|ave|lane|drive|boulevard|blvd|court|terrace|way|parkway|rd)(?![^\W_])"
    rf"(?:[ ,.]+(?:apt|suite|ste|unit|floor|#)[ .#]*\w+)?"
)
_STATE = re.compile(
    rf"(?<![^\W\d_]){_WORD}(?: {_WORD})?,[ ]*[a-z]{{2}}[ ]+\d{{5}}(?:-\d{{4}})?(?!\d)"
)


def address_spans(folded: str) -> Iterator[Span]:
    """Yield where an address or a part of one stands in folded text.

    A street word that is also everyday language (``place``, ``cours``, ``route``) needs a house
    number before it, and a town a postcode before it that is not followed by a word of the
    protocol vocabulary.
    """
    if not any(character.isdigit() for character in folded):
        yield from (match.span() for match in _street(numbered=False).finditer(folded))
        return
    for pattern in (_street(numbered=True), _street(numbered=False), _BOX, _ENGLISH, _STATE):
        for match in pattern.finditer(folded):
            if not {*re.findall(_WORD, match[0])} & _never():
                yield match.span()
    for match in _POSTCODE.finditer(folded):
        if match[2] not in vocabulary() and len(match[2]) > 2:
            yield match.span()


@cache
def _street(*, numbered: bool) -> re.Pattern[str]:
    words = [line.split() for line in read_lines("street_words.txt")]
    chosen = "|".join(word for word, kind in words if numbered or kind == "always")
    number = _NUMBER if numbered else ""
    return re.compile(rf"{number}(?<![^\W_])(?:{chosen})\.?(?![^\W_]){_TAIL}")


@cache
def _never() -> frozenset[str]:
    """Return words of technique that show that a number before a street word was none."""
    return frozenset({"mm", "ms", "hz", "sec", "min", "slices", "coupes", "chimiotherapie", "cure"})
