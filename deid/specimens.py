"""Numbers of specimens and containers: one pseudonym for one number of one patient in one project.

A laboratory numbers the block, the slide cut from it and the glass it lies on; the same number
stands in several attributes, in the steps of the preparation and in reports. Wherever it stands it
becomes the same pseudonym, so that slides of one specimen stay together and others apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from pydicom.dataset import Dataset

from deid.identity import concept_code
from deid.keys import Keys, keyed_text
from deid.tables import read_csv

__all__ = ["SPECIMEN_NUMBERS", "specimen_pseudonym", "treatment_of"]

SPECIMEN_NUMBERS = frozenset({"ContainerIdentifier", "SpecimenIdentifier"})
"""Attributes that hold such a number (PS3.3 C.7.6.22)."""


def specimen_pseudonym(keys: Keys, subject: str, number: str) -> str:
    """Return ``K-`` and ten characters for a laboratory's number of one patient.

    ``subject`` is in it: laboratories begin their count anew every year, and the same number of two
    patients must not join them.
    """
    return keyed_text(keys, f"specimen of {subject}", number.strip(" \0"))


def treatment_of(item: Dataset, encodings: Sequence[str]) -> str | None:
    """Return ``keyed`` or ``issuer`` for the text of a content item about a specimen, else None."""
    return _concepts().get(concept_code(item, encodings))


@cache
def _concepts() -> dict[str, str]:
    return {row["code"]: row["becomes"] for row in read_csv("specimen_concepts.csv")}
