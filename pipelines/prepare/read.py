"""Read one object from disk; what pydicom raises becomes a code, and no file is read without end.

Files without a preamble or a file meta group are read too: what they lack is made anew on release.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import SEEK_END
from pathlib import Path
from typing import BinaryIO

from pydicom import dcmread
from pydicom.dataset import FileDataset
from pydicom.filereader import _read_file_meta_info, read_preamble
from pydicom.uid import DeflatedExplicitVRLittleEndian

from config.errors import AccordageError, UnreadableObject
from deid.roots import original_uid
from deid.whole import require_whole
from harmonise.vendor.headers import quiet

__all__ = ["MAGIC", "MAGIC_OFFSET", "read_header", "read_object"]

_LARGEST_VALUE_BYTES = 256 << 20
"""No attribute of a header holds more; pixels may."""
_LARGEST_INFLATED_BYTES = 1 << 30
_CHUNK_BYTES = 1 << 20
_STORAGE = "1.2.840.10008.5.1.4.1.1."
_NAMED_BY = (
    "PatientID", "IssuerOfPatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID",
)  # fmt: skip
MAGIC_OFFSET, MAGIC = 128, b"DICM"
"""PS3.10 section 7.1."""


def read_header(path: Path) -> FileDataset:
    """Return everything before the pixels, whether these are whole or not.

    Raises
    ------
    UnreadableObject
        ``FILE_UNREADABLE``: no DICOM, or without a SOP class; ``DEID_TRUNCATED``;
        ``DEID_TOO_LARGE``.
    """
    with _reading(path) as (stream, has_magic, is_deflated):
        size_bytes = path.stat().st_size
        ds = dcmread(_Bounded(stream, size_bytes), stop_before_pixels=True, force=not has_magic)
        if not is_deflated and stream.tell() >= size_bytes:
            _require_whole(ds, stream)  # no pixels stopped the reader: the end did
        sop_class = original_uid(ds, "SOPClassUID")
        for keyword in _NAMED_BY:
            ds.get(keyword)  # what cannot be decoded raises here, not where it is used
    if not sop_class or (not has_magic and not sop_class.startswith(_STORAGE)):
        raise UnreadableObject("FILE_UNREADABLE", "no SOPClassUID")
    return ds


def read_object(path: Path) -> FileDataset:
    """Return the whole object; its header has been read before.

    Raises
    ------
    UnreadableObject
        ``FILE_UNREADABLE``: the bytes after the header are not what it announces;
        ``DEID_TRUNCATED``: some are left that no element holds.
    """
    with _reading(path) as (stream, has_magic, is_deflated):
        ds = dcmread(stream, force=not has_magic)
        if not is_deflated:
            _require_whole(ds, stream)
        return ds


def _require_whole(ds: FileDataset, stream: BinaryIO) -> None:
    size_bytes = stream.seek(0, SEEK_END)
    stream.seek(max(size_bytes - 8, 0))
    require_whole(ds, size_bytes, stream.read())


@contextmanager
def _reading(path: Path) -> Iterator[tuple[BinaryIO, bool, bool]]:
    """Open a file and tell whether it has a preamble and is deflated.

    Whatever hostile bytes make a parser raise is one refusal.
    """
    try:
        with quiet(), path.open("rb") as stream:
            yield stream, *_start(stream)
    except AccordageError:
        raise
    except Exception as error:  # noqa: BLE001, see above
        raise UnreadableObject("FILE_UNREADABLE", type(error).__name__) from None


def _start(stream: BinaryIO) -> tuple[bool, bool]:
    """Return whether the file has a preamble and is deflated; that must not unpack without end."""
    stream.seek(MAGIC_OFFSET)
    has_magic = stream.read(4) == MAGIC
    stream.seek(0)
    if not has_magic:
        return False, False
    read_preamble(stream, force=False)
    meta = _read_file_meta_info(stream)
    is_deflated = meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian
    if is_deflated:
        _require_bounded(stream)
    stream.seek(0)
    return True, is_deflated


def _require_bounded(stream: BinaryIO) -> None:
    """Refuse a deflated data set (PS3.5 A.5) that unpacks to more than one gigabyte."""
    inflater, size = zlib.decompressobj(wbits=-zlib.MAX_WBITS), 0
    left = stream.read(_CHUNK_BYTES)
    while left and not inflater.eof:
        size += len(inflater.decompress(left, _CHUNK_BYTES))
        if size > _LARGEST_INFLATED_BYTES:
            raise UnreadableObject("DEID_TOO_LARGE", "a deflated object")
        left = inflater.unconsumed_tail or stream.read(_CHUNK_BYTES)
    if not inflater.eof:
        raise UnreadableObject("DEID_TRUNCATED", "a deflated object")


class _Bounded:
    """A file of which no value is read beyond a bound, nor memory asked for beyond its end."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream = stream
        self._size = size
        self.seek, self.tell = stream.seek, stream.tell
        self.name = ""

    def read(self, size: int = -1) -> bytes:
        left = max(self._size - self._stream.tell(), 0)
        wanted = left if size < 0 else min(size, left)
        if wanted > _LARGEST_VALUE_BYTES:
            raise UnreadableObject("DEID_TOO_LARGE", "a value of the header")
        return self._stream.read(wanted)
