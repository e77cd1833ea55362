"""A person's name as it may be written elsewhere: order, separators, case and accents folded."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, reduce

from deid.fold import squeeze
from deid.particles import particles
from deid.tables import read_lines
from deid.vocabulary import vocabulary

__all__ = ["NameForms", "is_ideographic", "name_forms", "not_names", "written_forms"]

SHORTEST_PART = 4
"""Letters; a shorter part (``LE``, ``LY``) is hunted only together with the rest of the name."""
FREE_STANDING = 6
"""Letters from which a part is also found inside a longer word (``DUPONT`` in ``DUPONTMARIE``)."""
_SHORTEST_PAIR = 4
_LETTERS = re.compile(r"[^\W\d_]+|\d+")
_SPELLED = (
    ("œ", "oe"),
    ("æ", "ae"),
    ("ß", "ss"),
    ("ä", "ae"),
    ("ö", "oe"),
    ("ü", "ue"),
    ("ø", "oe"),
)
_LIGATURES = (("oe", "o"), ("ae", "a"))
"""``LECOEUR`` may be written ``LECŒUR``, which folds to ``lecour``."""

Words = tuple[str, ...]


@dataclass(frozen=True)
class NameForms:
    """Folded forms of names.

    ``parts`` stand alone; ``pairs`` are (family, given); ``whole`` are the words of whole names in
    every order and spelling; ``weak`` are parts that are also words of the vocabulary, or short:
    they count as a name only where the context says so. ``single`` are parts, in each spelling.
    """

    parts: frozenset[str]
    pairs: frozenset[tuple[str, str]]
    whole: frozenset[Words]
    single: frozenset[Words]
    weak: frozenset[str]


def name_forms(names: Iterable[str]) -> NameForms:
    """Return the forms of PN values (PS3.5 6.2.1): three groups, five components each."""
    parts: set[str] = set()
    pairs: set[tuple[str, str]] = set()
    whole: set[Words] = set()
    single: set[Words] = set()
    weak: set[str] = set()
    for person in {spelled for name in names for spelled in _respelled(name)}:
        components = _components(person)
        own = {pair for pair in _pairs(components) if _identifies(pair)}
        pairs |= own
        forms = {form for pair in own for form in _orders(*pair)}
        whole |= forms | {(word,) for form in forms for word in _joined(form)}
        for component in components:
            words = tuple(_LETTERS.findall(component))
            for word in {component, "".join(words), *words} - {""}:
                (parts if _is_strong(word) else weak).add(word)
            single.update(form for form in spellings(words) if _is_strong("".join(form)))
    known = not_names() | particles()
    short = {word for word in weak if len(word) > 1 and word not in known and word.isalpha()}
    return NameForms(
        frozenset(parts), frozenset(pairs), frozenset(whole), frozenset(single), frozenset(short)
    )


def written_forms(names: Iterable[str]) -> Iterable[str]:
    """Yield whole names with their accents, both orders, four separators, in every usual case.

    For a search in bytes, where an accented letter has no case of its own.
    """
    for name in names:
        for group in name.split("="):
            parts = [part.strip() for part in re.split(r"\^|,", group) if part.strip()][:2]
            for one, two in (parts, parts[::-1]) if len(parts) == 2 else ((group, ""),):
                for text in (f"{one}{between}{two}".strip() for between in ("^", " ", ",", ", ")):
                    yield from {text, text.lower(), text.upper(), text.title()}


def spellings(words: Words) -> set[Words]:
    """Return how a component of a name may be divided: ``le goff``, ``legoff``, ``goff``.

    Particles are joined to the word after them, taken apart from it, or left out.
    """
    if not words:
        return set()
    found = {words, ("".join(words),)}
    at = 0
    while at < len(words) - 1 and words[at] in particles():
        at += 1
        found |= {
            words[at:],
            ("".join(words[:at]), *words[at:]),
            (*words[:at], "".join(words[at:])),
        }
    for form in tuple(found):
        found.update((*divided, *form[1:]) for divided in _divided(form[0]))
        found.add(tuple(_SAINTS.get(word, word) for word in form))
    return found - {()}


_SAINTS = {"saint": "st", "sainte": "ste", "st": "saint", "ste": "sainte"}


def _divided(word: str) -> Iterator[Words]:
    for particle in particles():
        rest = word.removeprefix(particle)
        if rest != word and len(rest) >= 3:
            yield (particle, rest)
            yield from ((particle, *more) for more in _divided(rest))


def _respelled(name: str) -> Iterator[str]:
    """Yield the folded groups of a name, with and without ligatures and umlauts."""
    lowered = name.lower()
    spelled = reduce(lambda text, pair: text.replace(*pair), _SPELLED, lowered)
    for text in {lowered, spelled}:
        for group in squeeze(text).text.split("="):
            yield group
            for two, one in _LIGATURES:
                if two in group:
                    yield group.replace(two, one)


def _components(group: str) -> list[str]:
    """Return family, given and middle name; a name in one piece is divided at its blanks."""
    return [part.strip() for part in re.split(r"\^|,", group)[:3] if part.strip(" .-")]


def _pairs(components: list[str]) -> Iterator[tuple[str, str]]:
    if len(components) == 1:
        words = components[0].split()
        if 2 <= len(words) <= 4:
            yield words[0], " ".join(words[1:])
            yield words[-1], " ".join(words[:-1])
        return
    family = components[0] if components else ""
    for given in components[1:]:
        yield family, given
    if len(components) > 2:
        yield family, " ".join(components[1:])
    words = [word for word in _LETTERS.findall(family) if len(word) > 1]
    for word in words if len(words) > 1 else []:
        if word not in particles() and word not in not_names() and word not in vocabulary():
            yield word, components[1]  # of two family names often one is written


def _identifies(pair: tuple[str, str]) -> bool:
    letters = "".join(pair)
    return not {*pair} <= not_names() and (
        len(letters) >= _SHORTEST_PAIR or is_ideographic(letters)
    )


def _joined(form: Words) -> Iterator[str]:
    """Yield a whole name written in one piece (``LYAN``), unless initials make it a chance word."""
    word = "".join(form)
    if is_ideographic(word):
        yield word
        return
    is_long = all(len(part) > 1 for part in form) and len(word) >= _SHORTEST_PAIR
    if is_long and word not in vocabulary() and word not in not_names():
        yield word


def _orders(family: str, given: str) -> Iterator[Words]:
    """Yield the words of a whole name in both orders, given names also as initials."""
    first = tuple(_LETTERS.findall(given))
    letters = tuple(word[:1] for word in first)
    givens = {*spellings(first), letters, ("".join(letters),), first[:1], letters[:1]} - {()}
    for one in spellings(tuple(_LETTERS.findall(family))):
        if len("".join(one)) < 2 and not is_ideographic(family):
            continue
        for two in givens:
            yield from ((*one, *two), (*two, *one))


def _is_strong(word: str) -> bool:
    """Tell whether a part of a name is hunted wherever it stands."""
    letters = sum(character.isalpha() for character in word)
    long_enough = letters >= SHORTEST_PART or (is_ideographic(word) and letters >= 2)
    return long_enough and word not in not_names() and word not in vocabulary()


def is_ideographic(word: str) -> bool:
    """Tell whether a word is written without blanks around it (Chinese, Japanese, Korean)."""
    return any(ord(character) > 0x2E80 for character in word)


@cache
def not_names() -> frozenset[str]:
    """Return folded words that stand in names and numbers but identify no one."""
    return frozenset(read_lines("not_names.txt"))
