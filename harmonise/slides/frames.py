"""The frames of one whole slide object, decoded one at a time from the file.

Offsets come from the Extended or the Basic Offset Table, else from the items (PS3.5 A.4); nothing
but the header and these is kept, so that a slide of gigabytes costs no more than a small one.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import FileDataset
from pydicom.encaps import encapsulate, parse_basic_offsets
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import DeflatedExplicitVRLittleEndian

from config.errors import UnreadableObject, UnsupportedObject
from harmonise.vendor.headers import FOREIGN, quiet

__all__ = ["FrameFile"]

ITEM = b"\xfe\xff\x00\xe0"
PIXEL_DATA = 0x7FE00010
UNDEFINED = 0xFFFFFFFF
LONG_VRS = (b"OB", b"OW", b"UN")


class FrameFile:
    """One object open for reading; frames are counted from 0 as the object stores them.

    Raises
    ------
    UnreadableObject
        ``PIXELS_UNREADABLE``.
    UnsupportedObject
        ``WSI_PIXELS_UNSUPPORTED`` for what is not 8-bit colour, or is deflated.
    """

    def __init__(self, path: Path, sop_uid: str) -> None:
        self._stream: BinaryIO = path.open("rb")
        try:
            with quiet():
                self.header: FileDataset = pydicom.dcmread(self._stream, stop_before_pixels=True)
                self._start = self._stream.tell()
            self._demand(sop_uid)
            self.rows, self.columns = int(self.header.Rows), int(self.header.Columns)
            self.count = int(self.header.get("NumberOfFrames") or 1)
            self._options = self._supported()
            self._spans = self._find()
        except FOREIGN as error:
            self.close()
            raise UnreadableObject("PIXELS_UNREADABLE", type(error).__name__) from error
        except BaseException:
            self.close()
            raise

    def _demand(self, sop_uid: str) -> None:
        if str(self.header.SOPInstanceUID) != sop_uid:
            raise UnreadableObject("PIXELS_UNREADABLE", "(0008,0018) changed since it was read")

    def close(self) -> None:
        """Close the file."""
        self._stream.close()

    @property
    def stored_bytes(self) -> int:
        """Bytes of all frames as they are stored."""
        return sum(length for _, length in self._spans)

    def frame(self, index: int) -> NDArray[np.uint8]:
        """Return one frame as RGB, shape (rows, columns, 3).

        Raises
        ------
        UnreadableObject
            ``PIXELS_UNREADABLE``.
        """
        try:
            data = self.stored(index)
            if self._syntax.is_compressed:
                data = encapsulate([data], has_bot=False)
            with quiet():
                pixels, _ = get_decoder(self._syntax).as_array(data, index=0, **self._options)
        except MemoryError:
            raise
        except FOREIGN as error:
            detail = f"frame {index + 1}: {type(error).__name__}"
            raise UnreadableObject("PIXELS_UNREADABLE", detail) from error
        if pixels.shape != (self.rows, self.columns, 3) or pixels.dtype != np.uint8:
            detail = f"frame {index + 1} is {pixels.shape} {pixels.dtype}"
            raise UnreadableObject("PIXELS_UNREADABLE", detail)
        return pixels

    def _supported(self) -> dict[str, Any]:
        ds = self.header
        self._syntax = ds.file_meta.TransferSyntaxUID
        form = (ds.get("SamplesPerPixel"), ds.get("BitsAllocated"), ds.get("BitsStored"))
        if form != (3, 8, 8) or ds.get("PixelRepresentation"):
            said = f"(0028,0002), (0028,0100), (0028,0101) {form}"
            raise UnsupportedObject("WSI_PIXELS_UNSUPPORTED", said)
        if self._syntax == DeflatedExplicitVRLittleEndian:
            raise UnsupportedObject("WSI_PIXELS_UNSUPPORTED", "deflated transfer syntax")
        return {
            "transfer_syntax_uid": self._syntax,
            "rows": self.rows,
            "columns": self.columns,
            "number_of_frames": 1,
            "samples_per_pixel": 3,
            "planar_configuration": int(ds.get("PlanarConfiguration") or 0),
            "photometric_interpretation": str(ds.PhotometricInterpretation),
            "bits_allocated": 8,
            "bits_stored": 8,
            "pixel_representation": 0,
            "pixel_keyword": "PixelData",
        }

    def stored(self, index: int) -> bytes:
        """Return the bytes of one frame as they are stored, its fragments joined."""
        start, length = self._spans[index]
        self._stream.seek(start)
        data = self._stream.read(length)
        if len(data) != length:
            raise EOFError
        return _joined(data) if self._syntax.is_compressed else data

    def _find(self) -> list[tuple[int, int]]:
        """Return where each frame lies: start and length in the file, item headers included."""
        self._stream.seek(self._start)
        size = self._value_length()
        at = self._stream.tell()
        if not self._syntax.is_compressed:
            each = self.rows * self.columns * 3
            if str(self.header.PhotometricInterpretation) == "YBR_FULL_422":
                each = each * 2 // 3
            if size < each * self.count:
                raise EOFError
            return [(at + each * i, each) for i in range(self.count)]
        table = parse_basic_offsets(self._stream)
        first = self._stream.tell()
        extended = self.header.get("ExtendedOffsetTable")
        if extended:
            starts = list(struct.unpack(f"<{len(extended) // 8}Q", extended))
        else:
            starts = table if len(table) == self.count else self._walk(first)
        if len(starts) < self.count:
            raise EOFError
        ends = [*starts[1 : self.count], self._end(first, starts[self.count - 1])]
        return [(first + a, b - a) for a, b in zip(starts, ends, strict=False)]

    def _value_length(self) -> int:
        """Read the head of the Pixel Data element (PS3.5 7.1) and return its length."""
        head = self._stream.read(8)
        group, element = struct.unpack("<HH", head[:4])
        if group << 16 | element != PIXEL_DATA:
            raise EOFError
        if head[4:6] in LONG_VRS and not self.header.file_meta.TransferSyntaxUID.is_implicit_VR:
            return int(struct.unpack("<L", self._stream.read(4))[0])
        return int(struct.unpack("<L", head[4:])[0])

    def _walk(self, first: int) -> list[int]:
        """Return where items begin, for a file without an offset table: one item a frame."""
        starts, at = [], first
        while (length := self._item(at)) is not None:
            starts.append(at - first)
            at += 8 + length
        if len(starts) != self.count:
            raise EOFError
        return starts

    def _end(self, first: int, last: int) -> int:
        """Return where the last frame ends, whatever number of items it has."""
        at = first + last
        while (length := self._item(at)) is not None:
            at += 8 + length
        return at - first

    def _item(self, at: int) -> int | None:
        self._stream.seek(at)
        head = self._stream.read(8)
        if head[:4] != ITEM:
            return None
        return int(struct.unpack("<L", head[4:])[0])


def _joined(data: bytes) -> bytes:
    """Return the fragments of one frame joined, without their item headers."""
    at, parts = 0, []
    while data[at : at + 4] == ITEM:
        (length,) = struct.unpack("<L", data[at + 4 : at + 8])
        parts.append(data[at + 8 : at + 8 + length])
        at += 8 + length
    if not parts:
        raise EOFError
    return b"".join(parts)
