"""Identifiers whoever they belong to: French numbers with check digits, mail, telephone."""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["identifiers"]

_NIR = re.compile(
    r"(?<![\d.])([1-478][ .]?\d\d[ .]?(?:0[1-9]|1[0-2]|[2-9]\d)[ .]?(?:\d\d|2[ab])[ .]?\d{3}"
    r"[ .]?\d{3})[ .]?(?:cle|key|/)?[ .:]*(\d\d)(?![\d.])",
    re.IGNORECASE,
)
_RPPS = re.compile(r"(?<![\d.])[18]\d{10}(?![\d.])")
_FINESS = re.compile(r"finess\W{0,6}((?:\d\d|2[ab])\d{7})(?!\d)", re.IGNORECASE)
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}", re.IGNORECASE)
_TELEPHONE = re.compile(
    r"(?<![\w.-])(?:(?:\+|00)33[ .-]?(?:\(0\))?[ .-]?|0)[1-9](?:[ .-]?\d\d){4}(?![\d.])"
)


def identifiers(text: str) -> Iterator[str]:
    """Yield the kind of every identifier that stands in ``text`` and whose check digits agree."""
    for match in _NIR.finditer(text):
        if nir_key(match[1]) == int(match[2]):
            yield "NIR"
    for match in _RPPS.finditer(text):
        if luhn(match[0]):
            yield "RPPS"
    yield from ("FINESS" for _ in _FINESS.finditer(text))
    yield from ("mail address" for _ in _MAIL.finditer(text))
    yield from ("telephone number" for _ in _TELEPHONE.finditer(text))


def nir_key(number: str) -> int:
    """Return the key of a NIR: 97 less the number modulo 97, Corsica's letters as 19 and 18."""
    digits = re.sub(r"[ .]", "", number).upper().replace("2A", "19").replace("2B", "18")
    return 97 - int(digits) % 97


def luhn(digits: str) -> bool:
    """Tell whether a number's last digit is its check digit (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 + place % 2)
        total += doubled - 9 * (doubled > 9)
    return total % 10 == 0
