"""What is planted in the frames of ``burned_frames.py``: people, their numbers, and markers."""

from __future__ import annotations

import random
from dataclasses import dataclass

from deid.identity import Identity

FAMILIES = (
    "LEFÈVRE", "DUPONT", "MÜLLER", "HÉBERT", "LE GOFF", "D'ALMEIDA", "N'GUYEN", "BEN AÏSSA",
    "GARÇON", "BAÎNE", "LECŒUR", "SAINT-ÉTIENNE", "PÉRON", "CHÂTELAIN", "ROUX", "LY", "NGO",
    "VAN DER BÉKEN", "FRANÇOIS", "JOÜON", "THÉVENOT", "MARTIN", "OLIVEIRA", "KOWALSKI",
    "ÖZDEMIR", "TRAORÉ", "BOËL", "QUÉMENEUR", "GUÉRIN-LASSALLE", "ZOLA",
)  # fmt: skip
GIVENS = (
    "Élodie", "Marie", "Zoé", "Hélène", "Françoise", "Aïcha", "Noël", "Jérôme", "An", "Loïc",
    "Anne-Sophie", "Gaël", "René", "Mathilde", "Inès", "Cécile", "Raphaël", "Ève", "Thaïs", "Luc",
)  # fmt: skip
HOSPITALS = (
    "CHU DE BORDEAUX", "Hôpital Saint-Éloi", "AP-HP Bicêtre", "Clinique des Cèdres",
    "CH d'Hyères", "Centre Léon Bérard", "Institut Curie", "HÔPITAL NECKER", "CHRU Nancy",
    "Polyclinique du Val de Loire", "CHU Côte de Nacre", "GHU Pitié-Salpêtrière",
)  # fmt: skip
MONTHS = (
    "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre",
    "octobre", "novembre", "décembre",
)  # fmt: skip
MARKERS = {
    "mammogram": (
        "RMLO", "LMLO", "RCC", "LCC", "R MLO", "L CC", "RML", "LML", "R", "L", "D", "G", "CC",
        "MLO", "R-MLO", "L-CC", "RLM",
    ),
    "radiograph": ("R", "L", "D", "G", "AP", "PA", "R", "L", "LAT"),
    "ultrasound": ("R", "L", "D", "G", "R", "L", "CC", "MLO"),
    "capture": ("R", "L", "D", "G"),
}  # fmt: skip


@dataclass(frozen=True)
class Person:
    """Whose frames these are."""

    family: str
    given: str
    born: tuple[int, int, int]
    seen: tuple[int, int, int]
    number: str
    nir: str
    hospital: str
    doctor: str

    def identity(self) -> Identity:
        """Return what the headers of this study would give."""
        return Identity(
            names=frozenset({f"{self.family}^{self.given}", self.doctor}),
            ids=frozenset({self.number, self.nir}),
            institutions=frozenset({self.hospital}),
            birth_dates=frozenset({"{:04}{:02}{:02}".format(*self.born)}),
            dates=frozenset({"{:04}{:02}{:02}".format(*self.seen)}),
            exam_dates=frozenset({"{:04}{:02}{:02}".format(*self.seen)}),
        )


def draw_person(rng: random.Random) -> Person:
    born = (rng.randint(1931, 2004), rng.randint(1, 12), rng.randint(1, 28))
    seen = (rng.randint(2015, 2025), rng.randint(1, 12), rng.randint(1, 28))
    body = f"{rng.choice('12')}{born[0] % 100:02}{born[1]:02}{rng.randint(1, 95):02}"
    body += f"{rng.randint(1, 900):03}{rng.randint(1, 900):03}"
    return Person(
        rng.choice(FAMILIES),
        rng.choice(GIVENS),
        born,
        seen,
        str(rng.randint(10**6, 10**10 - 1)),
        f"{body}{97 - int(body) % 97:02}",  # the key of the NIR
        rng.choice(HOSPITALS),
        rng.choice(FAMILIES),
    )


def draw_identity(person: Person, rng: random.Random) -> str:
    """Return one line that identifies the person, in one of the ways consoles write it."""
    year, month, day = person.born
    seen_year, seen_month, seen_day = person.seen
    nir = person.nir
    given = person.given
    time = f"{rng.randint(0, 23):02}:{rng.randint(0, 59):02}"
    return rng.choice((
        f"{person.family} {given}",
        f"{person.family} {given}",
        f"{given} {person.family}",
        f"{person.family}, {given}",
        f"{person.family} {given.upper()}",
        f"{person.family}^{given.upper()}",
        f"Mme {given} {person.family}",
        f"Nom : {person.family}",
        person.family,
        f"IPP {person.number}",
        f"ID: {person.number}",
        person.number,
        f"{nir[0]} {nir[1:3]} {nir[3:5]} {nir[5:7]} {nir[7:10]} {nir[10:13]} {nir[13:]}",
        f"{day:02}/{month:02}/{year}",
        f"{day:02}.{month:02}.{year}",
        f"{year}-{month:02}-{day:02}",
        f"Né(e) le {day:02}/{month:02}/{year}",
        f"DDN {day:02}/{month:02}/{year}",
        f"{day} {MONTHS[month - 1]} {year}",
        f"{seen_day:02}/{seen_month:02}/{seen_year} {time}",
        f"{seen_year}{seen_month:02}{seen_day:02}",
        person.hospital,
        person.hospital,
        f"Dr {person.doctor}",
        f"{person.family} {given} {day:02}/{month:02}/{year} {person.number}",
    ))  # fmt: skip
