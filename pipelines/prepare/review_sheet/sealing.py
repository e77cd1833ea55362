"""A sheet closed for the holder of a key while it is written: no byte of it touches the disk open.

The file is a mark, a random name of 16 bytes, and boxes (:mod:`pipelines.vault.seal`) of at most a
megabyte, each after its length. A box is bound to the sheet, to its place in it and to being the
last, so that none can be left out, moved, or taken from another sheet.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from config.errors import RejectedError
from pipelines.vault.seal import open_sealed, seal

__all__ = ["SealedStream", "open_sheet"]

_MAGIC = b"ACCSHEET1"
_NAME_BYTES, _LENGTH_BYTES = 16, 4
_CHUNK_BYTES = 1 << 20
_LARGEST_BOX_BYTES = _CHUNK_BYTES + 1024


class SealedStream:
    """Takes bytes and writes boxes; `finish` writes the last one.

    Parameters
    ----------
    stream : BinaryIO
        Where the boxes go.
    holder : bytes
        Public X25519 key of who may read the sheet.
    """

    def __init__(self, stream: BinaryIO, holder: bytes) -> None:
        self._stream, self._holder = stream, holder
        self._name = secrets.token_bytes(_NAME_BYTES)
        self._left = bytearray()
        self._count = 0
        stream.write(_MAGIC + self._name)

    def write(self, data: bytes) -> None:
        """Take bytes; whole boxes are written."""
        self._left += data
        while len(self._left) > _CHUNK_BYTES:
            self._box(bytes(self._left[:_CHUNK_BYTES]), last=False)
            del self._left[:_CHUNK_BYTES]

    def finish(self) -> None:
        """Write the last box."""
        self._box(bytes(self._left), last=True)
        self._left.clear()

    def _box(self, chunk: bytes, *, last: bool) -> None:
        box = seal(self._holder, chunk, _purpose(self._name, self._count, last=last))
        self._stream.write(len(box).to_bytes(_LENGTH_BYTES, "big") + box)
        self._count += 1


def open_sheet(path: Path, private: bytes) -> Iterator[bytes]:
    """Yield the bytes of a sealed sheet, box by box.

    Raises
    ------
    RejectedError
        ``VAULT_SEAL_BROKEN``: changed, cut short, for another holder, or no sealed sheet. What was
        yielded before is then worth nothing.
    """
    with path.open("rb") as stream:
        start = stream.read(len(_MAGIC) + _NAME_BYTES)
        if not start.startswith(_MAGIC):
            raise RejectedError("VAULT_SEAL_BROKEN", "no sealed sheet")
        name, count = start[len(_MAGIC) :], 0
        box, following = _next(stream), _next(stream)
        while box:
            last = not following
            yield open_sealed(private, box, _purpose(name, count, last=last))
            box, following, count = following, _next(stream), count + 1
    if not count:
        raise RejectedError("VAULT_SEAL_BROKEN", "no box")


def _next(stream: BinaryIO) -> bytes:
    """Return the next box; nothing at the end of the file."""
    head = stream.read(_LENGTH_BYTES)
    if not head:
        return b""
    length = int.from_bytes(head, "big")
    if not 0 < length <= _LARGEST_BOX_BYTES:
        raise RejectedError("VAULT_SEAL_BROKEN", "length of a box")
    box = stream.read(length)
    if len(box) < length:
        raise RejectedError("VAULT_SEAL_BROKEN", "cut short")
    return box


def _purpose(name: bytes, number: int, *, last: bool) -> bytes:
    return b"review-sheet/%s/%d/%s" % (name.hex().encode(), number, b"last" if last else b"more")
