"""Fictitious French people and the numbers that name them; drawn from a seed, never real."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from pipelines.demo.tables import load_table

__all__ = ["Person", "local_number", "make_person", "nir_key", "plain"]

# INSEE: letters of the Corsican departments count as these digits in the control key.
_CORSICA = {"2A": "19", "2B": "18"}


@dataclass(frozen=True)
class Person:
    """One person; the same at every hospital, where only the local number differs."""

    key: str
    family: str
    given: str
    birth_name: str
    sex: str
    birth_date: date
    nir: str
    address: str
    phone: str

    @property
    def pn(self) -> str:
        """Family and given name as a Person Name (PS3.5 section 6.2.1)."""
        return f"{self.family}^{self.given}"

    @property
    def civil(self) -> str:
        """Title as written in French texts."""
        return "M." if self.sex == "M" else "Mme"


def plain(text: str) -> str:
    """Return upper-case text without accents, as clerks type it."""
    folded = unicodedata.normalize("NFKD", text.replace("Œ", "OE").replace("œ", "oe"))
    return "".join(c for c in folded if not unicodedata.combining(c)).upper()


def nir_key(body: str) -> str:
    """Return the two control digits of a 13-character NIR: 97 - (number modulo 97)."""
    digits = body
    for letters, number in _CORSICA.items():
        if body[5:7] == letters:
            digits = body[:5] + number + body[7:]
    return f"{97 - int(digits) % 97:02d}"


def make_person(key: str, seed: int) -> Person:
    """Return one person of ``people.yaml`` with numbers drawn from the seed and the key alone."""
    table = load_table("people")
    row = table["persons"][key]
    rng = np.random.default_rng([seed, *key.encode()])
    birth = date(1941, 1, 1) + timedelta(days=int(rng.integers(0, 26 * 365)))
    department = row.get("department", "99")
    sex_digit = "1" if row["sex"] == "M" else "2"
    body = f"{sex_digit}{birth:%y%m}{department}999{rng.integers(900, 1000):03d}"
    pairs = rng.integers(10, 99, size=2)
    phone = f"{_pick(rng, table['phone_ranges'])} {pairs[0]:02d} {pairs[1]:02d}"
    return Person(
        key=key,
        family=row["family"],
        given=row["given"],
        birth_name=row.get("birth_name", ""),
        sex=row["sex"],
        birth_date=birth,
        nir=body + nir_key(body),
        address=f"{_pick(rng, table['streets'])}, {_pick(rng, table['towns'])}",
        phone=phone,
    )


def local_number(key: str, site: str, seed: int, pattern: str) -> str:
    """Return the patient number (IPP) that one hospital gave a person."""
    rng = np.random.default_rng([seed, *key.encode(), *site.encode()])
    return pattern.format(int(rng.integers(1_000_000, 9_999_999)))


def _pick(rng: np.random.Generator, values: list[str]) -> str:
    return values[int(rng.integers(len(values)))]
