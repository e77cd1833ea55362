"""The receipt of a withdrawal, and what whoever holds a version is told; English and French."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

__all__ = ["receipt_text"]


def receipt_text(receipt: Mapping[str, Any]) -> str:
    """Return the receipt for people, from its plain values."""
    removed = dict(receipt["removed"])
    size = removed.pop("bytes") / 1e6
    closed = ", ".join(f"v{one}" for one in receipt["closed_versions"])
    version, gate = receipt["next_version"], "; ".join(receipt["gate"])
    waits = (f"waits for readers ({gate})", f"attend les lecteurs ({gate})") if gate else None
    none = ("none was released", "aucune n'a été livrée")
    following = (f"v{version}",) * 2 if version else waits or none
    template = files(__package__).joinpath("receipt.md").read_text(encoding="utf-8")
    return template.format(
        **{k: v for k, v in receipt.items() if k not in {"removed", "closed_versions"}},
        files=sum(removed.values()),
        size=size,
        closed=closed or "none",
        closed_fr=closed or "aucune",
        following=following[0],
        following_fr=following[1],
    )
