"""The archive's index: what each file's header says, by study, series and instance."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files as resources
from pathlib import Path

import yaml
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.uid import ImplicitVRLittleEndian
from pynetdicom.dsutils import split_dataset

from config.errors import UnreadableObject
from pipelines.acquire.dimse import read_header
from pipelines.acquire.text import text, texts

__all__ = ["Entry", "Index", "entry_of_bytes", "entry_of_file", "level_keywords", "levels"]

_LAST_HEADER_TAG = 0x00280100  # BitsAllocated, the highest attribute of the table
_FOUND_BY = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "AccessionNumber",
             "PatientID", "StudyDate")  # fmt: skip
"""Attributes by whose single values studies are found without reading the whole index."""


@cache
def _table() -> Mapping[str, tuple[str, ...]]:
    source = resources(__package__).joinpath("attributes.yaml").read_text(encoding="utf-8")
    return {level: tuple(keywords) for level, keywords in yaml.safe_load(source).items()}


def levels() -> tuple[str, ...]:
    """Return the Query/Retrieve levels from top to bottom."""
    return tuple(_table())


def level_keywords(level: str) -> tuple[str, ...]:
    """Return the attributes answered at a level; the first is its unique key."""
    return _table()[level]


@dataclass(frozen=True)
class Entry:
    """One instance: where its bytes are and what its header says."""

    sop_class_uid: str
    transfer_syntax_uid: str
    attributes: Mapping[str, tuple[str, ...]]
    """Keyword to values, as text."""
    path: Path | None = None
    offset: int = 0
    """Where the dataset starts in the file, after the file meta group."""
    data: bytes = b""
    """The dataset itself, for an instance that is not in a file."""

    def first(self, keyword: str) -> str:
        """Return the first value of an attribute, empty when there is none."""
        return next(iter(self.attributes.get(keyword, ())), "")

    def key(self, level: str) -> str:
        """Return the unique key of a level."""
        return self.first(level_keywords(level)[0])

    @property
    def size(self) -> int:
        """Bytes of the encoded dataset."""
        return len(self.data) if self.path is None else self.path.stat().st_size - self.offset

    def dataset_bytes(self) -> bytes:
        """Return the encoded dataset exactly as it is stored."""
        if self.path is None:
            return self.data
        with self.path.open("rb") as stream:
            stream.seek(self.offset)
            return stream.read()


def _attributes(header: Dataset) -> dict[str, tuple[str, ...]]:
    wanted = (keyword for level in levels() for keyword in level_keywords(level))
    return {keyword: values for keyword in wanted if (values := texts(header, keyword))}


def entry_of_file(path: Path) -> Entry:
    """Index a Part 10 file by its header; raise ``UnreadableObject`` when it is none."""
    try:
        meta, offset = split_dataset(path)
        header = dcmread(path, stop_before_pixels=True)
    except (InvalidDicomError, EOFError, ValueError, OSError) as error:
        raise UnreadableObject("ARCHIVE_FILE_UNREADABLE", type(error).__name__) from error
    syntax = text(meta, "TransferSyntaxUID") or str(ImplicitVRLittleEndian)
    entry = Entry(text(header, "SOPClassUID"), syntax, _attributes(header), path, offset)
    if not all((entry.sop_class_uid, entry.key("IMAGE"), entry.key("SERIES"), entry.key("STUDY"))):
        raise UnreadableObject("ARCHIVE_FILE_UNREADABLE", "a UID is missing")
    return entry


def entry_of_bytes(encoded: bytes, sop_class_uid: str, transfer_syntax_uid: str) -> Entry:
    """Index a dataset that came over the network."""
    header = read_header(encoded, transfer_syntax_uid, _LAST_HEADER_TAG)
    return Entry(sop_class_uid, transfer_syntax_uid, _attributes(header), data=encoded)


class Index:
    """Instances by SOP Instance UID; the first of a UID stays."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._entries: dict[str, Entry] = {}
        self._studies: defaultdict[str, list[Entry]] = defaultdict(list)
        self._by_value: dict[str, defaultdict[str, set[str]]] = {
            keyword: defaultdict(set) for keyword in _FOUND_BY
        }
        self._lock = threading.Lock()
        for entry in entries:
            self.add(entry)

    def add(self, entry: Entry) -> None:
        """Take in an instance."""
        with self._lock:
            if self._entries.setdefault(entry.key("IMAGE"), entry) is not entry:
                return
            study_uid = entry.key("STUDY")
            self._studies[study_uid].append(entry)
            for keyword, studies in self._by_value.items():
                for value in entry.attributes.get(keyword, ()):
                    studies[value].add(study_uid)

    def studies_with(self, asked: Mapping[str, Sequence[str]]) -> list[Entry]:
        """Return every instance of the studies that may hold the values asked for.

        Parameters
        ----------
        asked : Mapping[str, Sequence[str]]
            Keyword to values of a query; only plain single values and lists of UIDs narrow it.
        """
        with self._lock:
            kept: set[str] | None = None
            for keyword, studies in self._by_value.items():
                values = [value for value in asked.get(keyword, ()) if value]
                if not values or any(set(value) & set("*?-") for value in values):
                    continue
                found = {uid for value in values for uid in studies.get(value, ())}
                kept = found if kept is None else kept & found
            chosen = self._studies if kept is None else {uid: self._studies[uid] for uid in kept}
            return [entry for entries in chosen.values() for entry in entries]

    def __iter__(self) -> Iterator[Entry]:
        with self._lock:
            return iter([self._entries[uid] for uid in sorted(self._entries)])

    def __len__(self) -> int:
        return len(self._entries)

    def groups(self, level: str, entries: Iterable[Entry]) -> list[list[Entry]]:
        """Group instances by the unique key of a level, in the key's order."""
        grouped: defaultdict[str, list[Entry]] = defaultdict(list)
        for entry in entries:
            grouped[entry.key(level)].append(entry)
        return [grouped[key] for key in sorted(grouped)]
