"""What a file says before anything is decided: whose it is, of which series, who is named in it.

Files alike in what is asked of them are asked once (:mod:`deid.fast_asked`); pixels are not read.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import NamedTuple

from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataset import Dataset

from config.errors import UnreadableObject
from deid.fast_asked import ALWAYS, AskedMemo
from deid.fast_runs import RunScanner
from deid.fast_scan import Run, Scanned
from deid.header import Header, read_part
from deid.identity import Identity, harvest_one, may_identify
from harmonise.vendor.harvest import Harvested, harvest_instance
from harmonise.vendor.headers import FOREIGN
from pipelines.prepare.discover import is_directory_record, starts_like_dicom
from pipelines.prepare.part10 import FRONT_BYTES, header_of, read_part10
from pipelines.prepare.read import read_header

__all__ = ["Names", "Peek", "Peeker", "identity_of", "number_of"]

_FRONT_BYTES, _BACK_BYTES = 16 << 10, 1 << 10
_MOST_KNOWN, _MOST_RUNS = 1 << 14, 1 << 10
_INSTANCE, _CONCEPT = 0x00080018, 0x0040A043
_NAMES = (
    "StudyInstanceUID", "IssuerOfPatientID", "PatientID", "SeriesInstanceUID", "Manufacturer",
    "ManufacturerModelName",
)  # fmt: skip


class Names(NamedTuple):
    """What names an object's study, patient, series and scanner; "" where it does not say."""

    study_uid: str = ""
    issuer: str = ""
    patient_id: str = ""
    series_uid: str = ""
    vendor: str = ""
    model: str = ""


@dataclass(frozen=True, slots=True)
class Peek:
    """One file of DICOM; ``code`` says why it cannot be read.

    ``identity`` is what it adds to its study's, None when it cannot be read to its end.
    ``is_plain`` tells that `read_part10` understands it and its identity is known.
    """

    number: str
    path: str
    code: str | None = None
    detail: str = ""
    names: Names = Names()  # noqa: RUF009 - a tuple
    sop_uid: str = ""
    identity: Identity | None = None
    row: Harvested = ({}, ())
    is_plain: bool = False


class Peeker:
    """Peeks at the files of one run; what it learnt of one serves the next."""

    def __init__(self) -> None:
        self._names: dict[bool, AskedMemo[Names]] = {}
        self._rows: dict[bool, AskedMemo[Harvested]] = {}
        self._identities = _Identities()
        self._scanner = RunScanner()

    def look(self, path: Path) -> Peek | None:
        """Return what ``path`` says; None when it is no DICOM by its magic word or its suffix."""
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            size, front = os.fstat(descriptor).st_size, os.pread(descriptor, FRONT_BYTES, 0)
            if not starts_like_dicom(front, path):
                return None
            number = _number(descriptor, size, front)
            header = header_of(descriptor, size, front, self._scanner)
        finally:
            os.close(descriptor)
        return self._said(path, number, header)

    def peek(self, path: Path, number: str | None = None) -> Peek:
        """Return what ``path`` says, which is DICOM.

        ``number`` names the file; without one it is `number_of` it.
        """
        if number is None:
            number = number_of(path)
        return self._said(path, number, read_part10(path, self._scanner))

    def _said(self, path: Path, number: str, header: Header | None) -> Peek:
        if header is not None and header.index.get(_INSTANCE, b"")[8:].isascii():
            try:
                return self._plain(path, number, header)
            except FOREIGN:
                pass
        if is_directory_record(path):
            return Peek(number, str(path), "DICOMDIR_NOT_RELEASED")
        try:
            ds = read_header(path)
            names, sop_uid = _names_of(ds), str(ds.get("SOPInstanceUID") or "")
        except UnreadableObject as error:
            return Peek(number, str(path), error.code, error.detail)
        except FOREIGN as error:
            return Peek(number, str(path), "FILE_UNREADABLE", type(error).__name__)
        return Peek(
            number,
            str(path),
            None,
            "",
            names,
            sop_uid,
            _identity_of(ds),
            _row_of(ds),
        )

    def _plain(self, path: Path, number: str, header: Header) -> Peek:
        key = header.implicit_vr
        if key not in self._names:
            self._names[key], self._rows[key] = AskedMemo(_names_of), AskedMemo(_row_of)
        identity = self._identities.of(header)
        return Peek(
            number,
            str(path),
            None,
            "",
            self._names[key](header.index, header.dataset),
            header.index[_INSTANCE][8:].rstrip(b" \0").decode(),
            identity,
            self._rows[key](header.index, header.dataset),
            is_plain=identity is not None,
        )


def _names_of(ds: Dataset) -> Names:
    return Names(*(str(ds.get(keyword) or "") for keyword in _NAMES))


def _row_of(ds: Dataset) -> Harvested:
    try:
        return harvest_instance(ds)
    except FOREIGN:
        return {}, ()


def _identity_of(ds: Dataset) -> Identity | None:
    """Return what an object adds to the identity; its own release refuses what cannot be read."""
    try:
        return harvest_one(ds)
    except Exception:  # noqa: BLE001 - release meets the same error and refuses the object
        return None


def number_of(path: Path) -> str:
    """Return a file's name in a report: a path may hold a person's name, a digest does not.

    It is SHA-256 over the file's length, its first 16 KiB (where the object's UIDs are) and its
    last KiB: no pixels are read for it, and it is the same wherever the file lies.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        size = os.fstat(descriptor).st_size
        return _number(descriptor, size, os.pread(descriptor, _FRONT_BYTES, 0))
    finally:
        os.close(descriptor)


def _number(descriptor: int, size: int, front: bytes) -> str:
    back = os.pread(descriptor, _BACK_BYTES, max(size - _BACK_BYTES, 0))
    return hashlib.sha256(b"%d:" % size + front[:_FRONT_BYTES] + back).hexdigest()


def identity_of(peeks: Iterable[Peek]) -> Identity:
    """Return the identity of a study, to which each of its files adds."""
    joined = Identity()
    for one in {id(peek.identity): peek.identity for peek in peeks}.values():
        joined = joined | one if one is not None else joined
    return joined


class _Identities:
    """The identity of objects by their elements, each harvested once."""

    def __init__(self) -> None:
        self._wanted: dict[bytes, bool] = {}
        self._known: dict[tuple[bytes | None, bool, bytes], Identity] = {}
        self._joined: dict[frozenset[int], Identity] = {}
        self._runs: dict[tuple[bytes | None, bool, Run], list[Identity]] = {}

    def of(self, header: Header) -> Identity | None:
        """Return what an object adds to its study's identity, None when it cannot be read."""
        if _CONCEPT in header.index:
            return _identity_of(header.dataset())  # a content tree is read as a whole
        index, charset, implicit = header.index, header.index.get(ALWAYS[0]), header.implicit_vr
        if len(self._known) > _MOST_KNOWN:
            for memo in (self._known, self._joined, self._runs):
                memo.clear()  # at once: `_joined` goes by who they are
        if not isinstance(index, Scanned):
            found = self._of_elements(index, charset, implicit)
            return None if found is None else self._union(found)
        found = []
        for run in index.runs:
            one = self._runs.get((charset, implicit, run))
            if one is None:
                one = self._of_elements(run.elements, charset, implicit)
                if one is None:
                    return None
                if len(self._runs) >= _MOST_RUNS:
                    self._runs.clear()
                self._runs[charset, implicit, run] = one
            found += one
        rest = self._of_elements({tag: index[tag] for tag in index.loose}, charset, implicit)
        return None if rest is None else self._union(found + rest)

    def _of_elements(
        self,
        elements: Mapping[int, bytes],
        charset: bytes | None,
        implicit: bool,  # noqa: FBT001
    ) -> list[Identity] | None:
        wanted, known = self._wanted, self._known
        found = []
        place = 4 if implicit else 6
        for tag, blob in elements.items():
            head = blob[:place]
            is_wanted = wanted.get(head)
            if is_wanted is None:
                is_wanted = wanted[head] = may_identify(tag, _vr(tag, head))
            if not is_wanted:
                continue
            one = known.get((charset, implicit, blob))
            if one is None:
                one = _identity_of(read_part(_with_charset(tag, charset, blob), implicit))
                if one is None:
                    return None
                known[charset, implicit, blob] = one
            found.append(one)
        return found

    def _union(self, found: list[Identity]) -> Identity:
        key = frozenset(map(id, found))
        if key not in self._joined:
            joined = Identity()
            for one in found:
                joined = joined | one
            parts = {f.name: getattr(joined, f.name) for f in fields(Identity)}
            parts["dates"] = joined.dates - joined.birth_dates
            self._joined[key] = Identity(**parts)
        return self._joined[key]


def _with_charset(tag: int, charset: bytes | None, blob: bytes) -> tuple[bytes, ...]:
    if charset is None or tag == ALWAYS[0]:
        return (blob,)
    return (charset, blob) if tag > ALWAYS[0] else (blob, charset)


def _vr(tag: int, head: bytes) -> str:
    written = head[4:].decode("latin-1")
    if written and written != "UN":
        return written
    return str(dictionary_VR(tag)) if dictionary_has_tag(tag) else ""
