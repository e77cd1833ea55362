"""Frames in and out of the items of encapsulated Pixel Data, PS3.5 A.4."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames

from config.errors import UnreadableObject

__all__ = ["frames_of", "write_items"]

ITEM, DELIMITER = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"


def frames_of(ds: Dataset, frames: int, value: Any = None) -> Iterator[bytes]:
    """Yield the frames of encapsulated Pixel Data, their fragments joined.

    ``value`` is a binary file that holds the value of Pixel Data, None when ``ds`` does.

    Raises
    ------
    UnreadableObject
        ``BLANK_PIXELS_SHORT`` when the items do not make that many frames.
    """
    offsets = None
    if ds.get("ExtendedOffsetTable") and ds.get("ExtendedOffsetTableLengths"):
        offsets = (ds.ExtendedOffsetTable, ds.ExtendedOffsetTableLengths)
    data = ds.PixelData if value is None else value
    found = generate_frames(data, number_of_frames=frames, extended_offsets=offsets)
    count = 0
    try:
        for frame in found:
            count += 1
            yield frame
    except (ValueError, EOFError, IndexError, OSError) as err:
        raise UnreadableObject("BLANK_PIXELS_SHORT", "items cannot be read") from err
    if count != frames:
        raise UnreadableObject("BLANK_PIXELS_SHORT", f"{count} of {frames} frames")


def write_items(frames: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the value of Pixel Data: an empty offset table, one item a frame, the delimiter.

    The offset table stays empty, so that frames are written as they come, PS3.5 A.4.
    """
    yield ITEM + bytes(4)
    for frame in frames:
        even = frame + b"\0" * (len(frame) % 2)
        yield ITEM + len(even).to_bytes(4, "little") + even
    yield DELIMITER + bytes(4)
