"""Invented people of the twin: French names with accents and particles, numbers, addresses."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from pipelines.audit.french import luhn, nir_key

__all__ = ["Names", "Person"]


@dataclass(frozen=True)
class Person:
    """One invented person."""

    family: str
    given: str

    @property
    def pn(self) -> str:
        """The name as PN (PS3.5 6.2.1)."""
        return f"{self.family}^{self.given}"


class Names:
    """Makes people and numbers; none comes twice, the same seed gives the same ones.

    Parameters
    ----------
    seed : int
        Seed of the sequence.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - invented people, no secrets
        words = _words()
        stems = [
            a + b + c for a in words["onsets"] for b in words["middles"] for c in words["ends"]
        ]
        self._random.shuffle(stems)
        self._families = iter(stems)
        self._numbers: set[int] = set()

    def person(self) -> Person:
        """Return a person whose family name no one else has."""
        particle = self._random.choice(_words()["particles"])
        return Person(f"{particle}{next(self._families)}", self._random.choice(_words()["given"]))

    def family(self) -> str:
        """Return a family name that no one else has, without a particle."""
        return str(next(self._families))

    def foreign(self, charset: str) -> Person:
        """Return a name written in another script."""
        family, given = _words()["foreign"][charset]
        return Person(family, given)

    def digits(self, count: int) -> str:
        """Return a number of ``count`` digits that comes only once, not beginning with 0."""
        while True:
            number = self._random.randrange(2 * 10 ** (count - 1), 10**count)
            if number not in self._numbers and not str(number).startswith(("20", "19")):
                self._numbers.add(number)
                return str(number)

    def day(self, first_year: int, last_year: int) -> str:
        """Return a date (YYYYMMDD) whose day and month cannot be read the other way round."""
        year = self._random.randint(first_year, last_year)
        return f"{year}{self._random.randint(1, 12):02d}{self._random.randint(13, 28):02d}"

    def nir(self, born: str) -> str:
        """Return a NIR with its key (13 + 2), now and then of Corsica."""
        place = self._random.choice(["33", "75", "2A", "2B", "69"])
        number = f"2{born[2:4]}{born[4:6]}{place}{self._random.randrange(100000, 999999)}"
        return f"{number}{nir_key(number):02d}"

    def rpps(self) -> str:
        """Return an RPPS number with its check digit."""
        body = "10" + self.digits(8)
        return next(body + str(d) for d in range(10) if luhn(body + str(d)))

    def telephone(self) -> str:
        """Return a telephone number, as written in France."""
        text = "05" + self.digits(8)
        return " ".join(text[i : i + 2] for i in range(0, 10, 2))

    def town(self) -> str:
        """Return an address whose town is written nowhere else but in addresses."""
        words = _words()
        street, number = self._random.choice(words["streets"]), self._random.randint(1, 99)
        return f"{number} {street}, {self.digits(5)} {self._random.choice(words['towns'])}"

    def integer(self, below: int) -> int:
        """Return a number below ``below``."""
        return self._random.randrange(below)


@cache
def _words() -> Any:
    path = files("pipelines.audit") / "data" / "twin_words.json"
    return json.loads(path.read_text(encoding="utf-8"))
