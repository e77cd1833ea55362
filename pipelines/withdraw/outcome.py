"""What is left of a row whose subject withdrew."""

from __future__ import annotations

from typing import Any

__all__ = ["WITHDRAWN", "WITHDRAWN_ROW"]

WITHDRAWN = "withdrawn"
"""Outcome of a row that was withdrawn; it is never asked for again."""

WITHDRAWN_ROW: dict[str, Any] = {
    "subject": None,
    "study_uid": None,
    "outcome": WITHDRAWN,
    "code": WITHDRAWN.upper(),
    "detail": "",
    "quarantined": {},
}
"""What the hub keeps of a study whose subject withdrew, before or after it came."""
