"""A release closed for its recipients: a tar archive in the age format, which `age` opens.

age (C2SP, https://c2sp.org/age) is a published format with several independent programs; who
receives a release needs none of ours. Keys are X25519, written ``age1...``.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyrage

from config.errors import ConfigurationError
from config.files import disk_faults, partial_of
from pipelines.cohort.archive import archive_of

__all__ = ["seal_release"]


class _Stream(io.RawIOBase):
    """Pieces of bytes as a file that is read once, so that no archive is ever held whole."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._rest = piece
        end = len(self._rest) if size < 0 else size
        taken, self._rest = self._rest[:end], self._rest[end:]
        return taken


def seal_release(folder: Path, name: str, recipients: Sequence[str], target: Path) -> None:
    """Write a release as ``target``, which only the recipients open.

    Parameters
    ----------
    folder : Path
        The release.
    name : str
        Folder inside the archive.
    recipients : sequence of str
        Public keys, ``age1...``.

    Raises
    ------
    ConfigurationError
        ``RECIPIENT_WRONG``: none, or no public key; a private one is never taken for one.
    EnvironmentFault
        When the disk is full or read-only.
    """
    try:
        keys = [pyrage.x25519.Recipient.from_str(one.strip()) for one in recipients]
    except pyrage.RecipientError:
        raise ConfigurationError("RECIPIENT_WRONG", "a public key begins with age1") from None
    if not keys:
        raise ConfigurationError("RECIPIENT_WRONG", "none given")
    partial = partial_of(target)
    with disk_faults():
        try:
            with partial.open("wb") as stream:
                pyrage.encrypt_io(_Stream(archive_of(folder, name)), stream, keys)
            partial.rename(target)
        finally:
            partial.unlink(missing_ok=True)
