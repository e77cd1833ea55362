"""Stored values of the frames of a monochrome image that is uncompressed or coded without loss."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian

from config.errors import UnreadableObject, UnsupportedObject
from deid.blank.codecs import CODECS, Samples, decode
from deid.blank.codestream import read_codestream
from deid.blank.items import frames_of
from deid.blank.lossless import PLAIN
from deid.blank.shape import PixelShape, read_shape
from deid.blank.syntaxes import how_of

__all__ = ["grey_shape", "how_written", "native_cells", "precision_of", "stored_frames"]


def grey_shape(ds: Dataset) -> PixelShape:
    """Return the shape of a monochrome image with cells of whole bytes.

    Raises
    ------
    UnsupportedObject
        ``BLANK_PIXELS_UNSUPPORTED`` for colour, a palette or single bits.
    UnreadableObject
        ``DEID_NO_PIXELS``.
    """
    shape = read_shape(ds)
    if shape.photometric not in {"MONOCHROME1", "MONOCHROME2"} or shape.bits_allocated == 1:
        raise UnsupportedObject("BLANK_PIXELS_UNSUPPORTED", "grey samples of whole bytes only")
    return shape


def how_written(ds: Dataset) -> str:
    """Return ``native`` or ``lossless``.

    Raises
    ------
    UnsupportedObject
        ``BLANK_LOSSY_SYNTAX``, ``TRANSFER_SYNTAX_UNSUPPORTED``.
    """
    syntax = str(getattr(ds, "file_meta", Dataset()).get("TransferSyntaxUID", ""))
    how = how_of(syntax)
    if how in {"jpeg", "lossy"}:
        raise UnsupportedObject("BLANK_LOSSY_SYNTAX", syntax)
    if how not in {"native", "lossless"}:
        raise UnsupportedObject("TRANSFER_SYNTAX_UNSUPPORTED", syntax)
    return how


def stored_frames(ds: Dataset) -> Iterator[NDArray[np.int64]]:
    """Yield the stored values of each frame, (row, column), with their sign.

    Bits beside the stored ones, which may hold an overlay of old, are left out (PS3.5 8.1.1).

    Raises
    ------
    UnsupportedObject
        As ``grey_shape`` and ``how_written``.
    UnreadableObject
        ``DEID_NO_PIXELS``, ``BLANK_PIXELS_SHORT``, ``BLANK_NOT_DECODED``.
    """
    shape, how = grey_shape(ds), how_written(ds)
    if "PixelData" not in ds:
        raise UnreadableObject("DEID_NO_PIXELS", "no Pixel Data")
    if how == "native":
        cells = native_cells(ds, shape)
        for index in range(shape.frames):
            yield _values(cells[index], shape.high_bit, shape.bits_stored, shape)
        return
    syntax = str(ds.file_meta.TransferSyntaxUID)
    for frame in frames_of(ds, shape.frames):
        precision = precision_of(frame, syntax, shape)
        samples = decode(CODECS[syntax], frame, shape)
        unsigned = samples.view(f"u{samples.dtype.itemsize}")
        if syntax in PLAIN:
            yield _values(unsigned, shape.high_bit, shape.bits_stored, shape)
        else:
            yield _values(unsigned, precision - 1, precision, shape)


def native_cells(ds: Dataset, shape: PixelShape) -> NDArray[np.unsignedinteger]:
    """Return the cells of uncompressed Pixel Data as they lie, (frame, row, column).

    Raises
    ------
    UnreadableObject
        ``BLANK_PIXELS_SHORT``.
    """
    big = ds.file_meta.TransferSyntaxUID == ExplicitVRBigEndian
    width = shape.bits_allocated // 8
    count = shape.frames * shape.rows * shape.columns
    data = ds.PixelData
    if len(data) < count * width:
        raise UnreadableObject("BLANK_PIXELS_SHORT", f"{len(data)} of {count * width} bytes")
    if big and width == 1 and ds["PixelData"].VR == "OW":  # bytes in big endian words, PS3.5 8.1.2
        even = np.frombuffer(data[: len(data) // 2 * 2], "u1")
        cells = even.reshape(-1, 2)[:, ::-1].reshape(-1)[:count]
    else:
        cells = np.frombuffer(data, f"{'>' if big else '<'}u{width}", count)
    return cells.reshape(shape.frames, shape.rows, shape.columns)


def precision_of(frame: bytes, syntax: str, shape: PixelShape) -> int:
    """Return the bits of a sample of a compressed frame, after checking it against the header.

    Raises
    ------
    UnsupportedObject
        ``BLANK_LOSSY_SYNTAX`` for a frame that is coded with loss.
    UnreadableObject
        ``BLANK_NOT_DECODED`` for a frame of another size.
    """
    if syntax in PLAIN:
        return shape.bits_allocated
    coded = read_codestream(frame)
    if not coded.reversible:
        raise UnsupportedObject("BLANK_LOSSY_SYNTAX", "the frame is coded with loss")
    size = (shape.rows, shape.columns, shape.samples)
    sound = 0 < coded.precision <= shape.bits_allocated
    if (coded.rows, coded.columns, coded.samples) != size or not sound:
        raise UnreadableObject("BLANK_NOT_DECODED", "another size than the header says")
    return coded.precision


def _values(
    cells: Samples, high_bit: int, bits_stored: int, shape: PixelShape
) -> NDArray[np.int64]:
    wide = cells.astype(np.int64) >> (high_bit + 1 - bits_stored)
    wide &= (1 << bits_stored) - 1
    if shape.signed:
        sign = 1 << (bits_stored - 1)
        wide = (wide ^ sign) - sign
    return wide
