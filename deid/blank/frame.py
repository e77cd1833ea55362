"""One frame decoded to look at it, whatever its transfer syntax; nothing of it is written back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    ExplicitVRBigEndian,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLSNearLossless,
)

from config.errors import UnreadableObject, UnsupportedObject
from deid.blank.codecs import CODECS, Codec, Samples, decode
from deid.blank.shape import PixelShape
from deid.blank.syntaxes import how_of

__all__ = ["DecodedFrame", "decode_frame"]


@dataclass(frozen=True)
class DecodedFrame:
    """A frame as decoded.

    Parameters
    ----------
    samples : array
        (row, column) or (row, column, 3).
    photometric : str
        What the samples mean now, PS3.3 C.7.6.3.1.2; a codec that stores luminance and chroma may
        have made RGB of them.
    """

    samples: Samples
    photometric: str


def decode_frame(
    frame: bytes, syntax_uid: str, shape: PixelShape, *, vr: str = "OW"
) -> DecodedFrame:
    """Return one frame decoded.

    Parameters
    ----------
    frame : bytes
        Of an uncompressed syntax its samples, else its codestream.
    syntax_uid : str
        Transfer Syntax UID.
    shape : PixelShape
        What the header says.
    vr : str
        VR of uncompressed Pixel Data: in big endian it decides where the bytes lie, PS3.5 8.1.2.

    Raises
    ------
    UnsupportedObject
        ``TRANSFER_SYNTAX_UNSUPPORTED``: a video, or unknown.
    UnreadableObject
        ``BLANK_NOT_DECODED``, ``BLANK_PIXELS_SHORT``.
    """
    if how_of(syntax_uid) == "native":
        return _native(frame, shape, big_endian=syntax_uid == ExplicitVRBigEndian, vr=vr)
    codec = CODECS.get(syntax_uid) or _LOOKING.get(syntax_uid)
    if codec is None:
        raise UnsupportedObject("TRANSFER_SYNTAX_UNSUPPORTED", syntax_uid)
    samples = decode(codec, frame, shape)
    return DecodedFrame(_stored(samples, shape), _as_decoded(syntax_uid, shape))


def _as_decoded(syntax_uid: str, shape: PixelShape) -> str:
    """JPEG and JPEG 2000 decoders give RGB of what they transformed; the others what is stored."""
    if shape.samples == 3 and (syntax_uid in _LOOKING or shape.photometric[:7] == "YBR_RCT"):
        return "RGB"
    return shape.photometric


def _native(frame: bytes, shape: PixelShape, *, big_endian: bool, vr: str) -> DecodedFrame:
    if len(frame) * 8 < shape.frame_bits:
        raise UnreadableObject("BLANK_PIXELS_SHORT", f"{len(frame)} bytes of a frame")
    data = frame
    if big_endian and vr == "OW" and shape.bits_allocated <= 8:
        data = np.frombuffer(frame[: len(frame) // 2 * 2], "<u2").byteswap().tobytes()
    if shape.bits_allocated == 1:
        bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")  # PS3.5 8.1.1
        return DecodedFrame(
            bits[: shape.rows * shape.columns].reshape(shape.rows, shape.columns), ""
        )
    cells = np.frombuffer(data, f"{'>' if big_endian else '<'}u{shape.bits_allocated // 8}")
    cells = _stored(cells, shape, shift=shape.high_bit + 1 - shape.bits_stored)
    return DecodedFrame(_ordered(cells, shape), shape.photometric.replace("_422", ""))


def _stored(cells: Samples, shape: PixelShape, shift: int = 0) -> Samples:
    """Return the bits that are stored, with their sign; others of a cell are none of the image."""
    width = shape.bits_allocated
    bits = cells.astype(f"u{width // 8}") >> shift
    spare = width - shape.bits_stored
    if shape.signed:
        return (bits << spare).view(f"i{width // 8}") >> spare
    return bits & ((1 << shape.bits_stored) - 1)


def _ordered(cells: Samples, shape: PixelShape) -> Samples:
    """Return (row, column) or (row, column, sample), shared colour given to both pixels."""
    rows, columns = shape.rows, shape.columns
    if shape.half_chroma:
        pairs = cells[: rows * columns * 2].reshape(rows, columns // 2, 4)
        whole = np.empty((rows, columns, 3), cells.dtype)
        whole[:, 0::2, 0], whole[:, 1::2, 0] = pairs[..., 0], pairs[..., 1]
        whole[..., 1:] = np.repeat(pairs[..., 2:], 2, axis=1)
        return whole
    cells = cells[: rows * columns * shape.samples]
    if shape.samples == 1:
        return cells.reshape(rows, columns)
    if shape.planar:
        return cells.reshape(shape.samples, rows, columns).transpose(1, 2, 0)
    return cells.reshape(rows, columns, shape.samples)


def _read_jpeg(frame: bytes, shape: PixelShape) -> Samples:
    import imagecodecs

    if shape.bits_allocated == 8:
        return np.asarray(imagecodecs.jpeg8_decode(frame))
    return np.asarray(imagecodecs.jpeg_decode(frame, bitspersample=12))


def _read_jpeg_2000(frame: bytes, _: PixelShape) -> Samples:
    import imagecodecs

    return np.asarray(imagecodecs.jpeg2k_decode(frame))


def _read_jpeg_ls(frame: bytes, _: PixelShape) -> Samples:
    import imagecodecs

    return np.asarray(imagecodecs.jpegls_decode(frame))


def _read_htj2k(frame: bytes, _: PixelShape) -> Samples:
    from openjpeg.utils import decode as decode_2000

    return np.asarray(decode_2000(frame))


_LOOKING: dict[str, Codec] = {
    JPEGBaseline8Bit: Codec(_read_jpeg, None),
    JPEGExtended12Bit: Codec(_read_jpeg, None),
    JPEGLSNearLossless: Codec(_read_jpeg_ls, None),
    JPEG2000: Codec(_read_jpeg_2000, None),
    HTJ2K: Codec(_read_htj2k, None),
}
"""Syntaxes that lose: they can be looked at, not written back as they were."""
