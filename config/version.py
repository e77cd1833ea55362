"""The version of this code; part of every result's key, so that new code makes new results."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version

__all__ = ["code_version"]


@cache
def code_version() -> str:
    """Return the installed version of the distribution."""
    return version("accordage")
