"""Particles of family names: ``de``, ``van``, ``ben``, ``mc``."""

from __future__ import annotations

from functools import cache

from deid.tables import read_lines

__all__ = ["particles"]


@cache
def particles() -> frozenset[str]:
    """Return the folded particles."""
    return frozenset(read_lines("particles.txt"))
