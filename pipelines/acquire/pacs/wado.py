"""WADO-RS (PS3.18 section 10.4): a study in one answer, each object as the archive stores it."""

from __future__ import annotations

import struct
from collections.abc import Callable, Generator, Sequence
from http.client import HTTPResponse
from io import BytesIO

from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.uid import ExplicitVRLittleEndian

from config.errors import AccordageError
from config.site import PacsNode
from pipelines.acquire.front import front_elements
from pipelines.acquire.pacs.intake import Intake
from pipelines.acquire.receive.spool import FileSpool, MemorySpool, spools_in
from pipelines.acquire.text import text, text_in, texts
from pipelines.acquire.web.behind import Behind
from pipelines.acquire.web.http import get, status_of
from pipelines.acquire.web.multipart import boundary_of, read_parts

__all__ = ["retrieve_by_web"]

# PS3.18 section 8.7.3.5.2: * is any transfer syntax, so nothing is converted on the way
_ACCEPT = 'multipart/related; type="application/dicom"; transfer-syntax=*'
_META_START, _META_LENGTH_END = 132, 144
_LARGEST_META_BYTES = 1 << 16
_KEYWORDS = ("MediaStorageSOPClassUID", "MediaStorageSOPInstanceUID", "TransferSyntaxUID")
_LAST_OF_META, _AFTER_META = 0x0002FFFF, b"\x08\0\0\0UI\0\0"
_HAND_OVER_BYTES = 1 << 20
"""Most images are handed to the writing thread whole: each hand-over may wake it."""


def retrieve_by_web(
    node: PacsNode, intake: Intake, asked: Sequence[Dataset], _receiver: object
) -> Generator[int]:
    """Ask for each identifier and yield the DIMSE status its answer stands for.

    Raises
    ------
    TransientError, ConfigurationError
        As :func:`pipelines.acquire.web.http.get`.
    """
    for path in (path for ds in asked for path in _paths(ds)):
        with get(node, path, _ACCEPT) as answer:
            status = status_of(answer)
            if status == 0:
                _take_in(answer, intake)
        yield status


def _take_in(answer: HTTPResponse, intake: Intake) -> None:
    """Read an answer to its end; objects are hashed and written while more of it comes."""
    boundary = boundary_of(answer.headers.get("Content-Type", ""))
    try:
        with Behind() as behind:
            if boundary is None:  # an archive that answers with one object, bare
                _read_whole(answer.read, _Part(intake, behind))
            else:
                read_parts(answer.read, boundary, lambda: _Part(intake, behind))
    finally:
        intake.flush()
    intake.raise_fault()


def _paths(ds: Dataset) -> list[str]:
    study = f"/studies/{ds.StudyInstanceUID}"
    if ds.QueryRetrieveLevel == "STUDY":
        return [study]
    series = f"{study}/series/{ds.SeriesInstanceUID}"
    return [f"{series}/instances/{uid}" for uid in texts(ds, "SOPInstanceUID")]


def _read_whole(read: Callable[[int], bytes], part: _Part) -> None:
    while chunk := read(1 << 20):
        part.write(memoryview(chunk))
    part.close()


class _Part:
    """One object of an answer: its Part 10 head is read, its dataset spooled."""

    def __init__(self, intake: Intake, behind: Behind) -> None:
        self._intake = intake
        self._do = behind.do
        self._pieces: list[memoryview] = []
        self._size = 0
        self._head: bytearray | None = bytearray()
        self._spool: FileSpool | MemorySpool | None = None
        self._names = ("", "", "")

    def write(self, piece: memoryview) -> None:
        """Take the next piece; what is no Part 10 file is dropped, and so counted as missing."""
        self._pieces.append(piece)
        self._size += len(piece)
        if self._size >= _HAND_OVER_BYTES:
            self._do(self._write_all, *self._take_pieces())

    def _take_pieces(self) -> list[memoryview]:
        pieces, self._pieces, self._size = self._pieces, [], 0
        return pieces

    def _write_all(self, *pieces: memoryview) -> None:
        for piece in pieces:
            self._write(piece)

    def _write(self, piece: memoryview) -> None:
        if self._head is None:
            self._put(piece)
            return
        self._head += piece
        if len(self._head) < _META_LENGTH_END:
            return
        end = _end_of_meta(self._head)
        if len(self._head) >= end:
            whole, self._head = self._head, None
            if end:
                self._begin(bytes(whole[_META_START:end]))
                self._put(memoryview(whole)[end:])

    def _begin(self, meta: bytes) -> None:
        self._names = _names_in(meta)
        try:
            self._spool = spools_in(self._intake.spool_in)(*self._names)
        except AccordageError as fault:
            self._intake.fail(fault)

    def _put(self, piece: memoryview) -> None:
        self._intake.on_arrival()
        if self._spool is None:
            return
        try:
            self._spool.write(piece)
        except AccordageError as fault:
            self._intake.fail(fault)
            self._discard()

    def close(self) -> None:
        """Give the whole object to the intake."""
        self._do(self._close, *self._take_pieces())

    def _close(self, *pieces: memoryview) -> None:
        self._write_all(*pieces)
        spool, self._spool = self._spool, None
        if spool is not None:
            self._intake.take(*self._names, spool, promised=False)

    def discard(self) -> None:
        """Forget an object that was cut off."""
        self._do(self._discard)

    def _discard(self) -> None:
        spool, self._spool = self._spool, None
        if spool is not None:
            spool.discard()


def _names_in(meta: bytes) -> tuple[str, str, str]:
    """Return SOP class, SOP instance and transfer syntax out of a file meta group (PS3.10 7.1)."""
    found = front_elements(meta + _AFTER_META, ExplicitVRLittleEndian, _LAST_OF_META)
    if found is None:
        ds = read_dataset(BytesIO(meta), is_implicit_VR=False, is_little_endian=True)
        return text(ds, _KEYWORDS[0]), text(ds, _KEYWORDS[1]), text(ds, _KEYWORDS[2])
    return text_in(found, _KEYWORDS[0]), text_in(found, _KEYWORDS[1]), text_in(found, _KEYWORDS[2])


def _end_of_meta(head: bytearray) -> int:
    """Return where the dataset starts (PS3.10 section 7.1); 0 where this is no Part 10 file."""
    if head[128:_META_START] != b"DICM" or head[132:140] != b"\x02\x00\x00\x00UL\x04\x00":
        return 0
    end = _META_LENGTH_END + int(struct.unpack_from("<L", head, 140)[0])
    return end if end <= _LARGEST_META_BYTES else 0
