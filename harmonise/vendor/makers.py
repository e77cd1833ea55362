"""Makers: what a header calls the manufacturer, in one vocabulary."""

from __future__ import annotations

import re

from harmonise.data import table

__all__ = ["manufacturer_of"]


def manufacturer_of(said: str | None) -> str | None:
    """Return the vocabulary's name of a maker; None where the header does not say."""
    if not said:
        return None
    for row in table("acquisition_words")["manufacturers"]:
        if re.search(row["pattern"], said.lower()):
            return str(row["name"])
    return "other"
