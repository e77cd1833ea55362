"""What lies packed inside a value: PDF streams and strings, zip and gzip members, base64, XML."""

from __future__ import annotations

import base64
import binascii
import gzip
import html
import io
import re
import zipfile
import zlib
from collections.abc import Iterator

__all__ = ["unpacked"]

_DEEPEST = 3
_LARGEST = 1 << 28
"""Bytes one packed stream may grow to; what is longer is read so far."""
_STREAM = re.compile(rb"stream\r?\n(.*?)\r?\n?endstream", re.DOTALL)
_STRINGS = re.compile(rb"\((?:[^()\\]|\\.)*\)|<[0-9A-Fa-f\s]{4,}>", re.DOTALL)
_BASE64 = re.compile(rb"[A-Za-z0-9+/]{24,}(?:\r?\n[A-Za-z0-9+/]+)*={0,2}")
_OCTAL = re.compile(rb"\\([0-7]{1,3})")


def unpacked(data: bytes, depth: int = 0) -> Iterator[bytes]:
    """Yield what ``data`` holds in packed form, at every depth; not ``data`` itself."""
    if depth >= _DEEPEST:
        return
    for inner in _once(data):
        yield inner
        yield from unpacked(inner, depth + 1)


def _once(data: bytes) -> Iterator[bytes]:
    if b"%PDF-" in data[:1024]:
        yield from _pdf(data)
    elif _shows_text(data):
        yield _literals(data)
    if b"PK\x03\x04" in data:
        yield from _zip(data)
    if data[:2] == b"\x1f\x8b":
        yield from _gzip(data)
    head = data[:512].lstrip(b"\xef\xbb\xbf \r\n\t")
    if head[:1] == b"<" or b"<?xml" in head:
        yield html.unescape(re.sub(rb"<[^>]*>", b" ", data).decode("utf-8", "replace")).encode()
        for run in _BASE64.findall(data):
            yield from _base64(run)


def _shows_text(data: bytes) -> bool:
    """Tell whether bytes are a page's content, which shows text with Tj or TJ (PDF 32000 9.4)."""
    return b"BT" in data and (b"Tj" in data or b"TJ" in data)


def _pdf(data: bytes) -> Iterator[bytes]:
    yield _literals(data)
    for match in _STREAM.finditer(data):
        inflater = zlib.decompressobj()
        try:
            yield inflater.decompress(match[1], _LARGEST)
        except zlib.error:
            yield match[1]


def _literals(data: bytes) -> bytes:
    """Return the strings of a PDF, escapes undone, pieces of one array joined (9.4.3)."""
    found = []
    for match in _STRINGS.finditer(data):
        text = match[0][1:-1]
        if match[0][:1] == b"<":
            digits = re.sub(rb"\s", b"", text)
            text = bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode("ascii"))
        else:
            text = _OCTAL.sub(lambda m: bytes([int(m[1], 8) & 255]), text)
            text = re.sub(rb"\\(.)", rb"\1", text, flags=re.DOTALL)
        between = data[match.end() : match.end() + 12].lstrip()
        joined = re.match(rb"-?[\d.]*\s*[(<]", between) is not None
        found.append(text if joined else text + b"\n")
    return b"".join(found)


def _zip(data: bytes) -> Iterator[bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(data[data.index(b"PK\x03\x04") :])) as package:
            for entry in package.infolist():
                yield entry.filename.encode()
                if not entry.flag_bits & 1:
                    with package.open(entry) as stream:
                        yield stream.read(_LARGEST)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError):
        return


def _gzip(data: bytes) -> Iterator[bytes]:
    try:
        with gzip.open(io.BytesIO(data)) as stream:
            yield stream.read(_LARGEST)
    except (OSError, EOFError, zlib.error):
        return


def _base64(run: bytes) -> Iterator[bytes]:
    digits = re.sub(rb"\s", b"", run)
    try:
        yield base64.b64decode(digits + b"=" * (-len(digits) % 4))
    except binascii.Error:
        return
