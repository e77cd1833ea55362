"""The two actions on pixels: samples compared, never bytes, and no reading of pictures.

MIDI compares a digest of raw bytes, which fails a lossless transcoding, and looks for text with
OCR, which passes what it cannot read. Here samples are decoded; a hidden box must be constant and
everything outside the boxes unchanged.
"""

from __future__ import annotations

import hashlib
import io
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["box_is_constant", "digest_of", "samples_of", "unchanged_outside"]

Array = NDArray[Any]
Box = tuple[int, int, int, int]
"""First row, first column, last row, last column; the last ones included."""


def samples_of(data: bytes) -> Array:
    """Return the decoded samples of a file, as stored, without any colour conversion."""
    import pydicom
    from pydicom.pixels.utils import pixel_array

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what follows the pixels is the business of the scan
        return pixel_array(pydicom.dcmread(io.BytesIO(data)), raw=True)


def digest_of(data: bytes) -> str:
    """Return the SHA-256 of the decoded samples, little endian."""
    samples = samples_of(data)
    plain = np.ascontiguousarray(samples.astype(samples.dtype.newbyteorder("<")))
    return hashlib.sha256(plain.tobytes()).hexdigest()


def box_is_constant(samples: Array, box: Box) -> bool:
    """Tell whether every sample inside the box is the same: nothing can be read there."""
    inside = _inside(samples, box)
    return bool(inside.size) and bool(np.all(inside == inside.flat[0]))


def unchanged_outside(before: Array, after: Array, boxes: list[Box]) -> bool:
    """Tell whether all samples outside the boxes are as they were."""
    if before.shape != after.shape:
        return False
    differs = before != after
    for box in boxes:
        _inside(differs, box)[...] = False
    return not bool(differs.any())


def _inside(samples: Array, box: Box) -> Array:
    """Return the view of a box; rows and columns are the last two axes, or those before RGB."""
    top, left, bottom, right = box
    rows, columns = slice(top, bottom + 1), slice(left, right + 1)
    is_colour = samples.ndim >= 3 and samples.shape[-1] == 3
    return samples[..., rows, columns, :] if is_colour else samples[..., rows, columns]
