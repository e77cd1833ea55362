"""What time it is, and waiting: passed in, so that a night can be simulated in seconds."""

from __future__ import annotations

import threading
import time
from typing import Protocol

__all__ = ["Clock", "SimulatedClock", "SystemClock"]


class Clock(Protocol):
    """Seconds since 1970, and waiting."""

    def now(self) -> float:
        """Return the time in seconds since 1970."""

    def wait(self, seconds: float) -> None:
        """Return once so many seconds have passed."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        """Return the time in seconds since 1970."""
        return time.time()

    def wait(self, seconds: float) -> None:
        """Sleep."""
        time.sleep(max(0.0, seconds))


class SimulatedClock:
    """A clock that stands still unless somebody waits; safe among threads.

    Parameters
    ----------
    start : float
        Seconds since 1970.
    """

    def __init__(self, start: float) -> None:
        self._now = start
        self._lock = threading.Lock()

    def now(self) -> float:
        """Return the simulated time."""
        with self._lock:
            return self._now

    def wait(self, seconds: float) -> None:
        """Move the simulated time on."""
        with self._lock:
            self._now += max(0.0, seconds)
