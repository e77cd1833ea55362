"""What is done with the elements and attributes of a CDA body, by name."""

from __future__ import annotations

from functools import cache

from deid.tables import read_csv

__all__ = ["attribute_kind", "is_block", "is_dropped"]


@cache
def _names() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {"element": {}, "attribute": {}}
    for row in read_csv("cda_words.csv"):
        where = "element" if row["kind"] in {"drop", "block"} else "attribute"
        found[where][row["name"]] = row["kind"]
    return found


def is_dropped(name: str) -> bool:
    """Tell whether an element of the body is left out with all it holds."""
    return _names()["element"].get(name) == "drop"


def is_block(name: str) -> bool:
    """Tell whether an element's text is also read as one, since markup may cut a name in two."""
    return _names()["element"].get(name) == "block"


def attribute_kind(name: str) -> str:
    """Return ``token``, ``number`` or ``text`` for an attribute that may stay, else nothing."""
    return _names()["attribute"].get(name, "")
