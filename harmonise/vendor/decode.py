"""One frame decoded: stored samples as they are, or red, green and blue whatever was stored."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import FileDataset
from pydicom.encaps import get_frame
from pydicom.pixels.processing import apply_color_lut
from pydicom.pixels.utils import pixel_array
from pydicom.uid import JPEGExtended12Bit

from config.errors import UnsupportedObject

__all__ = ["rgb_frame", "stored_frame"]

Stored = NDArray[Any]

GREY = frozenset({"MONOCHROME1", "MONOCHROME2"})

FULL_SCALE = 255.0


def stored_frame(ds: FileDataset, index: int) -> Stored:
    """Return the samples of a frame as they are stored, shape (rows, columns) or with samples last.

    Colour stored as luminance and chroma comes back as RGB, which is what pydicom's decoders give.
    JPEG of 12 bits, which neither of them opens, is decoded by libjpeg-turbo.
    """
    syntax = ds.file_meta.get("TransferSyntaxUID")
    if syntax == JPEGExtended12Bit and int(ds.get("BitsStored") or 8) > 8:
        import imagecodecs

        frames = int(ds.get("NumberOfFrames") or 1)
        data = get_frame(ds.PixelData, index, number_of_frames=frames)
        return np.asarray(imagecodecs.jpeg_decode(data))
    return pixel_array(ds, index=index)


def rgb_frame(ds: FileDataset, index: int) -> NDArray[np.uint8]:
    """Return a frame as RGB of 8 bits, shape (rows, columns, 3).

    Palettes are looked up (PS3.3 C.7.6.3.1.5, 16-bit entries by their high byte), YBR_FULL and
    YBR_FULL_422 are turned by the matrix of C.7.6.3.1.2, grey is repeated, MONOCHROME1 turned.

    Raises
    ------
    UnsupportedObject
        ``PIXELS_NOT_MONOCHROME`` for an interpretation that is not known here.
    """
    kind = str(ds.get("PhotometricInterpretation") or "")
    stored = stored_frame(ds, index)
    if kind in GREY:
        bits = int(ds.get("BitsStored") or 8)
        top = float(2**bits - 1)
        levels = np.rint(stored * (FULL_SCALE / top)) if bits != 8 else stored
        grey = np.clip(levels, 0, FULL_SCALE).astype(np.uint8)
        grey = np.uint8(FULL_SCALE) - grey if kind == "MONOCHROME1" else grey
        return np.repeat(grey[..., np.newaxis], 3, axis=2)
    if kind == "PALETTE COLOR":
        looked_up = apply_color_lut(stored, ds)
        if looked_up.dtype != np.uint8:
            bits = int(ds.RedPaletteColorLookupTableDescriptor[2])
            looked_up = (looked_up >> (bits - 8)).astype(np.uint8)
        return looked_up[..., :3]
    if kind in {"RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT"} and stored.ndim == 3:
        return stored.astype(np.uint8, copy=False)
    raise UnsupportedObject("PIXELS_NOT_MONOCHROME", f"(0028,0004) {kind}")
