"""multipart/related (RFC 2387, RFC 2046 section 5.1) read as a stream: each part into its sink."""

from __future__ import annotations

import re
from collections.abc import Callable
from email.message import Message
from typing import Protocol

from config.errors import TransientError

__all__ = ["PartSink", "boundary_of", "read_parts"]

_CHUNK_BYTES = 1 << 20
_LARGEST_HEAD_BYTES = 1 << 14
_LENGTH = re.compile(rb"(?im)^content-length:\s*(\d+)\s*$")


class PartSink(Protocol):
    """Takes the bytes of one part."""

    def write(self, piece: memoryview) -> None:
        """Take the next piece; it stays as it is, so it may be kept."""

    def close(self) -> None:
        """Take note that the part is whole."""

    def discard(self) -> None:
        """Forget the part: it was cut off."""


def boundary_of(content_type: str) -> bytes | None:
    """Return the boundary of a multipart type; None for any other type."""
    message = Message()
    message["Content-Type"] = content_type
    if message.get_content_maintype() != "multipart":
        return None
    return (message.get_boundary() or "").encode("ascii", "replace")


def read_parts(
    read: Callable[[int], bytes], boundary: bytes, open_part: Callable[[], PartSink]
) -> int:
    """Read a body to its last boundary; return how many parts there were.

    Parameters
    ----------
    read : callable
        Returns up to so many bytes; none at the end of the body.
    boundary : bytes
        As `boundary_of` tells.
    open_part : callable
        Called for each part; its sink takes what follows the part's headers.

    Raises
    ------
    TransientError
        ``PACS_ABORTED``: the body ends before its last boundary.
    """
    return _Body(read, boundary).each(open_part)


class _Body:
    def __init__(self, read: Callable[[int], bytes], boundary: bytes) -> None:
        self._read = read
        self._mark = b"\r\n--" + boundary
        self._held = bytearray(b"\r\n")  # the first boundary may lack what the others start with

    def each(self, open_part: Callable[[], PartSink]) -> int:
        self._copy(None)
        count = 0
        while not self._is_last():
            length = self._head()
            sink = open_part()
            try:
                if length is not None:
                    self._copy_length(sink, length)
                self._copy(sink, exactly=length is not None)
            except BaseException:
                sink.discard()
                raise
            sink.close()
            count += 1
        return count

    def _more(self) -> None:
        chunk = self._read(_CHUNK_BYTES)
        if not chunk:
            raise TransientError("PACS_ABORTED", "a multipart body cut off")
        self._held += chunk

    def _is_last(self) -> bool:
        """Read what follows a boundary: two hyphens end the body, a line end starts a part."""
        while len(self._held) < 2:
            self._more()
        return self._held.startswith(b"--")

    def _head(self) -> int | None:
        """Drop a part's headers; return its length where they tell."""
        while (end := self._held.find(b"\r\n\r\n")) < 0:
            if len(self._held) > _LARGEST_HEAD_BYTES:
                raise TransientError("PACS_ABORTED", "no end of a part's headers")
            self._more()
        found = _LENGTH.search(self._held[:end].replace(b"\r", b""))
        del self._held[: end + 4]
        return int(found[1]) if found else None

    def _copy_length(self, sink: PartSink, length: int) -> None:
        """Pass on so many bytes without looking into them."""
        left = length - min(length, len(self._held))
        self._pass_on(sink, length - left)
        while left:
            chunk = self._read(min(left, _CHUNK_BYTES))
            if not chunk:
                raise TransientError("PACS_ABORTED", "a multipart body cut off")
            sink.write(memoryview(chunk))
            left -= len(chunk)

    def _copy(self, sink: PartSink | None, *, exactly: bool = False) -> None:
        """Pass on everything up to the next boundary, and drop that."""
        while (at := self._held.find(self._mark)) < 0:
            safe = max(len(self._held) - len(self._mark) + 1, 0)
            if exactly and safe:
                break
            self._pass_on(sink, safe)
            self._more()
        if exactly and at != 0:
            raise TransientError("PACS_ABORTED", "a part longer than its length")
        self._pass_on(sink, at)
        del self._held[: len(self._mark)]

    def _pass_on(self, sink: PartSink | None, size: int) -> None:
        if size and sink is not None:
            sink.write(memoryview(bytes(self._held[:size])))
        del self._held[:size]
