"""The demo's data tables, read from the YAML files beside this module."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

__all__ = ["load_table", "load_template"]

_DATA = Path(__file__).parent / "data"


@cache
def load_table(name: str) -> dict[str, Any]:
    """Return ``data/<name>.yaml`` with numbers as numbers."""
    table: dict[str, Any] = yaml.safe_load((_DATA / f"{name}.yaml").read_text("utf-8"))
    return table


@cache
def load_template(name: str) -> dict[str, Any]:
    """Return ``data/headers/<name>.yaml`` with every scalar as the string it is.

    YAML's own types would turn ``NO`` into False and ``00`` into 0; DICOM values are text here.
    """
    text = (_DATA / "headers" / f"{name}.yaml").read_text("utf-8")
    # BaseLoader builds strings, lists and dicts only.
    template: dict[str, Any] = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506
    return template
