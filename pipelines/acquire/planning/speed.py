"""How fast one way to a PACS is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Speed"]


@dataclass(frozen=True)
class Speed:
    """One study by one method."""

    method: str
    instances: int
    bytes: int
    seconds: float
    code: str | None
    """What was odd or failed; None when nothing was."""

    @property
    def mb_per_s(self) -> float:
        """Megabytes (10^6 bytes) a second."""
        return self.bytes / 1e6 / self.seconds if self.seconds else 0.0

    def as_text(self) -> str:
        """Return one line for people."""
        text = f"{self.method}: {self.instances} instances, {self.mb_per_s:.2f} MB/s"
        return f"{text} in {self.seconds:.2f} s" + (f", {self.code}" if self.code else "")

    def as_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {**vars(self), "mb_per_s": round(self.mb_per_s, 3)}
