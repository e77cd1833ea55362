"""A multipart body is read as a stream: in whatever pieces it comes, and not beyond its end."""

from __future__ import annotations

import pytest

from config.errors import TransientError
from pipelines.acquire.web.multipart import boundary_of, read_parts

PARTS = [b"first\r\n--", b"", b"\r\n--edg is no boundary", bytes(range(256)) * 20]


class Sink:
    def __init__(self, into: list[bytes]) -> None:
        self._into = into
        self._data = b""

    def write(self, piece: memoryview) -> None:
        self._data += piece

    def close(self) -> None:
        self._into.append(self._data)

    def discard(self) -> None:
        self._into.append(b"discarded")


def body(*, lengths: bool, preamble: bytes = b"") -> bytes:
    """Write as RFC 2046 section 5.1.1 says."""
    made = preamble
    for part in PARTS:
        length = f"\r\nContent-Length: {len(part)}".encode() if lengths else b""
        made += b"\r\n--edge\r\nContent-Type: application/dicom" + length + b"\r\n\r\n" + part
    return made.lstrip(b"\r\n") + b"\r\n--edge--\r\n"


def read(data: bytes, size: int) -> list[bytes]:
    left, got = memoryview(data), []

    def some(wanted: int) -> bytes:
        nonlocal left
        taken, left = left[: min(size, wanted)], left[min(size, wanted) :]
        return bytes(taken)

    into: list[bytes] = []
    got = into
    read_parts(some, b"edge", lambda: Sink(into))
    return got


@pytest.mark.parametrize("lengths", [True, False])
@pytest.mark.parametrize("size", [1, 7, 64, 1 << 20])
@pytest.mark.parametrize("preamble", [b"", b"a preamble\r\n"])
def test_parts_come_out_as_they_went_in(lengths: bool, size: int, preamble: bytes) -> None:
    assert read(body(lengths=lengths, preamble=preamble), size) == PARTS


@pytest.mark.parametrize("lengths", [True, False])
def test_a_body_cut_off_anywhere_is_an_error_and_no_part(lengths: bool) -> None:
    data = body(lengths=lengths)
    for end in range(0, len(data) - len(b"--\r\n"), 97):
        with pytest.raises(TransientError, match=r"^PACS_ABORTED"):
            read(data[:end], 64)


def test_a_part_longer_than_its_length_is_an_error() -> None:
    data = body(lengths=True).replace(b"Content-Length: 9", b"Content-Length: 3")
    with pytest.raises(TransientError, match=r"^PACS_ABORTED"):
        read(data, 64)


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ('multipart/related; type="application/dicom"; boundary=abc', b"abc"),
        ('multipart/related; boundary="a b:c"', b"a b:c"),
        ("application/dicom", None),
    ],
)
def test_the_boundary_is_read_with_and_without_quotes(
    content_type: str, boundary: bytes | None
) -> None:
    assert boundary_of(content_type) == boundary
