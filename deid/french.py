"""French identifiers and their check digits: NIR, RPPS, FINESS, SIREN and SIRET.

The check digit names the kind and lets a number written with blanks be told from a list of
b-values. A number whose check digit is wrong is still cut where it is long enough to identify.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["french_numbers", "is_finess", "is_nir", "is_rpps", "luhn", "nir_key"]

_NIR = re.compile(
    r"(?<!\d)(?<!\d[.,])([1-478])[ .\-]?(\d\d)[ .\-]?(\d\d)[ .\-]?(\d\d|2[ab])[ .\-]?(\d{3})"
    r"[ .\-]?(\d{3})(?:[ .\-/]{0,3}(\d\d))?(?!\d)"
)
_RPPS = re.compile(r"(?<!\d)(?<!\d[.,])[18]\d(?:[ .]?\d){9}(?!\d)(?![.,]\d)")
_CORSICAN = re.compile(r"(?<![a-z0-9])2[ab][ .]?\d{3}[ .]?\d{3}[ .]?\d(?![a-z0-9])")
_CORSICA = {"2a": "19", "2b": "18"}
_ROUND = 50
"""s/mm2: b-values are multiples of it, so that a list of them is no spaced number."""


def nir_key(body: str) -> int:
    """Return the key of the 13 characters of a NIR: 97 - (n mod 97).

    For those born in Corsica 2A counts as 19 and 2B as 18 (decree 82-103 of 22 January 1982).
    """
    digits = body.lower()
    for letters, number in _CORSICA.items():
        if digits[5:7] == letters:
            digits = digits[:5] + number + digits[7:]
    return 97 - int(digits) % 97


def is_nir(number: str) -> bool:
    """Tell whether 15 characters are a NIR, or the provisional number that stands for one.

    Sex 1 or 2 (3, 4, 7, 8 while provisional), month 01-12 or the codes 20-42 and 50-99 of an
    uncertain one, department 01-95, 2A, 2B, 97, 98 or 99 (born abroad).
    """
    match = _NIR.fullmatch(number.lower())
    return match is not None and match[7] is not None and _is_plausible(match) and _key_fits(match)


def luhn(digits: str) -> bool:
    """Tell whether the last digit is the check digit of Luhn (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, character in enumerate(reversed(digits)):
        total += sum(divmod(int(character) * 2, 10)) if place % 2 else int(character)
    return total % 10 == 0


def is_rpps(number: str) -> bool:
    """Tell whether 11 digits are an RPPS number (shared directory of health professionals)."""
    return len(number) == 11 and number.isdigit() and number[0] in "18" and luhn(number)


def is_finess(number: str) -> bool:
    """Tell whether 9 characters are a FINESS number: department, six digits, Luhn's key.

    The key of a Corsican one (2A, 2B) is not checked: its rule is not published with the register.
    """
    if re.fullmatch(r"2[abAB]\d{7}", number):
        return True
    return len(number) == 9 and number.isdigit() and "00" < number[:2] <= "98" and luhn(number)


def french_numbers(folded: str) -> Iterator[tuple[str, int, int]]:
    """Yield (kind, start, end) of the French numbers in folded text, also written with blanks."""
    for match in _NIR.finditer(folded):
        if _is_plausible(match) and (match[7] is None or match[0].isalnum() or _key_fits(match)):
            yield ("NIR", *match.span())
        elif match[7] is not None and _is_plausible(match):
            yield ("NIR, wrong key", *match.span())
    for match in _RPPS.finditer(folded):
        groups = re.split(r"[ .]", match[0])
        is_list = len(groups) > 1 and all(int(group) % _ROUND == 0 for group in groups[1:])
        if is_rpps("".join(groups)) and not is_list:
            yield ("RPPS", *match.span())
    for match in _CORSICAN.finditer(folded):
        yield ("FINESS or ADELI", *match.span())


def _is_plausible(match: re.Match[str]) -> bool:
    """Tell whether month and department can be those of a birth; a list of numbers fails here."""
    month, department = int(match[3]), match[4]
    known_month = 1 <= month <= 12 or 20 <= month <= 42 or 50 <= month <= 99
    known_place = department in _CORSICA or (department.isdigit() and int(department) > 0)
    return known_month and known_place and int(match[6]) > 0


def _key_fits(match: re.Match[str]) -> bool:
    return match[7] is not None and nir_key("".join(match.groups()[:6])) == int(match[7])
