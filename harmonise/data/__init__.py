"""Tables of the room, as YAML: vendor fields, classification rules, header keywords."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import yaml

__all__ = ["table"]


@cache
def table(name: str) -> Any:
    """Return the shipped table ``<name>.yaml``, read once; callers must not change it."""
    return yaml.safe_load((files(__package__) / f"{name}.yaml").read_text(encoding="utf-8"))
