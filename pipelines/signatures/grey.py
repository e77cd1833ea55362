"""The first frame of an image as shown: 8-bit grey."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.pixels.processing import apply_color_lut
from pydicom.pixels.utils import pixel_array

from config.errors import UnreadableObject
from deid.text.line import Grey
from pipelines.prepare.read import read_header

__all__ = ["first_frame"]

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601, as PS3.3 C.7.6.3.1.2


def first_frame(path: Path) -> Grey:
    """Return the first frame of a file, (row, column), 0 black to 255 white.

    Of a cine the one frame is decoded alone. Grey of more than eight bits is stretched from its
    darkest to its brightest sample, so that text, which is one or the other, stays what it is.

    Raises
    ------
    UnreadableObject
        ``BLANK_NOT_DECODED``.
    """
    try:
        header = read_header(path)
        stored = pixel_array(path, index=0)
        if header.get("PhotometricInterpretation") == "PALETTE COLOR":
            stored = apply_color_lut(stored, header)
    except Exception as error:  # noqa: BLE001 - whatever a decoder raises on hostile bytes
        raise UnreadableObject("BLANK_NOT_DECODED", type(error).__name__) from None
    grey = _grey(np.asarray(stored, np.float32), eight_bits=stored.dtype == np.uint8)
    return 255 - grey if header.get("PhotometricInterpretation") == "MONOCHROME1" else grey


def _grey(values: NDArray[np.float32], *, eight_bits: bool) -> Grey:
    if values.ndim == 3:
        values = values[..., :3] @ _LUMA
    if not eight_bits:
        low, high = float(values.min()), float(values.max())
        values = (values - low) * (255 / max(high - low, 1))
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
