"""Files that are whole or absent: temporary name in the same folder, fsync, rename."""

from __future__ import annotations

import errno
import hashlib
import os
import platform
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import BinaryIO

from config.errors import EnvironmentFault

__all__ = [
    "disk_faults",
    "link_or_copy",
    "partial_name",
    "partial_of",
    "sha256_file",
    "sweep_partial",
    "sync_folder",
    "whole_file",
    "write_together",
    "write_whole",
]

PARTIAL = ".partial"
"""Suffix of a file or folder that is still being written."""

OWNER = re.compile(r"\.(?P<host>[0-9a-f]{8})-(?P<pid>\d+)\.partial$")
"""Who writes it: another process may be at work in the same zone."""


def partial_of(path: Path) -> Path:
    """Return the name under which this process writes ``path`` until it is whole."""
    return path.with_name(partial_name(path.name))


def partial_name(name: str) -> str:
    """Return the name of a file as `partial_of` does."""
    return f".{name}.{_host()}-{os.getpid()}{PARTIAL}"


@cache
def _host() -> str:
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]


@contextmanager
def disk_faults() -> Iterator[None]:
    """Translate a full or read-only disk into `EnvironmentFault`.

    Raises
    ------
    EnvironmentFault
        ``DISK_FULL`` or ``DISK_READ_ONLY``.
    """
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise EnvironmentFault("DISK_FULL") from error
        if error.errno in {errno.EROFS, errno.EACCES, errno.EPERM}:
            raise EnvironmentFault("DISK_READ_ONLY") from error
        raise


def write_whole(path: Path, data: bytes, *, mode: int = 0o644, sync: bool = True) -> Path:
    """Write ``data`` so that ``path`` is whole or absent, also after ``kill -9``; return ``path``.

    With ``sync`` it is so after a power cut too, and on the disk when this returns.

    Raises
    ------
    EnvironmentFault
        When the disk is full or read-only; nothing half-written stays behind.
    """
    with whole_file(path, mode=mode, sync=sync) as stream:
        stream.write(data)
    return path


def write_together(files: Iterable[tuple[Path, bytes]]) -> list[Path]:
    """Write several files, each whole or absent as by `write_whole`; return their paths in order.

    All are written before the first is forced to the disk: a file system that keeps a journal
    then commits once, not once a file.

    Raises
    ------
    EnvironmentFault
        When the disk is full or read-only; nothing half-written stays behind.
    """
    paths: list[Path] = []
    with disk_faults():
        try:
            for path, data in files:
                path.parent.mkdir(parents=True, exist_ok=True)
                paths.append(path)
                _write(partial_of(path), data)
            for path in paths:
                _sync(partial_of(path))
            for path in paths:
                partial_of(path).replace(path)
        finally:
            for path in paths:
                partial_of(path).unlink(missing_ok=True)
    return paths


@contextmanager
def whole_file(path: Path, *, mode: int = 0o644, sync: bool = True) -> Iterator[BinaryIO]:
    """Yield a stream; ``path`` is what was written to it, or as before when something is raised.

    Raises
    ------
    EnvironmentFault
        When the disk is full or read-only; nothing half-written stays behind.
    """
    with disk_faults():
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = partial_of(path)
        try:
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
            with os.fdopen(descriptor, "wb") as stream:
                yield stream
                stream.flush()
                if sync:
                    os.fsync(stream.fileno())
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Let the system write a folder's entries to the disk: one call after many files."""
    _sync(folder, os.O_DIRECTORY)


def _write(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)


def _sync(path: Path, flags: int = 0) -> None:
    descriptor = os.open(path, os.O_RDONLY | flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def link_or_copy(source: Path, target: Path) -> None:
    """Give ``source`` a second name, or a whole copy where the file system cannot."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        return
    try:
        os.link(source, target)
    except OSError:
        with disk_faults():
            partial = partial_of(target)
            try:
                shutil.copyfile(source, partial)
                partial.replace(target)
            finally:
                partial.unlink(missing_ok=True)


def sha256_file(path: Path) -> str:
    """Return the SHA-256 (hex) of a file, read in pieces."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sweep_partial(root: Path) -> int:
    """Remove what a killed process of this machine left half-written; return how many."""
    left = [p for p in root.rglob(f"*{PARTIAL}") if p.exists() and _is_orphan(p)]
    for path in left:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return len(left)


def _is_orphan(path: Path) -> bool:
    """Tell whether nobody writes it any more: its process was of this machine and is gone."""
    owner = OWNER.search(path.name)
    if owner is None or owner["host"] != _host():
        return owner is None
    try:
        os.kill(int(owner["pid"]), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return int(owner["pid"]) == os.getpid()
