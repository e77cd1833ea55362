"""The search of a released file for the identity of any original."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from pipelines.audit.harvest import Originals, bulk_digest
from pipelines.audit.needles import Needle
from pipelines.audit.part10 import Part10
from pipelines.audit.regions import Region
from pipelines.audit.scan import Scanner
from pipelines.audit.text import decode
from pipelines.audit.walker import Leaf

__all__ = ["Link", "Links", "search", "text_at"]

_LONG_NUMBER = 8
"""Digits from which a number is a finding in a numeric value as well."""
_LONG_PART = 6
"""Letters from which a part of a name is a finding among bytes that are no text."""
_OWN = frozenset({0x00120063, 0x00120064})
"""What a de-identifier says of itself."""


@dataclass
class Link:
    """Whose a subject's files are, told by identical pixels, and the dates its moved dates give."""

    owner: int | None = None
    moved: set[str] = field(default_factory=set)


@dataclass
class Links:
    """Released Patient ID -> its link."""

    by_subject: dict[str, Link] = field(default_factory=dict)
    only: int | None = None

    def add(self, originals: Originals, part: Part10, found: Sequence[Leaf]) -> None:
        """Learn from one released file whose bulk is that of one original and no other."""
        digest = bulk_digest(part, found)
        match = originals.by_bulk.get(digest) if digest else None
        if match is None:
            return
        owner, old = match
        link = self.by_subject.setdefault(text_at(part, found, "<(0010,0020)>"), Link())
        link.owner = owner
        for path in ("<(0008,0020)>", "<(0008,0021)>", "<(0008,0023)>"):
            new = text_at(part, found, path)[:8]
            shift = _days(new, old.get(path, ""))
            if shift:
                link.moved |= {_moved(day, shift) for day in originals.dates[owner]}
                return

    def of(self, subject: str) -> Link:
        """Return the link of a subject; nobody's where nothing links it."""
        return self.by_subject.get(subject, Link(self.only))


def search(
    found: Iterable[Region], scanner: Scanner, link: Link, dates: set[str], codes: set[str]
) -> Iterator[tuple[str, str]]:
    """Yield (place, kind) of every needle; ``dates`` are the linked patient's own."""
    for region in found:
        if region.leaf is not None and region.leaf.tag in _OWN:
            continue
        if region.manner == "date" and "113106" not in codes:
            value = (region.texts[0] if region.texts else "").strip(" \0")
            if value.replace(".", "")[:8] in dates - link.moved:
                yield region.place, "date not moved"
        for text in region.texts:
            for needle, at in scanner.find(text):
                if needle.unless not in codes and _counts(needle, region, link):
                    yield _place(region, at), needle.kind


def text_at(part: Part10, found: Iterable[Leaf], path: str) -> str:
    """Return the text of one element, "" when it is absent."""
    leaf = next((leaf for leaf in found if leaf.path == path), None)
    if leaf is None:
        return ""
    return decode(part.body[leaf.start : leaf.end], leaf.charset).strip(" \0")


def _place(region: Region, at: int) -> str:
    """Return the tag path, or the offset of what is in no element."""
    return region.place if region.leaf is not None else f"byte {region.at + max(at, 0)}"


def _counts(needle: Needle, region: Region, link: Link) -> bool:
    """Tell whether a needle in a region of this manner says something of a person."""
    manner = region.manner
    if needle.kind == "UID" or manner == "uid":
        return needle.kind == "UID"
    if needle.kind in {"date", "birth date"}:
        return _date_counts(needle, region, link)
    if needle.kind == "name part":
        return manner == "text" or (manner == "bytes" and len(needle.text) >= _LONG_PART)
    if manner in {"number", "date"}:
        return needle.kind == "number" and not needle.squeezed and len(needle.text) >= _LONG_NUMBER
    return manner != "code" or needle.kind in {"name", "number"}


def _date_counts(needle: Needle, region: Region, link: Link) -> bool:
    """Tell whether a date in text or bytes is one of this patient, or anybody's birth."""
    if region.manner == "date":
        return needle.kind == "birth date" and not link.moved
    owned = needle.owner is None or needle.owner == link.owner
    return region.manner in {"text", "bytes"} and owned and needle.date not in link.moved


def _days(new: str, old: str) -> int:
    try:
        return (_date(new) - _date(old)).days
    except ValueError:
        return 0


def _moved(day: str, shift: int) -> str:
    try:
        return date.fromordinal(_date(day).toordinal() + shift).strftime("%Y%m%d")
    except (ValueError, OverflowError):
        return ""


def _date(text: str) -> date:
    return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
