"""Bytes as text: the character sets of PS3.5 6.1, and every view in which a name may be read."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache

__all__ = ["decode", "fold", "squeeze", "views"]

_CODECS = {
    "": "ascii", "ISO_IR 6": "ascii", "ISO_IR 100": "latin-1", "ISO_IR 101": "iso8859-2",
    "ISO_IR 109": "iso8859-3", "ISO_IR 110": "iso8859-4", "ISO_IR 144": "iso8859-5",
    "ISO_IR 127": "iso8859-6", "ISO_IR 126": "iso8859-7", "ISO_IR 138": "iso8859-8",
    "ISO_IR 148": "iso8859-9", "ISO_IR 203": "iso8859-15", "ISO_IR 13": "shift_jis",
    "ISO_IR 166": "iso8859-11", "ISO_IR 192": "utf-8", "GB18030": "gb18030", "GBK": "gbk",
}  # fmt: skip
_ESCAPES = {
    b"\x1b(B": "ascii", b"\x1b-A": "latin-1", b"\x1b-B": "iso8859-2", b"\x1b-C": "iso8859-3",
    b"\x1b-D": "iso8859-4", b"\x1b-L": "iso8859-5", b"\x1b-G": "iso8859-6",
    b"\x1b-F": "iso8859-7", b"\x1b-H": "iso8859-8", b"\x1b-M": "iso8859-9",
    b"\x1b-T": "iso8859-11", b"\x1b-b": "iso8859-15", b"\x1b)I": "shift_jis",
    b"\x1b(J": "shift_jis", b"\x1b$)A": "gb2312", b"\x1b$)C": "euc_kr",
    b"\x1b$B": "iso2022_jp", b"\x1b$(D": "iso2022_jp_2",
}  # fmt: skip
_ESCAPE = re.compile("|".join(re.escape(e.decode("latin-1")) for e in _ESCAPES).encode("latin-1"))
_UTF16 = {
    "utf-16-le": re.compile(rb"(?:[\x09-\xff]\x00|[\x52\x53]\x01){4,}"),
    "utf-16-be": re.compile(rb"(?:\x00[\x09-\xff]|\x01[\x52\x53]){4,}"),
}
"""Runs of Latin letters in UTF-16; 0152 and 0153 are the French ligature."""


def decode(value: bytes, charset: Sequence[str]) -> str:
    """Return text as its Specific Character Set says (PS3.3 C.12.1.1.2), never failing."""
    if b"\x1b" in value:
        return _decode_2022(value, charset)
    first = (charset or ("",))[0].replace("ISO 2022 IR", "ISO_IR")
    return value.decode(_CODECS.get(first, "latin-1"), "replace")


def _decode_2022(value: bytes, charset: Sequence[str]) -> str:
    first = (charset or ("",))[0].replace("ISO 2022 IR", "ISO_IR")
    codec, at, parts = _CODECS.get(first, "latin-1"), 0, []
    for match in _ESCAPE.finditer(value):
        parts.append(value[at : match.start()].decode(_without_escapes(codec), "replace"))
        codec, at = _ESCAPES[match[0]], match.end()
        if codec.startswith("iso2022"):
            at = match.start()  # this codec reads the escape itself
    parts.append(value[at:].decode(codec, "replace"))
    return "".join(parts)


def _without_escapes(codec: str) -> str:
    return "iso2022_jp_2" if codec == "iso2022_jp" else codec


class _Folds(dict[int, str]):
    """Code point -> what it is without case, accent or width."""

    def __missing__(self, point: int) -> str:
        special = {0x153: "oe", 0x152: "oe", 0xE6: "ae", 0xC6: "ae", 0x2019: "'", 0xDF: "ss"}
        text = special.get(point)
        if text is None:
            plain = unicodedata.normalize("NFKD", chr(point))
            text = "".join(c for c in plain if not unicodedata.combining(c)).casefold()
        self[point] = text
        return text


def fold(text: str) -> str:
    """Return text without case, accents or width: LEFÈVRE and lefevre are one."""
    return text.lower() if text.isascii() else text.translate(_folds())


@cache
def _folds() -> _Folds:
    return _Folds()


def squeeze(folded: str) -> str:
    """Return folded text without anything but its letters and digits."""
    return re.sub(r"[\W_]+", "", folded)


def views(data: bytes) -> Iterator[str]:
    """Yield bytes of unknown encoding as every text they may be: Latin-1, UTF-8, UTF-16."""
    yield data.decode("latin-1")
    if not data.isascii():
        yield data.decode("utf-8", "replace")
    if b"\x1b" in data:
        yield _decode_2022(data, ())
    if b"\0" not in data:
        return
    for codec, pattern in _UTF16.items():
        runs = [run.decode(codec, "replace") for run in pattern.findall(data)]
        if runs:
            yield "\n".join(runs)
