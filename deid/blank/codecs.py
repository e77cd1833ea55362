"""Decoding and encoding one losslessly compressed frame, per transfer syntax, in one table."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.uid import (
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000Lossless,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from config.errors import UnreadableObject
from deid.blank.codestream import read_codestream
from deid.blank.rle import read_rle
from deid.blank.shape import PixelShape

__all__ = ["CODECS", "Codec", "Samples", "decode", "encode"]

Samples = NDArray[Any]
"""Samples as decoded, (row, column) or (row, column, sample), in the codestream's own sign."""

DEFLATED_IMAGE_FRAME = "1.2.840.10008.1.2.8.1"


@dataclass(frozen=True)
class Codec:
    """How a syntax is read and, where an encoder exists, written.

    Parameters
    ----------
    read : callable
        Frame and shape to samples.
    write : callable or None
        Samples, shape and the source frame, whose parameters are kept, to a frame.
    """

    read: Callable[[bytes, PixelShape], Samples]
    write: Callable[[Samples, PixelShape, bytes], bytes] | None


def decode(codec: Codec, frame: bytes, shape: PixelShape) -> Samples:
    """Return the samples of a frame.

    Raises
    ------
    UnreadableObject
        ``BLANK_NOT_DECODED`` when the codec fails or gives another size than the header says.
    """
    try:
        samples = np.array(codec.read(frame, shape))
    except UnreadableObject:
        raise
    except Exception as err:
        raise UnreadableObject("BLANK_NOT_DECODED", type(err).__name__) from err
    size = (shape.rows, shape.columns) + ((shape.samples,) if shape.samples > 1 else ())
    if samples.shape != size or samples.dtype.itemsize * 8 != shape.bits_allocated:
        raise UnreadableObject("BLANK_NOT_DECODED", f"{samples.shape} of {samples.dtype}")
    return samples


def encode(codec: Codec, samples: Samples, shape: PixelShape, source: bytes) -> bytes | None:
    """Return a frame that decodes to ``samples``, or None when the codec cannot make one."""
    if codec.write is None:
        return None
    try:
        frame = codec.write(samples, shape, source)
        again = np.array(codec.read(frame, shape))
    except Exception:  # noqa: BLE001 - encoders refuse by many kinds of error; the caller falls back
        return None
    same = again.dtype == samples.dtype and np.array_equal(again, samples)
    return frame if same else None


def _imagecodecs(name: str) -> Callable[[bytes, PixelShape], Samples]:
    def read(frame: bytes, _: PixelShape) -> Samples:
        import imagecodecs

        return np.asarray(getattr(imagecodecs, name)(frame))

    return read


def _read_jpeg_lossless(frame: bytes, shape: PixelShape) -> Samples:
    """Read with two decoders: each takes some broken frames without a word."""
    import imagecodecs

    samples = np.asarray(imagecodecs.jpegsof3_decode(frame))
    if shape.samples == 1 and not np.array_equal(samples, imagecodecs.jpeg8_decode(frame)):
        raise UnreadableObject("BLANK_NOT_DECODED", "two decoders do not agree")
    return samples


def _write_jpeg_lossless(samples: Samples, shape: PixelShape, source: bytes) -> bytes:
    """First-order prediction with selection value 1, which both syntaxes allow, PS3.5 A.4.1."""
    import imagecodecs

    if shape.samples > 1:
        raise ValueError("colour")
    precision = read_codestream(source).precision
    return bytes(
        imagecodecs.jpeg8_encode(samples, lossless=True, predictor=1, bitspersample=precision)
    )


def _write_jpeg_ls(samples: Samples, shape: PixelShape, source: bytes) -> bytes:
    import jpeg_ls

    coded = read_codestream(source)
    # Interleaved by plane, the encoder wants the planes one after the other.
    planes = samples.transpose(2, 0, 1) if samples.ndim == 3 and not coded.interleave else samples
    return bytes(
        jpeg_ls.encode_buffer(
            np.ascontiguousarray(planes).tobytes(),
            shape.rows,
            shape.columns,
            shape.samples,
            coded.precision,
            interleave_mode=coded.interleave,
        )
    )


def _write_jpeg_2000(samples: Samples, _: PixelShape, source: bytes) -> bytes:
    import imagecodecs

    coded = read_codestream(source)
    return bytes(
        imagecodecs.jpeg2k_encode(
            samples,
            codecformat="j2k",
            reversible=True,
            bitspersample=coded.precision,
            mct=coded.colour_transform,
        )
    )


def _read_htj2k(frame: bytes, _: PixelShape) -> Samples:
    """Read with OpenJPEG: imagecodecs gives unfilled memory where OpenJPH stops at an error."""
    from openjpeg.utils import decode as decode_2000

    return np.asarray(decode_2000(frame))


def _write_htj2k(samples: Samples, _: PixelShape, source: bytes) -> bytes:
    import imagecodecs

    coded = read_codestream(source)
    if coded.precision != samples.dtype.itemsize * 8:
        raise ValueError("the encoder writes whole bytes only")
    return bytes(imagecodecs.htj2k_encode(samples, reversible=True, rgb=coded.colour_transform))


def _read_rle(frame: bytes, shape: PixelShape) -> Samples:
    width = shape.bits_allocated // 8
    found = read_rle(
        frame, pixels=shape.rows * shape.columns, samples=shape.samples, cell_bytes=width
    )
    planes = found.view(f"<u{width}").reshape(shape.samples, shape.rows, shape.columns)
    return planes.transpose(1, 2, 0) if shape.samples > 1 else planes[0]


def _write_rle(samples: Samples, shape: PixelShape, _: bytes) -> bytes:
    from rle.utils import encode_pixel_data

    return bytes(
        encode_pixel_data(
            np.ascontiguousarray(samples).tobytes(),
            rows=shape.rows,
            columns=shape.columns,
            samples_per_pixel=shape.samples,
            number_of_frames=1,
            bits_allocated=shape.bits_allocated,
            pixel_representation=int(shape.signed),
            photometric_interpretation=shape.photometric,
            byteorder="<",
        )
    )


def _read_deflated(frame: bytes, shape: PixelShape) -> Samples:
    raw = zlib.decompressobj(-15).decompress(frame, shape.frame_bits // 8)
    flat = np.frombuffer(raw, f"<u{shape.bits_allocated // 8}")
    if shape.planar:
        return flat.reshape(shape.samples, shape.rows, shape.columns).transpose(1, 2, 0)
    size = (shape.rows, shape.columns) + ((shape.samples,) if shape.samples > 1 else ())
    return flat.reshape(size)


def _write_deflated(samples: Samples, shape: PixelShape, _: bytes) -> bytes:
    ordered = samples.transpose(2, 0, 1) if shape.planar else samples
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    return deflater.compress(np.ascontiguousarray(ordered).tobytes()) + deflater.flush()


CODECS: dict[str, Codec] = {
    RLELossless: Codec(_read_rle, _write_rle),
    JPEGLossless: Codec(_read_jpeg_lossless, _write_jpeg_lossless),
    JPEGLosslessSV1: Codec(_read_jpeg_lossless, _write_jpeg_lossless),
    JPEGLSLossless: Codec(_imagecodecs("jpegls_decode"), _write_jpeg_ls),
    JPEG2000Lossless: Codec(_imagecodecs("jpeg2k_decode"), _write_jpeg_2000),
    HTJ2KLossless: Codec(_read_htj2k, _write_htj2k),
    HTJ2KLosslessRPCL: Codec(_read_htj2k, None),
    DEFLATED_IMAGE_FRAME: Codec(_read_deflated, _write_deflated),
}
"""Transfer syntax -> how its frames are read and written; what is not here is not decoded."""
