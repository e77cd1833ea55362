"""The scanner: which needles stand in a text, found through the four letters in their middle."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pipelines.audit.needles import Needle
from pipelines.audit.text import fold, squeeze

__all__ = ["Scanner"]

_LONG_NUMBER = 7
"""Digits from which a number is found inside a word as well."""


class Scanner:
    """Finds any of many needles in a text; the time depends on the text, not on the needles.

    Parameters
    ----------
    needles : iterable of Needle
        What is searched.
    """

    def __init__(self, needles: Iterable[Needle]) -> None:
        self._plain: dict[str, list[Needle]] = {}
        self._squeezed: dict[str, list[Needle]] = {}
        self._short: list[Needle] = []
        for needle in sorted(needles, key=lambda n: (n.text, n.kind)):
            index = self._squeezed if needle.squeezed else self._plain
            if len(needle.text) < 4:
                self._short.append(needle)
                continue
            index.setdefault(_middle(needle.text), []).append(needle)

    def find(self, text: str) -> Iterator[tuple[Needle, int]]:
        """Yield needles that stand in ``text``, with a place in it (-1 where separators count not).

        ``text`` is folded here.
        """
        folded = fold(text)
        for needle in _candidates(folded, self._plain):
            at = _place(folded, needle)
            if at >= 0:
                yield needle, at
        tight = squeeze(folded)
        for needle in _candidates(tight, self._squeezed):
            if needle.text in tight:
                yield needle, -1
        for needle in self._short:
            if needle.text in (tight if needle.squeezed else folded):
                yield needle, -1


def _middle(text: str) -> str:
    at = len(text) // 2 - 2
    return text[at : at + 4]


def _candidates(text: str, index: dict[str, list[Needle]]) -> Iterator[Needle]:
    if index and len(text) >= 4:
        grams = {text[i : i + 4] for i in range(len(text) - 3)}
        for gram in sorted(grams & index.keys()):
            yield from index[gram]


def _place(text: str, needle: Needle) -> int:
    """Return where a needle stands, on its own when it is bounded; -1 when it does not."""
    at = text.find(needle.text)
    while at >= 0 and needle.bounded:
        end = at + len(needle.text)
        before, after = text[at - 1 : at], text[end : end + 1]
        brief = needle.kind == "number" and len(needle.text) < _LONG_NUMBER
        glued = (before + after).isalnum() if brief else False
        ends = _continues(before, needle.text[0]) or _continues(after, needle.text[-1])
        if not ends and not glued:
            return at
        at = text.find(needle.text, at + 1)
    return at


def _continues(neighbour: str, edge: str) -> bool:
    """Tell whether a letter goes on in a letter, or a digit in a digit."""
    return neighbour.isdigit() if edge.isdigit() else neighbour.isalpha()
