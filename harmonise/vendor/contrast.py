"""Whether a contrast agent was given: a word of the vocabulary out of free text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from harmonise.data import table
from harmonise.series import Finding

__all__ = ["contrast_finding", "contrast_of"]


def contrast_of(agent: str | None) -> str | None:
    """Return ``given`` or ``none``; None where (0018,0010) says nothing."""
    words = " ".join(re.findall(r"[a-z]+", (agent or "").lower()))
    if not words:
        return None
    return "none" if re.search(table("acquisition_words")["no_contrast"], words) else "given"


def contrast_finding(header: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield the word for (0018,0010); the text itself may hold a name and is not kept."""
    agent = header.get("ContrastBolusAgent")
    found = contrast_of(agent if isinstance(agent, str) else None)
    if found is not None:
        yield Finding("contrast", found, "(0018,0010)", "an agent is named or denied")
