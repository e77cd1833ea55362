"""Slow down when a PACS answers at twice its usual time, and come back when it does not.

The response time is measured in seconds an instance, apart for each modality, since a mammogram
takes longer than a CT slice however well the PACS feels.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from statistics import median

__all__ = ["Pace"]

_FIRST = 8
"""Studies of a modality after which its usual response time is known."""
_MEMORY = 0.4
"""Share of the newest study in the running mean: about the last four count."""
_DRIFT = 0.02
"""How fast the usual time follows the present one while the PACS is not slow."""


@dataclass
class _Seen:
    first: list[float] = field(default_factory=list)
    usual: float | None = None
    present: float | None = None


class Pace:
    """How fast a PACS answers now, beside how fast it usually does."""

    def __init__(self, kept: str = "{}") -> None:
        self._seen = {name: _Seen(**facts) for name, facts in json.loads(kept).items()}

    def note(self, modality: str, seconds_per_instance: float) -> None:
        """Take in how long a study took."""
        seen = self._seen.setdefault(modality, _Seen())
        present = seen.present if seen.present is not None else seconds_per_instance
        seen.present = present + _MEMORY * (seconds_per_instance - present)
        if seen.usual is None:
            seen.first.append(seconds_per_instance)
            if len(seen.first) >= _FIRST:
                seen.usual, seen.first = median(seen.first), []
        elif seen.present < 1.5 * seen.usual:
            seen.usual += _DRIFT * (seen.present - seen.usual)

    def ratio(self, modality: str) -> float:
        """Return the present response time over the usual one; 1 while that is not known."""
        seen = self._seen.get(modality)
        if seen is None or not seen.usual or seen.present is None:
            return 1.0
        return seen.present / seen.usual

    def pause_s(self, modality: str, took_s: float, slow_ratio: float, longest_s: float) -> float:
        """Return how long to leave the PACS alone after a study that took ``took_s``.

        At twice its usual time the PACS is left alone as long as it worked, at three times twice
        as long: the load we are falls as its response time rises.
        """
        ratio = self.ratio(modality)
        if ratio < slow_ratio:
            return 0.0
        return min(longest_s, took_s * (ratio - 1))

    def as_text(self) -> str:
        """Return what is to be kept, as JSON."""
        return json.dumps({name: vars(seen) for name, seen in self._seen.items()}, sort_keys=True)
