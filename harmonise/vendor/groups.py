"""Functional groups: what an enhanced object says of one frame (PS3.3 C.7.6.16)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydicom.dataset import Dataset

__all__ = ["frame_count", "frame_levels", "macro"]

_DEPTH = 3
"""How deep private groups are searched: per-frame item, its macro, the macro's private item."""


def frame_count(ds: Dataset) -> int:
    """Return the number of frames, 1 where the object does not say (PS3.3 C.7.6.6)."""
    return int(ds.get("NumberOfFrames") or 1)


def macro(ds: Dataset, frame: int, keyword: str) -> Dataset:
    """Return the macro of one frame, per-frame before shared; an empty item where it has none."""
    for item in _group_items(ds, frame):
        sequence = item.get(keyword)
        if sequence:
            item_of: Dataset = sequence[0]
            return item_of
    return Dataset()


def frame_levels(ds: Dataset, frame: int) -> Iterator[Dataset]:
    """Yield every level that may hold a value of one frame: nearest first, the object last."""
    for item in _group_items(ds, frame):
        yield from _nested(item, _DEPTH)
    for item in ds.get("MRDiffusionSequence") or []:
        yield from _nested(item, 1)  # some classic objects keep the enhanced macro at their root
    yield ds


def _group_items(ds: Dataset, frame: int) -> Iterator[Dataset]:
    per_frame = ds.get("PerFrameFunctionalGroupsSequence") or []
    if frame < len(per_frame):
        yield per_frame[frame]
    shared = ds.get("SharedFunctionalGroupsSequence") or []
    if shared:
        yield shared[0]


def _nested(item: Dataset, depth: int) -> Iterator[Dataset]:
    yield item
    if depth <= 0:
        return
    for element in item:
        value: Any = element.value
        if element.VR == "SQ" and value:
            yield from _nested(value[0], depth - 1)
