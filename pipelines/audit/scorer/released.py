"""A released object as the scorer sees it: every value as text, by its MIDI path."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cached_property

from pipelines.audit.harvest import leaves
from pipelines.audit.part10 import Part10, split
from pipelines.audit.text import decode
from pipelines.audit.walker import Leaf

__all__ = ["Released", "read_released"]

_FORMATS = {"US": "H", "SS": "h", "UL": "L", "SL": "l", "FL": "f", "FD": "d", "SV": "q", "UV": "Q"}


@dataclass(frozen=True)
class Released:
    """One released file, read by the audit's own walker."""

    data: bytes
    part: Part10
    found: tuple[Leaf, ...]
    broken: int | None

    @cached_property
    def values(self) -> dict[str, str]:
        """Path -> value; values joined by a backslash, numbers as decimal text."""
        return {leaf.path: self._text(leaf) for leaf in self.found if not leaf.fragment}

    def value(self, path: str) -> str | None:
        """Return the value at ``path``; None when the element is absent, "" when it is empty.

        A sequence is there when an item of it is.
        """
        if path in self.values:
            return self.values[path]
        return "" if any(other.startswith(path) for other in self.values) else None

    def _text(self, leaf: Leaf) -> str:
        raw = bytes(self.part.body[leaf.start : leaf.end])
        code = _FORMATS.get(leaf.vr)
        if code is not None:
            size = struct.calcsize("=" + code)
            order = ">" if self.part.big_endian else "<"
            numbers = struct.unpack(
                f"{order}{len(raw) // size}{code}", raw[: len(raw) // size * size]
            )
            return "\\".join(f"{number:.10g}" for number in numbers)
        return decode(raw, leaf.charset).strip(" \0")


def read_released(data: bytes) -> Released | None:
    """Return a file's bytes as a released object, None when they are no DICOM file."""
    part = split(data)
    if part is None:
        return None
    found, broken = leaves(part)
    return Released(data, part, tuple(found), broken)
