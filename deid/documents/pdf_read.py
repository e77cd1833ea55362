"""The text of a PDF, read in a process of its own that is bounded in time and memory.

A PDF can keep any reader busy for ever or ask it for all memory, so the parser runs apart
(this file as a script): bytes in, text out, nothing when it fails.
"""

from __future__ import annotations

import io
import logging
import re
import resource
import subprocess
import sys
import warnings
from typing import Any

__all__ = ["main", "read_pdf"]

_LARGEST_BYTES = 32 << 20
_MOST_PAGES = 100
_MOST_CHARACTERS = 2_000_000
_CPU_S = 2
_WALL_S = 60
_MEMORY_BYTES = 1 << 30
_GLYPH_NAMES = re.compile(r"(?:/[A-Za-z]{0,3}\d+){3}|\(cid:\d+\)|[\ue000-\uf8ff\ufffd]")
"""What a reader gives where a font does not say which letters its glyphs are."""


def read_pdf(data: bytes) -> str | None:
    """Return the text of a PDF, pages joined by form feeds; None when it cannot be trusted.

    None for what is encrypted, broken, without a text layer, in fonts without a way back to
    letters, over 32 MB, over 100 pages, or slower than two seconds of processor time.
    """
    if not 0 < len(data) <= _LARGEST_BYTES:
        return None
    command = [sys.executable, "-I", __file__]
    try:
        run = subprocess.run(  # noqa: S603, our own interpreter and module
            command, input=data, capture_output=True, timeout=_WALL_S, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return None
    text = run.stdout.decode("utf-8", "replace") if run.returncode == 0 else ""
    return text if text.strip() else None


def main() -> None:
    """Read a PDF from standard input, write its text to standard output, or exit 1."""
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_S, _CPU_S))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    try:
        text = _extract(sys.stdin.buffer.read())
    except Exception:  # noqa: BLE001, whatever a broken document makes its reader raise
        sys.exit(1)
    if text is None or len(text) > _MOST_CHARACTERS or _GLYPH_NAMES.search(text):
        sys.exit(1)
    sys.stdout.buffer.write(text.encode("utf-8", "replace"))


def _extract(data: bytes) -> str | None:
    from pypdf import PdfReader

    reader = PdfReader(io.BytesIO(data), strict=False)
    if reader.is_encrypted or len(reader.pages) > _MOST_PAGES:
        return None
    pages = []
    for page in reader.pages:
        if not all(_has_letters(font) for font in _fonts(page)):
            return None
        pages.append(page.extract_text())
    return "\f".join(pages)


def _fonts(page: Any) -> list[Any]:
    resources = page.get("/Resources")
    fonts = resources.get_object().get("/Font") if resources is not None else None
    return [font.get_object() for font in fonts.get_object().values()] if fonts is not None else []


def _has_letters(font: Any) -> bool:
    """Tell whether the font's codes can be turned into letters (ISO 32000-1 9.10.2)."""
    if "/ToUnicode" in font:
        return True
    if font.get("/Subtype") in {"/Type0", "/Type3"}:
        return False
    encoding = font.get("/Encoding")
    differences: Any = encoding.get_object() if encoding is not None else None
    if differences is None or not hasattr(differences, "get"):
        return True  # a named encoding, or the font's own, which is Latin
    names = [str(name) for name in differences.get("/Differences", []) if str(name)[:1] == "/"]
    return not any(re.fullmatch(r"/[A-Za-z]{1,3}\d+", name) for name in names)


if __name__ == "__main__":
    main()
