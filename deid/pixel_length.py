"""How many bytes the pixels of an object take, and what lies beyond them (PS3.5 8.1.1)."""

from __future__ import annotations

from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException

from config.errors import UnreadableObject

__all__ = ["frame_bits", "number", "surplus_bytes"]


def frame_bits(ds: Dataset) -> int:
    """Return the bits of one frame of native pixel data; 0 where chroma is shared (PS3.3 C.7.6.3).

    Raises
    ------
    UnreadableObject
        ``DEID_NO_PIXELS`` when a size is missing or no number.
    """
    if str(ds.get("PhotometricInterpretation", "")).startswith(("YBR_FULL_422", "YBR_PARTIAL")):
        return 0
    rows, columns, bits = (number(ds, word) for word in ("Rows", "Columns", "BitsAllocated"))
    return rows * columns * bits * number(ds, "SamplesPerPixel", 1)


def surplus_bytes(ds: Dataset, length_bytes: int) -> int:
    """Return how many of ``length_bytes`` of native pixel data belong to no sample.

    Whole frames beyond Number of Frames are none: some writers leave it out.
    """
    bits = frame_bits(ds)
    if not bits:
        return 0
    wanted = bits * number(ds, "NumberOfFrames", 1)
    if wanted % 8 == 0 and bits % 8 == 0 and (length_bytes * 8 - wanted) % bits == 0:
        return 0
    wanted_bytes = (wanted + 7) // 8
    even = wanted_bytes + wanted_bytes % 2
    return max(length_bytes - even, 0)


def number(ds: Dataset, keyword: str, default: int | None = None) -> int:
    """Return an attribute as a number."""
    try:
        value = ds.get(keyword)
        return int(default if value in {None, ""} and default is not None else value)
    except (TypeError, ValueError, BytesLengthException) as error:
        raise UnreadableObject("DEID_NO_PIXELS", f"{keyword} missing or no number") from error
