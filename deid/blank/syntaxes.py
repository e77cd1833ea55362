"""How the pixels of a transfer syntax lie: uncompressed, in a codec without loss, JPEG, lossy."""

from __future__ import annotations

from deid.tables import read_csv

__all__ = ["how_of"]


def how_of(syntax_uid: str) -> str | None:
    """Return ``native``, ``lossless``, ``jpeg`` or ``lossy``; None for an unknown syntax."""
    return {row["uid"]: row["how"] for row in read_csv("blank_syntaxes.csv")}.get(syntax_uid)
