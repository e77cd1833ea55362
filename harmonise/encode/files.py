"""Names of folders made from identifiers."""

from __future__ import annotations

import re

__all__ = ["folder_name"]

UNSAFE = re.compile(r"[^A-Za-z0-9._-]")
LONGEST_NAME = 64
"""LO and UI hold no more (PS3.5 6.2)."""


def folder_name(text: str) -> str:
    """Return ``text`` as the name of one folder: it can neither be empty nor lead elsewhere."""
    name = UNSAFE.sub("_", text)[:LONGEST_NAME].lstrip(".")
    return name or "unknown"
