"""A release as one stream of bytes: a tar archive (POSIX.1-2001 pax) that is never held whole."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path

__all__ = ["archive_of"]

_BLOCK = tarfile.RECORDSIZE
_PIECE_BYTES = 1 << 20


def archive_of(folder: Path, name: str) -> Iterator[bytes]:
    """Yield a tar archive of a folder's files, in order of their paths, under ``name/``.

    Equal folders give equal bytes: owners are left out and every file has the moment 0.
    """
    written = 0
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        entry = tarfile.TarInfo(f"{name}/{path.relative_to(folder).as_posix()}")
        entry.size, entry.mode = path.stat().st_size, 0o444
        header = entry.tobuf(tarfile.PAX_FORMAT)
        written += len(header)
        yield header
        for piece in _pieces(path, entry.size):
            written += len(piece)
            yield piece
    end = 2 * tarfile.BLOCKSIZE
    yield bytes(end + -(written + end) % _BLOCK)


def _pieces(path: Path, size: int) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while piece := stream.read(_PIECE_BYTES):
            yield piece
    yield bytes(-size % tarfile.BLOCKSIZE)
