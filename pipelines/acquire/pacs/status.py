"""What a DIMSE status means for us: a table of statuses, each with a code and what may help."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

import yaml

from config.errors import AccordageError, ConfigurationError, TransientError

__all__ = ["Verdict", "judge_status", "status_error"]


@dataclass(frozen=True)
class Verdict:
    """One row of the table."""

    first: int
    last: int
    kind: Literal["success", "pending", "cancel", "warning", "failure"]
    code: str | None = None
    retry: bool = False
    """The same request may succeed later."""
    next: bool = False
    """This method will never do, another may."""


@cache
def _table() -> tuple[Verdict, ...]:
    source = files(__package__).joinpath("statuses.yaml").read_text(encoding="utf-8")
    return tuple(Verdict(**row) for row in yaml.safe_load(source))


def judge_status(status: int) -> Verdict:
    """Return what a DIMSE status (0x0000 to 0xFFFF) means."""
    return next(row for row in _table() if row.first <= status <= row.last)


def status_error(status: int) -> AccordageError | None:
    """Return the error a final status stands for; None for success and warning."""
    verdict = judge_status(status)
    if verdict.code is None:
        return None
    kind = TransientError if verdict.retry or verdict.kind == "cancel" else ConfigurationError
    return kind(verdict.code, f"status 0x{status:04X}")
