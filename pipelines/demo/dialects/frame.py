"""The facts of one MR image that a vendor puts into words of its own."""

from __future__ import annotations

from dataclasses import dataclass

from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

__all__ = ["Frame", "private_tag"]


@dataclass(frozen=True)
class Frame:
    """One image.

    ``b_value`` is None where the image has none, or where a fault hides it; ``scale_slope`` is
    the vendor's private slope, None where the vendor has none.
    """

    role: str
    slice_index: int
    position_mm: tuple[float, float, float]
    b_value: int | None
    scale_slope: float | None


def private_tag(shared: Dataset, group: int, creator: str, offset: int) -> BaseTag:
    """Return the tag of a private element in the block that the shared header reserves.

    PS3.5 section 7.8.1: the block number is whatever the object says, never a constant.
    """
    return shared.private_block(group, creator).get_tag(offset)
