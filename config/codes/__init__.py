"""The table of codes: each with its sentence and next step, in English and French.

One YAML file a room; one table.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

import yaml

__all__ = ["Code", "codes", "explain_code"]


@dataclass(frozen=True)
class Code:
    """What a code says to people."""

    code: str
    en: str
    fr: str
    next_en: str
    next_fr: str
    kind: Literal["refusal", "flag", "outcome", "stop"] = "refusal"


@cache
def codes() -> dict[str, Code]:
    """Return every code of the table, keyed by its name."""
    table: dict[str, Code] = {}
    for file in sorted(files(__package__).iterdir(), key=lambda f: f.name):
        if not file.name.endswith(".yaml"):
            continue
        for name, row in yaml.safe_load(file.read_text(encoding="utf-8")).items():
            if name in table:
                raise ValueError(f"code {name} is in two tables")
            table[name] = Code(code=name, **row)
    return table


def explain_code(code: str) -> Code:
    """Return the sentences of a code; an unknown one is a defect and raises ``KeyError``."""
    return codes()[code]
