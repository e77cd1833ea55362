"""The frames of an object one at a time, from the file where they lie or from memory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydicom.dataset import Dataset

from config.errors import UnreadableObject, UnsupportedObject
from deid.blank.black import darkest_entry
from deid.blank.frame import DecodedFrame, decode_frame
from deid.blank.items import frames_of
from deid.blank.shape import PixelShape, read_shape
from deid.blank.syntaxes import how_of
from deid.header import Header
from deid.span import Span

__all__ = ["PixelSource", "source_in_file", "source_in_memory"]


@dataclass(frozen=True)
class PixelSource:
    """Pixels that can be read again and again, in memory for one frame.

    Parameters
    ----------
    ds : Dataset
        The object with its file meta; its Pixel Data need not be bytes.
    shape : PixelShape
        What the header says of the pixels.
    path : Path or None
        The file that ``place`` points into, None when Pixel Data of ``ds`` are bytes.
    place : Span or None
        Where the value lies.
    """

    ds: Dataset
    shape: PixelShape
    path: Path | None = None
    place: Span | None = None

    @property
    def syntax_uid(self) -> str:
        """Transfer Syntax UID."""
        return str(self.ds.file_meta.TransferSyntaxUID)

    @property
    def vr(self) -> str:
        """VR of Pixel Data; OW where the file does not say (PS3.5 A.1)."""
        return str(self.ds.get_item("PixelData").VR or "OW")

    def frames(self) -> Iterator[bytes]:
        """Yield each frame as it is stored.

        Raises
        ------
        UnreadableObject
            ``BLANK_PIXELS_SHORT`` when there are fewer than the header says.
        UnsupportedObject
            ``BLANK_PIXELS_UNSUPPORTED`` for frames that do not begin on a byte.
        """
        if how_of(self.syntax_uid) == "native":
            return self._native()
        if self.place is None or self.path is None:
            return frames_of(self.ds, self.shape.frames)
        return self._encapsulated(self.path, self.place)

    def decoded(self) -> Iterator[DecodedFrame]:
        """Yield each frame decoded.

        Raises
        ------
        RejectedError
            As :func:`deid.blank.frame.decode_frame` and `frames` do.
        """
        for frame in self.frames():
            yield decode_frame(frame, self.syntax_uid, self.shape, vr=self.vr)

    def _native(self) -> Iterator[bytes]:
        if self.shape.frame_bits % 8 and self.shape.frames > 1:
            raise UnsupportedObject("BLANK_PIXELS_UNSUPPORTED", "frames that share a byte")
        size = (self.shape.frame_bits + 7) // 8
        for index in range(self.shape.frames):
            frame = self._cut(index * size, size)
            if len(frame) < size:
                raise UnreadableObject("BLANK_PIXELS_SHORT", f"frame {index}")
            yield frame

    def _cut(self, at: int, size: int) -> bytes:
        if self.place is None or self.path is None:
            return bytes(memoryview(self.ds.PixelData)[at : at + size])
        with self.path.open("rb") as stream:
            stream.seek(self.place.offset + at)
            return stream.read(max(min(size, self.place.length - at), 0))

    def _encapsulated(self, path: Path, place: Span) -> Iterator[bytes]:
        with path.open("rb") as stream:
            yield from frames_of(self.ds, self.shape.frames, _Window(stream.fileno(), place))


def source_in_file(path: Path, header: Header) -> PixelSource:
    """Return the pixels of a file whose header was read.

    Raises
    ------
    RejectedError
        As :func:`deid.blank.shape.read_shape` does.
    """
    ds = header.dataset()
    return PixelSource(ds, _shape(ds), path, header.pixels)


def source_in_memory(ds: Dataset) -> PixelSource:
    """Return the pixels of an object that was read whole.

    Raises
    ------
    UnreadableObject
        ``DEID_NO_PIXELS``.
    RejectedError
        As :func:`deid.blank.shape.read_shape` does.
    """
    if not isinstance(ds.get("PixelData"), bytes):
        raise UnreadableObject("DEID_NO_PIXELS", "no Pixel Data")
    return PixelSource(ds, _shape(ds))


def _shape(ds: Dataset) -> PixelShape:
    is_palette = str(ds.get("PhotometricInterpretation", "")).strip() == "PALETTE COLOR"
    return read_shape(ds, darkest=darkest_entry(ds) if is_palette else 0)


class _Window:
    """A part of an open file, read as a file of its own."""

    def __init__(self, descriptor: int, place: Span) -> None:
        self._descriptor, self._place, self._at = descriptor, place, 0

    def read(self, size: int = -1, /) -> bytes:
        left = self._place.length - self._at
        wanted = left if size < 0 else min(size, left)
        data = os.pread(self._descriptor, max(wanted, 0), self._place.offset + self._at)
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._place.length}[whence]
        self._at = start + offset
        return self._at

    def tell(self) -> int:
        return self._at
