"""A minimal PDF made from scratch out of lines of text: no metadata, no images, the same bytes.

ISO 32000-1: 7.5 file structure, 9.6.2.2 the standard font Courier, D.2 WinAnsiEncoding. Content
streams are not compressed, so that the search before release sees every letter.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

__all__ = ["write_pdf"]

_WIDTH_CHARACTERS = 90
_LINES_PER_PAGE = 64
_PAGE = (
    b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R "
    b"/Resources << /Font << /F1 3 0 R >> >> >>"
)
_START = b"BT /F1 9 Tf 12 TL 40 800 Td\n"
"""Courier of 9 points, lines 12 points apart, from the upper left corner of an A4 page."""


def write_pdf(text: str) -> bytes:
    """Return a PDF that shows ``text``; characters outside WinAnsi become question marks."""
    pages = list(_pages(text.splitlines()))
    kids = b" ".join(b"%d 0 R" % (4 + 2 * i) for i in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, len(pages)),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Courier /Encoding /WinAnsiEncoding >>",
    ]
    for number, lines in enumerate(pages):
        body = _START + b"".join(b"(%s) Tj T*\n" % _literal(line) for line in lines) + b"ET"
        objects.append(_PAGE % (5 + 2 * number))
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(body), body))
    return _file(objects)


def _pages(lines: Iterable[str]) -> Iterable[Sequence[str]]:
    printable = ("".join(c if c.isprintable() else " " for c in line) for line in lines)
    wrapped = [
        part for line in printable for part in textwrap.wrap(line, _WIDTH_CHARACTERS) or [""]
    ]
    for start in range(0, max(len(wrapped), 1), _LINES_PER_PAGE):
        yield wrapped[start : start + _LINES_PER_PAGE]


def _literal(text: str) -> bytes:
    """Return the inside of a literal string (ISO 32000-1 7.3.4.2)."""
    escaped = text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
    return escaped.encode("cp1252", "replace")


def _file(objects: Sequence[bytes]) -> bytes:
    written = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"
    places = []
    for number, body in enumerate(objects, start=1):
        places.append(len(written))
        written += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    trailer = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n" % (size, len(written))
    return written + b"xref\n0 %d\n0000000000 65535 f \n" % size + table + trailer + b"%%EOF\n"
