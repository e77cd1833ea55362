"""The files of what was given: a file, a folder, a zip, or what a DICOMDIR lists.

No name that comes from outside ever becomes a path of ours, and none is shown: both could hold an
identity. What could leave the folder it was given in, unpack without end or is locked is refused.
"""

from __future__ import annotations

import lzma
import os
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath

from pydicom import dcmread
from pydicom.dataset import Dataset

from config.errors import RejectedError, UnreadableObject
from config.files import disk_faults, partial_name
from harmonise.vendor.headers import quiet
from pipelines.acquire.text import text, texts
from pipelines.prepare.discover import is_directory_record, looks_like_dicom, starts_like_dicom

__all__ = ["Listed", "Source", "files_of"]

_BOMB_BYTES = 1 << 30
_BOMB_RATIO = 100
"""No archive of images this large is this well compressed; one that is, was made to fill a disk."""
_SPARE_BYTES = 1 << 30
"""Left free on the disk by what is unpacked."""
_CHUNK_BYTES = 1 << 20
_ENCRYPTED = 0x1  # general purpose bit 0, APPNOTE 4.4.4
_FRONT_BYTES = 1024
_ZIP_FAULTS = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    EOFError,
    NotImplementedError,
    zlib.error,
    lzma.LZMAError,
)


@dataclass(frozen=True)
class Listed:
    """An instance a DICOMDIR lists (PS3.3 Annex F)."""

    study_uid: str
    series_uid: str
    sop_uid: str
    sop_class_uid: str


@dataclass
class Source:
    """What one given path holds."""

    files: Iterator[Path]
    """Each file that may be an object; one out of a zip lives until the next is asked for."""
    listed: list[Listed] = field(default_factory=list)
    """What a DICOMDIR says there is."""
    refused: dict[str, int] = field(default_factory=dict)
    """Files left out, by code; whole when the files have been read."""
    not_dicom: int = 0
    """Files that are something else."""

    def refuse(self, code: str) -> None:
        """Count a file left out."""
        self.refused[code] = self.refused.get(code, 0) + 1


@contextmanager
def files_of(path: Path, scratch: Path) -> Iterator[Source]:
    """Yield what a path holds.

    Parameters
    ----------
    path : Path
        File, folder, zip or DICOMDIR.
    scratch : Path
        Folder for one unpacked file at a time.

    Raises
    ------
    RejectedError
        ``IMPORT_NOT_FOUND``, ``IMPORT_ENCRYPTED``, ``IMPORT_ZIP_BOMB``, ``IMPORT_UNSAFE_NAME``,
        ``IMPORT_ZIP_DAMAGED``; the last also while the files are read.
    UnreadableObject
        ``IMPORT_DICOMDIR``.
    """
    if not path.exists():
        raise RejectedError("IMPORT_NOT_FOUND")
    if path.is_dir():
        source = Source(iter(()))
        source.files = _walk(path, source)
        yield source
    elif zipfile.is_zipfile(path):
        with _zip_faults(), zipfile.ZipFile(path) as package:
            source = Source(iter(()))
            source.files = _unpack(package, _judge_zip(package, path, scratch), scratch, source)
            yield source
    elif is_directory_record(path):
        yield _directory(path)
    else:
        yield Source(iter([path]))


def _walk(root: Path, source: Source) -> Iterator[Path]:
    """Yield a folder's files in order; a link that leads out of it is left out."""
    inside = root.resolve()
    for folder, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            path = Path(folder, name)
            if path.is_symlink() and not path.resolve().is_relative_to(inside):
                source.refuse("IMPORT_UNSAFE_NAME")
            elif not path.is_file() or not looks_like_dicom(path) or is_directory_record(path):
                source.not_dicom += 1
            else:
                yield path


@contextmanager
def _zip_faults() -> Iterator[None]:
    try:
        yield
    except _ZIP_FAULTS as error:
        raise RejectedError("IMPORT_ZIP_DAMAGED", type(error).__name__) from None


def _judge_zip(package: zipfile.ZipFile, path: Path, scratch: Path) -> list[zipfile.ZipInfo]:
    """Return the members to read, after looking at all of them."""
    members = [one for one in package.infolist() if not one.is_dir()]
    packed, unpacked = sum(m.compress_size for m in members), sum(m.file_size for m in members)
    if any(_is_unsafe(one) for one in members):
        raise RejectedError("IMPORT_UNSAFE_NAME")
    if any(one.flag_bits & _ENCRYPTED for one in members):
        raise RejectedError("IMPORT_ENCRYPTED")
    if packed > path.stat().st_size:  # members that share bytes (Fifield, WOOT 2019)
        raise RejectedError("IMPORT_ZIP_BOMB", "members overlap")
    if unpacked > _BOMB_BYTES and unpacked > _BOMB_RATIO * packed:
        raise RejectedError("IMPORT_ZIP_BOMB", f"{unpacked / max(packed, 1):.0f} times its size")
    if unpacked > shutil.disk_usage(scratch).free - _SPARE_BYTES:
        raise RejectedError("IMPORT_ZIP_BOMB", "more than the disk has room for")
    return sorted(members, key=lambda one: one.filename)


def _is_unsafe(member: zipfile.ZipInfo) -> bool:
    """Tell whether a member would leave the folder it is unpacked in, or is a link."""
    if stat.S_ISLNK(member.external_attr >> 16):
        return True
    name = member.filename
    windows, posix = PureWindowsPath(name), PurePosixPath(name)
    is_rooted = bool(windows.drive or windows.root) or posix.is_absolute()
    return is_rooted or ".." in windows.parts or ".." in posix.parts


def _unpack(
    package: zipfile.ZipFile, members: list[zipfile.ZipInfo], scratch: Path, source: Source
) -> Iterator[Path]:
    target = scratch / partial_name("unpacked")
    try:
        for member in members:
            with package.open(member) as stream:
                front = stream.read(_FRONT_BYTES)
                if not starts_like_dicom(front, Path(member.filename)):
                    source.not_dicom += 1
                    continue
                with disk_faults(), target.open("wb") as out:
                    out.write(front)
                    shutil.copyfileobj(stream, out, _CHUNK_BYTES)
            if is_directory_record(target):
                source.not_dicom += 1
            else:
                yield target
    finally:
        target.unlink(missing_ok=True)


def _directory(path: Path) -> Source:
    """Return what a DICOMDIR lists; its files lie below its folder (PS3.10 section 8.6)."""
    try:
        with quiet():
            ds = dcmread(path)
            records = list(ds.get("DirectoryRecordSequence") or ())
            listed = [*_listed(records)]
    except Exception as error:  # noqa: BLE001, whatever hostile bytes make the parser raise
        raise UnreadableObject("IMPORT_DICOMDIR", type(error).__name__) from None
    source = Source(iter(()), [one for one, _ in listed])
    source.files = _referenced(path.parent, [names for _, names in listed], source)
    return source


def _listed(records: list[Dataset]) -> Iterator[tuple[Listed, tuple[str, ...]]]:
    """Yield each instance with the components of its file's name, records in their order."""
    study_uid = series_uid = ""
    for record in records:
        kind = text(record, "DirectoryRecordType")
        if kind in ("PATIENT", "STUDY"):
            study_uid, series_uid = text(record, "StudyInstanceUID"), ""
        elif kind == "SERIES":
            series_uid = text(record, "SeriesInstanceUID")
        names = texts(record, "ReferencedFileID")
        sop_uid = text(record, "ReferencedSOPInstanceUIDInFile")
        if names and sop_uid:
            sop_class_uid = text(record, "ReferencedSOPClassUIDInFile")
            yield Listed(study_uid, series_uid, sop_uid, sop_class_uid), names


def _referenced(root: Path, names: list[tuple[str, ...]], source: Source) -> Iterator[Path]:
    inside = root.resolve()
    for components in names:
        path = root.joinpath(*components)
        if not path.resolve().is_relative_to(inside):
            source.refuse("IMPORT_UNSAFE_NAME")
        elif path.is_file():
            yield path
        else:
            source.refuse("IMPORT_FILE_MISSING")
