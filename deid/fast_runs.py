"""Headers scanned with the memory of those before: slices of a series share nearly all bytes."""

from __future__ import annotations

from collections.abc import Mapping

from deid.fast_scan import Run, Scanned, scan

__all__ = ["RunScanner"]

_FEWEST_NEW = 8
"""Elements that came again outside of a run: from so many on, runs are learnt anew."""
_MOST_RUNS = 1024
_LARGEST_BYTES = 1 << 18
"""Of a header that is remembered."""


class RunScanner:
    """Scans headers, and knows again what it has seen.

    A run is a stretch of elements that two headers, one after the other, had in common.
    """

    def __init__(self) -> None:
        self._after: dict[bool, dict[int, Run]] = {False: {}, True: {}}
        self._before: dict[bool, Mapping[int, bytes]] = {False: {}, True: {}}

    def scan(
        self, buffer: bytes, start: int, *, implicit_vr: bool, size: int
    ) -> tuple[Scanned, int]:
        """Return what :func:`deid.fast_scan.scan` returns, and raise what it raises."""
        after = self._after[implicit_vr]
        found, end = scan(buffer, start, implicit_vr=implicit_vr, size=size, after=after)
        if end - start <= _LARGEST_BYTES:
            before = self._before[implicit_vr]
            again = [tag for tag in found.loose if before.get(tag) == found[tag]]
            if len(again) >= _FEWEST_NEW:
                self._learn(after, before, found)
            self._before[implicit_vr] = found
        return found, end

    def _learn(
        self, after: dict[int, Run], before: Mapping[int, bytes], found: Mapping[int, bytes]
    ) -> None:
        if len(after) > _MOST_RUNS:
            after.clear()
        part: dict[int, bytes] = {}
        place = last = 0
        for tag, blob in found.items():
            if before.get(tag) == blob:
                if not part:
                    place = last
                part[tag] = blob
            elif part:
                after[place] = _run(part, after.get(place))
                part = {}
            last = tag
        if part:
            after[place] = _run(part, after.get(place))


def _run(elements: dict[int, bytes], old: Run | None) -> Run:
    """Return a run of the elements; the old one where it is the same."""
    data = b"".join(elements.values())
    if old is not None and old.data == data:
        return old
    creators = {
        tag & 0xFFFF0000 | tag >> 8 & 0xFF for tag in elements if tag & 0x10000 and tag & 0xFF00
    }
    return Run(data, elements, next(reversed(elements)), tuple(sorted(creators - elements.keys())))
