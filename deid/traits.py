"""Identity traits of one person, as French practice names them, folded so that spellings agree.

The national identity number (INS, which is the NIR) stands for a person alone. The strict traits
are birth family name, first given name, birth date and sex. A trait that is missing, a fill-in or
not plausible is empty: nothing is guessed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache

from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from deid.dates import valid_day
from deid.french import is_nir
from deid.tables import read_csv
from deid.values import encodings_of, items_of, safe_item, text_of

__all__ = ["Traits", "fold_name", "name_key", "read_traits"]

_EARLIEST_BIRTH = "18900101"
_SHORTEST_NAME = 2
_LETTERS_OF_TWO = (("œ", "oe"), ("æ", "ae"), ("ß", "ss"), ("ø", "o"), ("ł", "l"), ("đ", "d"))
_ABBREVIATED = {"st": "saint", "ste": "sainte"}
_INS_OIDS = frozenset({"1.2.250.1.213.1.4.8", "1.2.250.1.213.1.4.9"})
"""Assigning authorities of INS numbers, NIR and NIA (Agence du numérique en santé)."""
_SEX_OF_NIR = {"1": "M", "7": "M", "2": "F", "8": "F"}


@dataclass(frozen=True)
class Traits:
    """What one object says of its patient, folded; an empty field says nothing."""

    names: str = field(default="", repr=False)
    """Family and given name in alphabetical order, so that swapped components agree."""
    birth_date: str = field(default="", repr=False)
    sex: str = field(default="", repr=False)
    ins: str = field(default="", repr=False)
    """The 13 characters of the NIR before its key."""


def read_traits(ds: Dataset, birth_name: str, ins_attribute: str | None) -> Traits:
    """Return the traits in a header.

    Parameters
    ----------
    birth_name : str
        ``PatientBirthName``, or ``PatientName`` where the site says that it holds the birth name.
    ins_attribute : str or None
        Keyword of the attribute that holds the INS; ``OtherPatientIDsSequence`` counts only items
        whose issuer is the INS's (PS3.3 C.7.1.1, 10.14).
    """
    family = _text(ds, birth_name)
    given = family if "^" in family else _text(ds, "PatientName")
    birth_date, sex = _birth_date(_text(ds, "PatientBirthDate")), _text(ds, "PatientSex").upper()
    sex = sex if sex in {"M", "F"} else ""
    numbers = _ins_values(ds, ins_attribute) if ins_attribute else iter(())
    valid = {n[:13] for v in numbers if (n := _compact(v)) and is_nir(n)}
    ins = valid.pop() if len(valid) == 1 else ""
    if ins and not _ins_agrees(ins, birth_date, sex):
        ins = ""  # a child under the number of the parent who insures it
    return Traits(name_key(_component(family, 0), _component(given, 1)), birth_date, sex, ins)


def name_key(family: str, given: str) -> str:
    """Return both names folded, in alphabetical order; "" unless both are plausible."""
    parts = sorted((fold_name(family), fold_name(given)))
    return "|".join(parts) if all(map(_is_name, parts)) else ""


def fold_name(text: str) -> str:
    """Return a name without case, accents, hyphens, blanks and apostrophes; particles joined.

    ``D'Estaing``, ``DESTAING`` and ``d estaing`` come to the same; so do ``Saint`` and ``ST``.
    """
    lowered = text.casefold()
    for two, one in _LETTERS_OF_TWO:
        lowered = lowered.replace(two, one)
    plain = "".join(c for c in unicodedata.normalize("NFKD", lowered) if not _is_mark(c))
    words = re.findall(r"[^\W_]+", plain)
    return "".join(_ABBREVIATED.get(word, word) for word in words)


def _is_mark(character: str) -> bool:
    return unicodedata.category(character) in {"Mn", "Me", "Cf"}


def _is_name(folded: str) -> bool:
    known = len(folded) >= _SHORTEST_NAME and folded.isalpha() and len(set(folded)) > 1
    return known and folded not in _fill_ins("name")


@cache
def _fill_ins(kind: str) -> frozenset[str]:
    return frozenset(r["value"] for r in read_csv("not_traits.csv") if r["kind"] == kind)


def _birth_date(value: str) -> str:
    digits = value.replace(".", "")
    plausible = valid_day(digits) and digits >= _EARLIEST_BIRTH
    return digits if plausible and digits not in _fill_ins("date") else ""


def _component(value: str, place: int) -> str:
    """Return a component of the first group that is not empty (PS3.5 6.2.1.2)."""
    group = next((g for g in value.split("\\", maxsplit=1)[0].split("=") if g.strip()), "")
    parts = group.split("^")
    return parts[place] if place < len(parts) else ""


def _text(ds: Dataset, keyword: str, parent: Sequence[str] = ("iso8859",)) -> str:
    tag = tag_for_keyword(keyword)
    if tag is None or tag not in ds:
        return ""
    return text_of(safe_item(ds, BaseTag(tag)), encodings_of(ds, parent))


def _ins_values(ds: Dataset, keyword: str) -> Iterator[str]:
    if keyword != "OtherPatientIDsSequence":
        yield from _text(ds, keyword).split("\\")
        return
    tag = BaseTag(0x00101002)
    if tag not in ds:
        return
    for item in items_of(ds, safe_item(ds, tag), encodings_of(ds, ("iso8859",))):
        qualifiers = BaseTag(0x00100024)
        if qualifiers not in item:
            continue
        issuers = items_of(item, safe_item(item, qualifiers), ("iso8859",))
        if any(_text(issuer, "UniversalEntityID") in _INS_OIDS for issuer in issuers):
            yield _text(item, "PatientID")


def _compact(value: str) -> str:
    return re.sub(r"[ .\-]", "", value).upper()


def _ins_agrees(ins: str, birth_date: str, sex: str) -> bool:
    """Tell whether sex, year and month in the NIR contradict nothing that the header says."""
    if sex and _SEX_OF_NIR.get(ins[0]) not in {sex, None}:
        return False
    if not birth_date:
        return True
    month = int(ins[3:5])
    return ins[1:3] == birth_date[2:4] and (month > 12 or ins[3:5] == birth_date[4:6])
