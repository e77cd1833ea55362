"""Audit a folder of released files, alone or against the originals."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from config.errors import EnvironmentFault
from pipelines.audit.against import Links, search, text_at
from pipelines.audit.contents import unpacked
from pipelines.audit.findings import AuditReport, Finding
from pipelines.audit.harvest import Originals, harvest, leaves
from pipelines.audit.part10 import Part10, open_part10
from pipelines.audit.regions import Region, regions
from pipelines.audit.scan import Scanner
from pipelines.audit.structure import claimed_codes, structure
from pipelines.audit.text import views
from pipelines.progress import Progress

__all__ = ["audit_folder"]

_MOST_READ = 1 << 26
"""Bytes read of a file that is no DICOM; volumes hold nothing but voxels after that."""


def audit_folder(target: Path, against: Path | None, progress: Progress) -> AuditReport:
    """Search every file of ``target``; with ``against``, for the identity of these originals.

    Raises
    ------
    EnvironmentFault
        ``NO_DICOM_FOUND`` when there is nothing to look at, or nothing to compare with.
    """
    files = _files(target)
    if not files:
        raise EnvironmentFault("NO_DICOM_FOUND", "nothing to audit")
    originals, sources = _harvested(against) if against is not None else (Originals(), None)
    scanner = Scanner(originals.needles)
    progress.begin("audit", len(files))
    links = _links(files, originals) if sources else Links()
    found: set[Finding] = set()
    dicom = 0
    for path in files:
        name = path.relative_to(target).as_posix() if target.is_dir() else path.name
        part = open_part10(path)
        dicom += part is not None
        hits = _of_dicom(part, originals, links, scanner) if part else _of_other(path, scanner)
        found |= {Finding(name, place, kind) for place, kind in (*hits, *_of_name(name, scanner))}
        progress.advance("audit")
    return AuditReport(len(files), dicom, sources, len(originals.needles), tuple(sorted(found)))


def _harvested(against: Path) -> tuple[Originals, int]:
    """Return what the originals say, and how many there are."""
    with _opened(against) as folder:
        pairs = [(p, part) for p in _files(folder) if (part := open_part10(p)) is not None]
        if not pairs:
            raise EnvironmentFault("NO_DICOM_FOUND", "no originals to compare with")
        return harvest(pairs), len(pairs)


def _links(files: Iterable[Path], originals: Originals) -> Links:
    """Return whose each released subject is, as far as pixels tell."""
    links = Links(only=originals.only)
    for path in files:
        part = open_part10(path)
        if part is not None:
            links.add(originals, part, leaves(part)[0])
    return links


def _of_dicom(
    part: Part10, originals: Originals, links: Links, scanner: Scanner
) -> Iterator[tuple[str, str]]:
    got, broken = leaves(part)
    if broken is not None:
        yield f"byte {broken}", "unreadable from here"
    looked_at = list(regions(part, got, broken))
    codes = claimed_codes(part, got)
    link = links.of(text_at(part, got, "<(0010,0020)>"))
    dates = originals.dates.get(link.owner, set()) if link.owner is not None else set()
    yield from structure(part, got, codes, looked_at)
    yield from search(looked_at, scanner, link, dates, codes)


def _of_other(path: Path, scanner: Scanner) -> Iterator[tuple[str, str]]:
    """Search a file that is no DICOM: a passport, a report, a volume's header, a zip."""
    with path.open("rb") as stream:
        data = stream.read(_MOST_READ)
    texts = [
        *views(data),
        *(text for inner in unpacked(data) for text in views(inner[:_MOST_READ])),
    ]
    region = Region("byte 0", "bytes", 0, tuple(texts))
    yield from _telling(search([region], scanner, Links().of(""), set(), set()))


def _of_name(name: str, scanner: Scanner) -> Iterator[tuple[str, str]]:
    region = Region("name", "text", 0, (name,))
    for _, kind in _telling(search([region], scanner, Links().of(""), set(), set())):
        yield "name", kind


def _telling(hits: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Leave out dates, which may be moved ones, and the device, which a passport may name."""
    yield from (hit for hit in hits if hit[1] not in {"date", "birth date", "device"})


def _files(folder: Path) -> list[Path]:
    if folder.is_file():
        return [folder]
    return sorted(p for p in folder.rglob("*") if p.is_file())


@contextmanager
def _opened(source: Path) -> Iterator[Path]:
    """Open a folder, a file or a zip."""
    if source.is_file() and zipfile.is_zipfile(source):
        with TemporaryDirectory() as scratch, zipfile.ZipFile(source) as package:
            package.extractall(scratch)
            yield Path(scratch)
    else:
        yield source
