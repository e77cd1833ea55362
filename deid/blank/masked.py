"""Filling any set of pixels of a grey image with one value, and nothing else changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian

from config.errors import RejectedError, UnreadableObject, UnsupportedObject
from deid.blank.codecs import CODECS, Samples, decode, encode
from deid.blank.entry import OUTDATED, BlankedPixels
from deid.blank.items import frames_of, write_items
from deid.blank.lossless import PLAIN
from deid.blank.native import native_length
from deid.blank.shape import PixelShape
from deid.blank.stored import grey_shape, how_written, native_cells, precision_of

__all__ = ["FillOf", "fill_object"]

FillOf = Callable[[int], tuple[NDArray[np.bool_], int]]
"""Index of a frame to the pixels that are filled, (row, column), and the stored value."""


def fill_object(ds: Dataset, fill_of: FillOf) -> BlankedPixels:
    """Return the Pixel Data of ``ds`` with the pixels of each frame's mask set to one value.

    Every cell outside the masks stays bit for bit what it was when uncompressed, and decodes to
    the same samples when coded without loss, in the source's own syntax where an encoder makes
    such a frame and in explicit little endian otherwise. ``ds`` is left as it is.

    Parameters
    ----------
    ds : Dataset
        A monochrome image with its file meta and Pixel Data.
    fill_of : callable
        For the index of a frame its mask, (row, column), and the stored value that fills it.

    Raises
    ------
    UnsupportedObject
        ``BLANK_PIXELS_UNSUPPORTED``, ``BLANK_LOSSY_SYNTAX``, ``TRANSFER_SYNTAX_UNSUPPORTED``;
        ``BLANK_REGION_BOUNDS`` for a mask of another size than the frame.
    UnreadableObject
        ``DEID_NO_PIXELS``, ``BLANK_PIXELS_SHORT``, ``BLANK_NOT_DECODED``.
    RejectedError
        ``BLANK_NOT_LOSSLESS``.
    """
    shape, how = grey_shape(ds), how_written(ds)
    if "PixelData" not in ds:
        raise UnreadableObject("DEID_NO_PIXELS", "no Pixel Data")
    removed = tuple(
        keyword
        for keyword in (*OUTDATED, "ExtendedOffsetTable", "ExtendedOffsetTableLengths")
        if keyword in ds
    )
    syntax = str(ds.file_meta.TransferSyntaxUID)
    if how == "native":
        value, vr = _native(ds, shape, fill_of), str(ds["PixelData"].VR)
        return BlankedPixels(syntax, vr, native_length(shape), value, {}, removed)
    work = _Work(syntax, shape, fill_of)
    if work.can_encode(ds):
        items = write_items(work.recoded(i, f) for i, f in enumerate(frames_of(ds, shape.frames)))
        return BlankedPixels(syntax, "OB", None, items, {}, removed)
    cells = _even(work.cells(i, f) for i, f in enumerate(frames_of(ds, shape.frames)))
    vr = "OB" if shape.bits_allocated == 8 else "OW"
    return BlankedPixels(str(ExplicitVRLittleEndian), vr, native_length(shape), cells, {}, removed)


def _native(ds: Dataset, shape: PixelShape, fill_of: FillOf) -> Iterator[bytes]:
    big = ds.file_meta.TransferSyntaxUID == ExplicitVRBigEndian
    swapped = big and shape.bits_allocated == 8 and ds["PixelData"].VR == "OW"
    cells = native_cells(ds, shape)
    if swapped:  # pairs of bytes may reach across two frames, so all are turned round at once
        made = b"".join(_filled(cells[i], i, shape, fill_of).tobytes() for i in range(shape.frames))
        made += b"\0" * (len(made) % 2)
        yield np.frombuffer(made, "u1").reshape(-1, 2)[:, ::-1].tobytes()
        return
    yield from _even(_filled(cells[i], i, shape, fill_of).tobytes() for i in range(shape.frames))


def _filled(cells: Samples, index: int, shape: PixelShape, fill_of: FillOf) -> Samples:
    mask, value = _mask(index, shape, fill_of)
    if not mask.any():
        return cells
    new = cells.copy()
    shift = shape.high_bit + 1 - shape.bits_stored
    new[mask] = (value << shift) % (1 << shape.bits_allocated)
    return new


def _mask(index: int, shape: PixelShape, fill_of: FillOf) -> tuple[NDArray[np.bool_], int]:
    mask, value = fill_of(index)
    if mask.shape != (shape.rows, shape.columns):
        raise UnsupportedObject("BLANK_REGION_BOUNDS", f"a mask of {mask.shape}")
    span = 1 << shape.bits_stored
    lowest = -span // 2 if shape.signed else 0
    if not lowest <= value < lowest + span:
        raise UnsupportedObject("BLANK_PIXELS_UNSUPPORTED", "the value does not fit the cell")
    return mask, value


def _even(pieces: Iterator[bytes]) -> Iterator[bytes]:
    length = 0
    for piece in pieces:
        length += len(piece)
        yield piece
    if length % 2:
        yield b"\0"


class _Work:
    """Frames of one compressed object, filled."""

    def __init__(self, syntax: str, shape: PixelShape, fill_of: FillOf) -> None:
        self.codec = CODECS[syntax]
        self.syntax, self.shape, self.fill_of = syntax, shape, fill_of

    def can_encode(self, ds: Dataset) -> bool:
        """Tell whether the first frame with a mask can be encoded in kind."""
        for index, frame in enumerate(frames_of(ds, self.shape.frames)):
            if _mask(index, self.shape, self.fill_of)[0].any():
                return (
                    encode(self.codec, self._samples(index, frame), self.shape, frame) is not None
                )
        return True

    def recoded(self, index: int, frame: bytes) -> bytes:
        """Return the frame filled and encoded; without a mask as it came."""
        if not _mask(index, self.shape, self.fill_of)[0].any():
            return frame
        made = encode(self.codec, self._samples(index, frame), self.shape, frame)
        if made is None:
            raise RejectedError("BLANK_NOT_LOSSLESS", self.syntax)
        return made

    def cells(self, index: int, frame: bytes) -> bytes:
        """Return the frame as uncompressed little endian cells, the sign to the highest bit."""
        samples = self._samples(index, frame)
        bits = self.shape.bits_allocated
        wide = samples.astype(np.int64)
        if self.shape.signed:
            sign = 1 << (precision_of(frame, self.syntax, self.shape) - 1)
            wide = ((wide & (2 * sign - 1)) ^ sign) - sign
        return (wide & ((1 << bits) - 1)).astype(f"<u{bits // 8}").tobytes()

    def _samples(self, index: int, frame: bytes) -> Samples:
        mask, value = _mask(index, self.shape, self.fill_of)
        precision = precision_of(frame, self.syntax, self.shape)
        samples = decode(self.codec, frame, self.shape)
        shift = self.shape.high_bit + 1 - self.shape.bits_stored if self.syntax in PLAIN else 0
        stored = (value << shift) % (1 << precision)
        if samples.dtype.kind == "i":  # the codestream's own sign, from its own precision
            sign = 1 << (precision - 1)
            stored = (stored ^ sign) - sign
        samples[mask] = stored
        return samples
