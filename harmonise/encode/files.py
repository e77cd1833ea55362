"""Names of files and folders: made from identifiers, read back."""

from __future__ import annotations

import re
from pathlib import Path

from harmonise.data import table

__all__ = ["folder_name", "region_of_file"]

UNSAFE = re.compile(r"[^A-Za-z0-9._-]")
LONGEST_NAME = 64
"""LO and UI hold no more (PS3.5 6.2)."""


def folder_name(text: str) -> str:
    """Return ``text`` as the name of one folder: it can neither be empty nor lead elsewhere."""
    name = UNSAFE.sub("_", text)[:LONGEST_NAME].lstrip(".")
    return name or "unknown"


def region_of_file(path: Path) -> str:
    """Return which mask ``<volume_id>.<region>.nii.gz`` or ``.dcm`` holds; "" for no mask."""
    parts = path.name.removesuffix(".nii.gz").removesuffix(".dcm").rsplit(".", 1)
    return parts[1] if len(parts) == 2 and parts[1] in table("segments") else ""
