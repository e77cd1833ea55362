"""The circuit breaker: a PACS that fails several times in a row is left alone for a while."""

from __future__ import annotations

from dataclasses import dataclass

from config.kindness import Limits

__all__ = ["Breaker"]


@dataclass
class Breaker:
    """Failures in a row, and until when the PACS is left alone (seconds since 1970)."""

    limits: Limits
    failures: int = 0
    open_until: float = 0.0
    code: str | None = None

    def is_open(self, now: float) -> bool:
        """Tell whether the PACS is to be left alone."""
        return now < self.open_until

    def failed(self, code: str, now: float) -> bool:
        """Count a failure; tell whether it opened the breaker.

        After a pause one try is allowed: if it fails too, the pause begins anew.
        """
        self.failures += 1
        self.code = code
        if self.failures < self.limits.breaker_failures:
            return False
        self.open_until = now + self.limits.breaker_pause_s
        return True

    def worked(self) -> None:
        """Forget the failures."""
        self.failures, self.open_until, self.code = 0, 0.0, None
