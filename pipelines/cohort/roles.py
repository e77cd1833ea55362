"""Names of roles for people, in English and French."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any, Literal

import yaml

__all__ = ["role_label", "role_of", "role_rank"]


B_VALUE = " b "
"""Stands between a role and its b-value in s/mm2: another b-value is another stratum."""


def role_label(role: str | None, language: Literal["en", "fr"] = "en") -> str:
    """Return what a role is called; a role without a name is shown as it is."""
    base, _, b_value = (role or "other").partition(B_VALUE)
    row = _table().get(base)
    name = str(row[language]) if row else base
    return f"{name}, b {b_value}" if b_value else name


def role_rank(role: str) -> int:
    """Return where a role stands in a list: in the order of the table, then the rest."""
    table = list(_table())
    base = role.partition(B_VALUE)[0]
    return table.index(base) if base in table else len(table)


def role_of(role: str | None, b_value: float | None) -> str:
    """Return the role as a stratum: with its b-value, where it has one."""
    return str(role) if b_value is None else f"{role}{B_VALUE}{b_value:g}"


@cache
def _table() -> dict[str, Any]:
    text = files(__package__).joinpath("roles.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))
