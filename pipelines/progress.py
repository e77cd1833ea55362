"""How a stage tells people where it is, and what it leaves as its account."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

__all__ = ["Progress", "Silent", "StageAccount", "timed"]


class Progress(Protocol):
    """What a stage calls while it works; the command line draws a bar, a flow logs."""

    def begin(self, stage: str, total: int) -> None:
        """Say that ``stage`` starts and has ``total`` studies to look at."""

    def advance(self, stage: str) -> None:
        """Say that one more study of ``stage`` is settled."""


class Silent:
    """Tell nobody."""

    def begin(self, stage: str, total: int) -> None:
        """Ignore."""

    def advance(self, stage: str) -> None:
        """Ignore."""


@dataclass
class StageAccount:
    """What a stage did: studies worked on, found done before, refused and waiting by code."""

    stage: str
    project: str
    site: str = ""
    done: int = 0
    skipped: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    waiting: dict[str, int] = field(default_factory=dict)
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    seconds: float = 0.0

    def refuse(self, code: str) -> None:
        """Count one refusal."""
        self.refused[code] = self.refused.get(code, 0) + 1

    def wait(self, code: str, studies: int) -> None:
        """Say that so many studies are left for another time."""
        self.waiting[code] = studies


@contextmanager
def timed(account: StageAccount) -> Iterator[StageAccount]:
    """Measure how long the stage takes."""
    start = time.perf_counter()
    try:
        yield account
    finally:
        account.seconds = time.perf_counter() - start
