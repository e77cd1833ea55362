"""Reading one RLE frame: segments of bytes packed each on its own, PS3.5 Annex G."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from config.errors import UnreadableObject

__all__ = ["read_rle"]


def read_rle(frame: bytes, *, pixels: int, samples: int, cell_bytes: int) -> NDArray[np.uint8]:
    """Return the bytes of a frame as (sample, pixel, byte of the cell, the lowest first).

    Parameters
    ----------
    frame : bytes
        A header of 16 words (number of segments and their offsets, G.5), then the segments: of
        each sample the highest byte of all pixels first, G.2.
    pixels, samples, cell_bytes : int
        What the image header says.

    Raises
    ------
    UnreadableObject
        ``BLANK_NOT_DECODED`` when there are other segments, or one is too short or malformed.
    """
    import imagecodecs

    words = np.frombuffer(frame[:64], "<u4").tolist() if len(frame) >= 64 else [0]
    count = samples * cell_bytes
    if words[0] != count or count > 15:
        raise UnreadableObject("BLANK_NOT_DECODED", f"{words[0]} of {count} segments")
    edges = [*words[1 : count + 1], len(frame)]
    if edges[0] < 64 or edges != sorted(edges):
        raise UnreadableObject("BLANK_NOT_DECODED", "segments overlap")
    found = np.empty((samples, pixels, cell_bytes), np.uint8)
    for index in range(count):
        try:
            segment = imagecodecs.packbits_decode(frame[edges[index] : edges[index + 1]])
        except RuntimeError as err:
            raise UnreadableObject("BLANK_NOT_DECODED", f"segment {index}") from err
        if len(segment) < pixels:
            raise UnreadableObject("BLANK_NOT_DECODED", f"segment {index} is short")
        sample, byte = divmod(index, cell_bytes)
        found[sample, :, cell_bytes - 1 - byte] = np.frombuffer(segment, np.uint8, pixels)
    return found
