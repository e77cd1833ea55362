"""Bytes that stay in their file: pixel values are named by their place, never read."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Span"]


@dataclass(frozen=True)
class Span:
    """A value as a place in the source file; it has a length and stands for ``bytes`` there."""

    offset: int
    length: int

    def __len__(self) -> int:
        return self.length
