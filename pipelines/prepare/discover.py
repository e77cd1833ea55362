"""Find DICOM objects in a file, a folder, a zip or beside a DICOMDIR, and group them by study."""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.uid import MediaStorageDirectoryStorage

from config.errors import EnvironmentFault, UnreadableObject
from config.files import disk_faults, sha256_file
from pipelines.prepare.read import MAGIC, MAGIC_OFFSET, read_header

__all__ = [
    "Discovery",
    "discover",
    "files_in",
    "is_directory_record",
    "looks_like_dicom",
    "starts_like_dicom",
]


@dataclass(frozen=True)
class Discovery:
    """What lies in a source: files by study UID, those that cannot be read, and the others.

    ``directories`` are DICOMDIR files: they list objects, by the patients' names, and are none.
    """

    studies: dict[str, tuple[Path, ...]]
    unreadable: tuple[tuple[Path, str, str], ...]
    directories: tuple[Path, ...]
    not_dicom: int


@contextmanager
def discover(source: Path) -> Iterator[Discovery]:
    """Yield what ``source`` holds; a zip is unpacked into a folder that goes at the end.

    Raises
    ------
    EnvironmentFault
        ``NO_DICOM_FOUND``: nothing there, or nothing of DICOM in it.
    """
    with files_in(source) as paths:
        found = _sort(paths)
        if not (found.studies or found.unreadable or found.directories):
            raise EnvironmentFault("NO_DICOM_FOUND")
        yield found


@contextmanager
def files_in(source: Path) -> Iterator[list[Path]]:
    """Yield every file of ``source``; a zip is unpacked into a folder that goes at the end.

    Of a DICOMDIR, the files beside it.
    """
    with ExitStack() as stack:
        root = source
        if source.is_file() and zipfile.is_zipfile(source):
            root = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            _unpack(source, root)
        elif source.is_file() and source.name.upper() == "DICOMDIR":
            root = source.parent
        if root.is_file():
            yield [root]
        else:
            yield [
                Path(folder, name) for folder, _, names in os.walk(root) for name in sorted(names)
            ]


def _unpack(archive: Path, folder: Path) -> None:
    """Unpack under plain numbers: a member's own name may hold an identity or leave the folder."""
    with zipfile.ZipFile(archive) as package, disk_faults():
        members = sorted(m.filename for m in package.infolist() if not m.is_dir())
        for number, member in enumerate(members):
            with package.open(member) as stream:
                (folder / f"{number:08d}.dcm").write_bytes(stream.read())


def _sort(paths: Iterable[Path]) -> Discovery:
    studies: dict[str, list[Path]] = {}
    unreadable: list[tuple[Path, str, str]] = []
    directories: list[Path] = []
    others = 0
    for path in sorted(paths):
        if not looks_like_dicom(path):
            others += 1
            continue
        if is_directory_record(path):
            directories.append(path)
            continue
        try:
            header = read_header(path)
        except UnreadableObject as error:
            unreadable.append((path, error.code, error.detail))
            continue
        studies.setdefault(_study_of(header, path), []).append(path)
    grouped = {uid: tuple(files) for uid, files in sorted(studies.items())}
    return Discovery(grouped, tuple(unreadable), tuple(directories), others)


def _study_of(header: Dataset, path: Path) -> str:
    """Return the study's UID; an object that names none is alone in its own."""
    uid = str(header.get("StudyInstanceUID") or "").strip()
    if uid:
        return uid
    return f"no study {sha256_file(path)}"


def starts_like_dicom(front: bytes, path: Path) -> bool:
    """Tell by the magic word, or by the suffix of a file that has lost it."""
    if front[MAGIC_OFFSET : MAGIC_OFFSET + len(MAGIC)] == MAGIC:
        return True
    return path.suffix.lower() in {".dcm", ".dicom", ".ima"}


def looks_like_dicom(path: Path) -> bool:
    """Tell as `starts_like_dicom` does, of a file."""
    with path.open("rb") as stream:
        return starts_like_dicom(stream.read(MAGIC_OFFSET + len(MAGIC)), path)


def is_directory_record(path: Path) -> bool:
    """Tell whether the file is a DICOMDIR: it lists objects and is none (PS3.3 F.3)."""
    needle = str(MediaStorageDirectoryStorage).encode()
    with path.open("rb") as stream:
        return needle in stream.read(1024)
