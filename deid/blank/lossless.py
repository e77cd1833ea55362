"""Blanking frames that are compressed without loss: decoded, blanked, encoded again in kind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np
from pydicom.uid import RLELossless

from config.errors import RejectedError, UnreadableObject, UnsupportedObject
from deid.blank.black import black_samples
from deid.blank.codecs import CODECS, Codec, Samples, decode, encode
from deid.blank.codestream import read_codestream
from deid.blank.region import Rectangle, for_frame
from deid.blank.shape import PixelShape

__all__ = ["Recoded", "blank_lossless"]

PLAIN = {RLELossless, "1.2.840.10008.1.2.8.1"}
"""Syntaxes whose frames have no codestream of their own: the header alone says what they are."""


@dataclass(frozen=True)
class Recoded:
    """Frames with their rectangles blanked.

    Parameters
    ----------
    frames : iterator of bytes
        In the source's own syntax; or, ``native``, uncompressed little endian cells by pixel.
    native : bool
        Whether no encoder made a frame that decodes to the same samples.
    photometric : str
        Photometric Interpretation of ``frames``.
    """

    frames: Iterator[bytes]
    native: bool
    photometric: str


def blank_lossless(
    frames: Iterable[bytes],
    syntax: str,
    shape: PixelShape,
    rectangles: Iterable[Rectangle],
) -> Recoded:
    """Blank the rectangles of each frame; every other sample decodes to what it was.

    The first frame decides whether the syntax's encoder is used. A frame without rectangle is
    copied. Each frame is decoded again before it is given out.

    Parameters
    ----------
    frames : iterable of bytes
        One compressed frame each.
    syntax : str
        Transfer Syntax UID, one of ``CODECS``.
    shape : PixelShape
        What the header says of the pixels.
    rectangles : iterable of Rectangle
        What is blanked, within the image.

    Raises
    ------
    UnsupportedObject
        ``BLANK_PIXELS_UNSUPPORTED``; ``BLANK_LOSSY_SYNTAX`` for a frame coded with loss.
    UnreadableObject
        ``BLANK_NOT_DECODED``.
    RejectedError
        ``BLANK_NOT_LOSSLESS`` when a later frame cannot be encoded as the first was.
    """
    if shape.bits_allocated == 1 or shape.half_chroma:
        raise UnsupportedObject("BLANK_PIXELS_UNSUPPORTED", "compressed bits or shared colour")
    given = tuple(rectangles)
    work = _Work(CODECS[syntax], syntax, shape)
    source = iter(frames)
    head = list(_take(source, given))
    here = for_frame(given, len(head) - 1) if head else ()
    first = work.encoded(head[-1], here) if here else b""  # no rectangle at all: frames are copied
    everything = enumerate(chain(head, source))
    if first is None:
        photometric = "RGB" if shape.photometric in {"YBR_RCT", "YBR_ICT"} else shape.photometric
        made = (work.cells(frame, for_frame(given, index)) for index, frame in everything)
        return Recoded(made, True, photometric)
    made = (
        first if here and index == len(head) - 1 else work.recoded(frame, for_frame(given, index))
        for index, frame in everything
    )
    return Recoded(made, False, shape.photometric)


def _take(source: Iterator[bytes], given: tuple[Rectangle, ...]) -> Iterator[bytes]:
    """Yield frames up to the first that has a rectangle."""
    for index, frame in enumerate(source):
        yield frame
        if for_frame(given, index):
            return


@dataclass(frozen=True)
class _Work:
    codec: Codec
    syntax: str
    shape: PixelShape

    def encoded(self, frame: bytes, here: tuple[Rectangle, ...]) -> bytes | None:
        return encode(self.codec, self._blanked(frame, here), self.shape, frame)

    def recoded(self, frame: bytes, here: tuple[Rectangle, ...]) -> bytes:
        if not here:
            return frame
        made = self.encoded(frame, here)
        if made is None:
            raise RejectedError("BLANK_NOT_LOSSLESS", self.syntax)
        return made

    def cells(self, frame: bytes, here: tuple[Rectangle, ...]) -> bytes:
        """Return the frame as uncompressed cells, the sign carried to the highest bit."""
        samples = self._blanked(frame, here)
        bits = self.shape.bits_allocated
        wide = samples.astype(np.int64)
        if self.shape.signed:
            sign = 1 << (self._precision(frame) - 1)
            wide = ((wide & (2 * sign - 1)) ^ sign) - sign
        return (wide & ((1 << bits) - 1)).astype(f"<u{bits // 8}").tobytes()

    def _blanked(self, frame: bytes, here: tuple[Rectangle, ...]) -> Samples:
        precision = self._precision(frame)
        samples = decode(self.codec, frame, self.shape)
        shift = self.shape.high_bit + 1 - self.shape.bits_stored if self.syntax in PLAIN else 0
        values = [(value << shift) % (1 << precision) for value in black_samples(self.shape)]
        kind = np.dtype(f"u{samples.dtype.itemsize}")
        black = np.array(values, kind)
        if samples.dtype.kind == "i":  # the codestream's own sign, from its own precision
            sign = 1 << (precision - 1)
            black = ((black.astype(np.int64) ^ sign) - sign).astype(samples.dtype)
        filler = black if samples.ndim == 3 else black[0]
        for r in here:
            samples[r.row_start : r.row_stop, r.column_start : r.column_stop] = filler
        return samples

    def _precision(self, frame: bytes) -> int:
        if self.syntax in PLAIN:
            return self.shape.bits_allocated
        coded = read_codestream(frame)
        if not coded.reversible:
            raise UnsupportedObject("BLANK_LOSSY_SYNTAX", "the frame is coded with loss")
        size = (self.shape.rows, self.shape.columns, self.shape.samples)
        sound = 0 < coded.precision <= self.shape.bits_allocated
        if (coded.rows, coded.columns, coded.samples) != size or not sound:
            raise UnreadableObject("BLANK_NOT_DECODED", "another size than the header says")
        return coded.precision
