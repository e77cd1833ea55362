"""An object on its way in: written and hashed piece by piece, whole under its final name or gone.

The file starts with the Part 10 head (PS3.10 section 7.1); the dataset follows exactly as it came.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import zlib
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Protocol

from pydicom.uid import DeflatedExplicitVRLittleEndian

from config.errors import UnreadableObject
from config.files import disk_faults, partial_name
from pipelines.acquire.dimse import read_header
from pipelines.acquire.front import front_elements
from pipelines.acquire.text import text, text_in
from pipelines.store import part10_head

__all__ = ["FileSpool", "MemorySpool", "Names", "Spool", "spools_in"]

_LAST_NAME = 0x0020000E
"""(0020,000E) Series Instance UID: the last of the names read."""
_FRONT_BYTES = 1 << 16
"""What is kept in memory of an object: mostly its names lie before this."""
_LARGEST_FRONT_BYTES = 16 << 20
"""How far its file is read where they do not."""
_numbers = itertools.count()

Piece = bytes | bytearray | memoryview


_KEYWORDS = {
    "study_uid": "StudyInstanceUID",
    "series_uid": "SeriesInstanceUID",
    "sop_uid": "SOPInstanceUID",
    "sop_class_uid": "SOPClassUID",
    "patient_id": "PatientID",
    "accession_number": "AccessionNumber",
    "study_date": "StudyDate",
}


class Names:
    """Who an object says it is: read from its bytes, not from what the sender calls it."""

    def __init__(self, front: bytes, transfer_syntax_uid: str) -> None:
        if transfer_syntax_uid == DeflatedExplicitVRLittleEndian:
            with suppress(zlib.error):
                inflater = zlib.decompressobj(-zlib.MAX_WBITS)
                front = inflater.decompress(front, _LARGEST_FRONT_BYTES)
            transfer_syntax_uid = "1.2.840.10008.1.2.1"
        self._found = front_elements(front, transfer_syntax_uid, _LAST_NAME)
        if self._found is None:
            self._ds = read_header(front, transfer_syntax_uid, _LAST_NAME)

    def __getattr__(self, name: str) -> str:
        """Return a name as text, empty where it is absent: read only when asked for."""
        keyword = _KEYWORDS.get(name)
        if keyword is None:
            raise AttributeError(name)
        return text(self._ds, keyword) if self._found is None else text_in(self._found, keyword)

    study_uid: str
    series_uid: str
    sop_uid: str
    sop_class_uid: str
    patient_id: str
    accession_number: str
    study_date: str


class Spool(Protocol):
    """Takes the bytes of one dataset."""

    def write(self, piece: Piece) -> int:
        """Take the next piece."""

    def discard(self) -> None:
        """Forget the object; nothing stays."""


class MemorySpool(BytesIO):
    """A dataset in memory: for those who give no folder."""

    def __init__(self, transfer_syntax_uid: str) -> None:
        super().__init__()
        self.transfer_syntax_uid = transfer_syntax_uid

    def names(self) -> Names:
        """Read who the object is; raises as `FileSpool.names`."""
        return Names(self.getvalue(), self.transfer_syntax_uid)

    def discard(self) -> None:
        """Forget the object."""
        self.close()


class FileSpool:
    """A dataset in a temporary file of the store's own file system.

    Parameters
    ----------
    folder : Path
        Where to write; must be of the file system the object is kept in.
    sop_class_uid, sop_uid, transfer_syntax_uid : str
        What the sender calls the object; they make the Part 10 head.

    Raises
    ------
    EnvironmentFault
        ``DISK_FULL`` or ``DISK_READ_ONLY``; also of the other methods.
    """

    def __init__(
        self, folder: Path, sop_class_uid: str, sop_uid: str, transfer_syntax_uid: str
    ) -> None:
        self.sop_class_uid = sop_class_uid
        self.sop_uid = sop_uid
        self.transfer_syntax_uid = transfer_syntax_uid
        self.path = folder / partial_name(f"{next(_numbers):012d}")
        self.dataset_bytes = 0
        self._digest = hashlib.sha256(transfer_syntax_uid.encode())
        self._front = bytearray()
        head = part10_head(sop_class_uid, sop_uid, transfer_syntax_uid)
        self._head_bytes = len(head)
        with disk_faults():
            # a file of this name is of a dead process that had our number
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
            self._descriptor = os.open(self.path, flags, 0o644)
            try:
                self._write(head)
            except OSError:
                self.discard()
                raise

    @property
    def sha256(self) -> str:
        """Identity of the bytes so far: SHA-256 over transfer syntax UID + dataset."""
        return self._digest.hexdigest()

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self._head_bytes + self.dataset_bytes

    def write(self, piece: Piece) -> int:
        """Write and hash the next piece."""
        view = memoryview(piece)
        self._digest.update(view)
        if self.dataset_bytes < _FRONT_BYTES:
            self._front += view[: _FRONT_BYTES - self.dataset_bytes]
        with disk_faults():
            self._write(view)
        self.dataset_bytes += len(view)
        return len(view)

    def _write(self, data: Piece) -> None:
        view = memoryview(data)
        while view:  # one write of Linux ends at 2 GB, and at the end of the disk
            view = view[os.write(self._descriptor, view) :]

    def names(self) -> Names:
        """Read who the object is.

        Raises
        ------
        UnreadableObject
            ``OBJECT_UNREADABLE``.
        """
        try:
            names = Names(bytes(self._front), self.transfer_syntax_uid)
            if names.series_uid or self.dataset_bytes <= _FRONT_BYTES:
                return names
        except UnreadableObject:
            if self.dataset_bytes <= _FRONT_BYTES:
                raise
        with self.path.open("rb") as stream:
            stream.seek(self._head_bytes)
            return Names(stream.read(_LARGEST_FRONT_BYTES), self.transfer_syntax_uid)

    def keep(self, target: Path) -> None:
        """Give the file its final name, synced; it is whole or absent."""
        with disk_faults():
            os.fsync(self._descriptor)
            self._close()
            try:
                self.path.replace(target)
            except FileNotFoundError:  # the first object of its folder
                target.parent.mkdir(parents=True, exist_ok=True)
                self.path.replace(target)

    def discard(self) -> None:
        """Remove the file, unless it was kept."""
        self._close()
        self.path.unlink(missing_ok=True)

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def spools_in(folder: Path | None) -> Callable[[str, str, str], FileSpool | MemorySpool]:
    """Return what makes a spool for (SOP class, SOP UID, transfer syntax): a file, or memory."""

    def make(sop_class_uid: str, sop_uid: str, transfer_syntax_uid: str) -> FileSpool | MemorySpool:
        if folder is None:
            return MemorySpool(transfer_syntax_uid)
        return FileSpool(folder, sop_class_uid, sop_uid, transfer_syntax_uid)

    return make
