"""What a number may have been before a spreadsheet broke it: proposals, in order of evidence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

__all__ = ["Proposal", "proposals"]

MOST = 3
"""Proposals that are asked of the PACS for one line."""


@dataclass(frozen=True)
class Proposal:
    """A number that may be meant, and why; prints the reason only."""

    number: str = field(repr=False)
    evidence: str


def proposals(
    number: str, shown: str, site_digits: Sequence[int], found_digits: Iterable[int]
) -> list[Proposal]:
    """Return what a number may have been; none for one that nothing speaks for repairing.

    Parameters
    ----------
    number : str
        As the list has it, and as the PACS does not know it.
    shown : str
        As the sheet's number format shows it, with zeros; empty when it shows none.
    site_digits : Sequence[int]
        Lengths the site file gives.
    found_digits : Iterable[int]
        Lengths of the list's numbers that the PACS knows, the most frequent first.
    """
    made: dict[str, str] = {}
    if shown:
        made[shown] = "the sheet's number format shows these zeros"
    bare = number
    if number.endswith((".0", ",0")) and number[:-2].isdigit():
        bare = number[:-2]
        made.setdefault(bare, "a spreadsheet added a fraction of zero")
    if bare.isdigit():
        for digits in site_digits:
            if digits > len(bare):
                made.setdefault(bare.zfill(digits), f"the site writes {digits} digits")
        for digits in found_digits:
            if digits > len(bare):
                made.setdefault(bare.zfill(digits), f"lines that were found have {digits} digits")
    else:
        squeezed = "".join(number.split())
        if squeezed != number:
            made.setdefault(squeezed, "without the spaces in it")
        if number != number.upper():
            made.setdefault(number.upper(), "in capitals")
    made.pop(number, None)
    return [Proposal(one, why) for one, why in made.items()][:MOST]
