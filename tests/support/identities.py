"""Search bytes for planted identities: every form, every encoding, every file."""

from __future__ import annotations

import base64
import gzip
import re
import sqlite3
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

ENCODINGS = ("latin-1", "utf-8", "utf-16-le", "utf-16-be")
SEPARATORS = ("^", " ", ", ", ",")
SHORTEST = 4
"""Bytes of the shortest needle: three random bytes stand in every picture by chance."""
PIECE = 1 << 22
"""Bytes searched at once; consecutive pieces overlap by the longest needle."""
DATA_URI = re.compile(rb"base64,([A-Za-z0-9+/=]{16,})")
DAY = re.compile(r"\d{8}")


def name_forms(family: str, given: str) -> Iterator[str]:
    """Yield a name in both orders with every separator, and each part by itself."""
    for separator in SEPARATORS:
        yield family + separator + given
        yield given + separator + family
    yield family
    yield given


def date_forms(day: str) -> tuple[str, str, str, str]:
    """Return a DICOM DA as YYYYMMDD, DD/MM/YYYY, YYYY-MM-DD and DDMMYYYY."""
    year, month, date = day[:4], day[4:6], day[6:]
    return day, f"{date}/{month}/{year}", f"{year}-{month}-{date}", f"{date}{month}{year}"


def text_forms(entries: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return every text that must not be found, with the kind of identity it is.

    Names and sentences are also looked for in capitals, in lower case and without accents.
    """
    forms: dict[str, str] = {}
    for entry in entries:
        kind, value = entry["kind"], entry["value"]
        texts = {value}
        if kind == "date" and DAY.fullmatch(value):
            texts |= set(date_forms(value))
        if kind in {"name", "physician"} and "^" in value:
            texts |= set(name_forms(*value.split("^")[:2]))
        if kind in {"name", "physician", "address", "institution"}:
            texts |= {_plain(t) for t in texts}
            texts |= {f(t) for t in texts for f in (str.upper, str.lower, str.title)}
        if kind == "nir":
            texts |= {value[:13], f"{value[:13]} {value[13:]}"}
        if kind == "phone":
            digits = value.replace(" ", "")
            texts |= {digits, f"+33{digits[1:]}", ".".join(re.findall("..", digits))}
        for text in texts:
            forms[text] = kind
    return forms


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text.replace("Œ", "OE").replace("œ", "oe"))
    return "".join(c for c in folded if not unicodedata.combining(c))


class Searcher:
    """Finds any of many needles in bytes: a filter on byte pairs, then a comparison.

    Parameters
    ----------
    forms : Mapping[str, str]
        Text to look for -> its kind. Each is looked for in every encoding that can hold it.
    """

    def __init__(self, forms: Mapping[str, str]) -> None:
        self.needles: dict[bytes, str] = {}
        for text in forms:
            for encoding in ENCODINGS:
                try:
                    needle = text.encode(encoding)
                except UnicodeEncodeError:  # latin-1 has no Œ
                    continue
                if len(needle) >= SHORTEST:
                    self.needles.setdefault(needle, text)
        self.longest = max(map(len, self.needles))
        # pair tables: which two bytes may stand at offset 0, 2, 4 and 6 of a needle
        self._tables = [np.zeros(1 << 16, bool) for _ in range(4)]
        self._by_start: dict[bytes, list[bytes]] = defaultdict(list)
        for needle in self.needles:
            self._by_start[needle[:SHORTEST]].append(needle)
            for table, at in zip(self._tables, (0, 2, 4, 6), strict=True):
                pair = needle[at : at + 2]
                if len(pair) == 2:
                    table[pair[0] << 8 | pair[1]] = True
                elif len(pair) == 1:
                    table[pair[0] << 8 : (pair[0] + 1) << 8] = True
                else:
                    table[:] = True

    def find(self, data: bytes) -> set[str]:
        """Return the texts that stand in ``data`` in any encoding."""
        found: set[str] = set()
        for start in range(0, len(data), PIECE):
            piece = data[start : start + PIECE + self.longest]
            for at in self._candidates(piece):
                for needle in self._by_start.get(piece[at : at + SHORTEST], ()):
                    if piece.startswith(needle, at) and not _inside_number(piece, at, needle):
                        found.add(self.needles[needle])
        return found

    def _candidates(self, piece: bytes) -> list[int]:
        padded = np.frombuffer(piece + bytes(8), np.uint8)
        pairs = padded[:-1].astype(np.uint16) << 8 | padded[1:]
        at = np.flatnonzero(self._tables[0][pairs[: len(piece)]])
        for table, offset in zip(self._tables[1:], (2, 4, 6), strict=True):
            at = at[table[pairs[np.minimum(at + offset, len(pairs) - 1)]]]
        return [int(i) for i in at]


def _inside_number(data: bytes, at: int, needle: bytes) -> bool:
    """Tell whether eight digits are only the middle of a longer number, a UID or a fraction."""
    return len(needle) == 8 and needle.isdigit() and at > 0 and data[at - 1] in b"0123456789."


def views(path: Path) -> Iterator[bytes]:
    """Yield a file's bytes, and what they say once unpacked: gzip, parquet, SQLite, pictures."""
    data = path.read_bytes()
    if path.name.endswith(".gz"):
        yield data[:64]  # the header may hold a file name; what follows is compressed
        yield gzip.decompress(data)
        return
    yield data
    if path.suffix == ".parquet":
        yield repr(pq.read_table(path).to_pylist()).encode()
    elif data[:16] == b"SQLite format 3\0":
        yield from _rows(path)
    elif path.suffix == ".html":
        for match in DATA_URI.finditer(data):
            yield base64.b64decode(match.group(1))


def _rows(path: Path) -> Iterator[bytes]:
    base = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    try:
        base.text_factory = lambda raw: raw.decode("utf-8", "replace")
        for (table,) in base.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table'"
        ).fetchall():
            for row in base.execute(f'SELECT * FROM "{table}"'):
                yield repr(row).encode()
    finally:
        base.close()


def search_files(searcher: Searcher, paths: Sequence[Path], root: Path) -> dict[str, set[str]]:
    """Return relative path -> texts found in the file or its name; hard links are read once."""
    hits: dict[str, set[str]] = {}
    read: set[tuple[int, int]] = set()
    for path in paths:
        name = path.relative_to(root).as_posix()
        found = searcher.find(name.encode())
        inode = (path.stat().st_dev, path.stat().st_ino)
        if inode not in read:
            read.add(inode)
            for view in views(path):
                found |= searcher.find(view)
        if found:
            hits[name] = found
    return hits


def files_under(folder: Path) -> list[Path]:
    """Return every file under a folder; an empty folder is a mistake of the test."""
    found = sorted(p for p in folder.rglob("*") if p.is_file())
    assert found, f"nothing under {folder.name}"
    return found
