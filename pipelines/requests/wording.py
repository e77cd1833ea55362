"""A request's criteria in plain words: what the officer reads and signs, English and French."""

from __future__ import annotations

from collections.abc import Sequence

from config.request import Criteria
from pipelines.cohort.roles import role_label

__all__ = ["criteria_in_words"]


def criteria_in_words(criteria: Criteria) -> tuple[str, str]:
    """Return the criteria as a sentence in English and one in French."""
    english = [f"Subjects of the collection {criteria.collection}"]
    french = [f"Sujets de la collection {criteria.collection}"]
    if criteria.roles:
        english.append("who have " + _and([role_label(r, "en") for r in criteria.roles], "and"))
        french.append("qui ont " + _and([role_label(r, "fr") for r in criteria.roles], "et"))
    if criteria.sites:
        english.append("seen at " + _and(criteria.sites, "or"))
        french.append("vus à " + _and(criteria.sites, "ou"))
    if criteria.vendors:
        english.append("in a scanner of " + _and(criteria.vendors, "or"))
        french.append("sur un appareil de " + _and(criteria.vendors, "ou"))
    if criteria.field_strengths_t:
        fields = [f"{one:g}" for one in criteria.field_strengths_t]
        english.append(f"of {_and(fields, 'or')} T")
        french.append(f"de {_and([one.replace('.', ',') for one in fields], 'ou')} T")
    return " ".join(english) + ".", " ".join(french) + "."


def _and(words: Sequence[str], last: str) -> str:
    *most, final = words
    return f"{', '.join(most)} {last} {final}" if most else final
