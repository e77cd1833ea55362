"""C-STORE sub-operations of the archive: stored bytes go out as they are (PS3.4 C.4.2.3)."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Protocol

from pydicom.filereader import read_dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)
from pynetdicom import build_context
from pynetdicom.association import Association
from pynetdicom.dimse_messages import C_STORE_RQ
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.dsutils import encode
from pynetdicom.presentation import PresentationContext

from pipelines.acquire.archive.index import Entry

__all__ = ["Delivery", "Line", "NoContextError", "contexts_for", "store"]

_CONVERTIBLE = (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
)
_PRIORITY_LOW = 2


class NoContextError(ValueError):
    """The peer accepted no presentation context in which the instance could be sent."""


class Delivery(Protocol):
    """Sends one instance and says with which status the peer took it."""

    def __call__(self, entry: Entry, message_id: int, line: Line) -> int:
        """Send an instance; return the C-STORE status."""


def contexts_for(entries: Sequence[Entry]) -> list[PresentationContext]:
    """Propose one context for each (SOP class, stored transfer syntax), and one uncompressed."""
    pairs = sorted({(entry.sop_class_uid, entry.transfer_syntax_uid) for entry in entries})
    proposed = [build_context(sop_class, [syntax]) for sop_class, syntax in pairs]
    plain = [str(ImplicitVRLittleEndian), str(ExplicitVRLittleEndian)]
    proposed += [build_context(sop_class, plain) for sop_class in sorted({one for one, _ in pairs})]
    return proposed[:128]  # PS3.8 section 9.3.2: odd context ids 1 to 255


@dataclass(frozen=True)
class Line:
    """How the bytes of an object leave."""

    drip_s: float = 0.0
    """Wait between fragments of ``fragment_bytes``; 0 sends the object at once."""
    wait: Callable[[float], object] = time.sleep
    """Waits a number of seconds."""
    breaks: bool = False
    """Whether the association is aborted in the middle of the object."""
    fragment_bytes: int = 512


_WHOLE = Line()


def store(
    assoc: Association,
    entry: Entry,
    message_id: int,
    originator: tuple[str, int] | None = None,
    line: Line = _WHOLE,
) -> int:
    """Send an instance over an association and return the peer's status.

    Parameters
    ----------
    assoc : Association
        Established; the caller is its only reader.
    entry : Entry
        The instance.
    message_id : int
        Message ID of the request.
    originator : tuple, optional
        AE title and Message ID of the C-MOVE this belongs to (PS3.7 section 9.1.1.1).
    line : Line
        How the bytes leave.

    Raises
    ------
    NoContextError
        Nothing was sent.
    ConnectionError
        The peer is gone.
    """
    context = _context(assoc, entry)
    request = C_STORE()
    request.MessageID = message_id
    request.Priority = _PRIORITY_LOW
    request.AffectedSOPClassUID = entry.sop_class_uid
    request.AffectedSOPInstanceUID = entry.key("IMAGE")
    if originator:
        request.MoveOriginatorApplicationEntityTitle = originator[0]
        request.MoveOriginatorMessageID = originator[1]
    request.DataSet = BytesIO(_encoded(entry, context.transfer_syntax[0]))
    with _sole_reader(assoc):
        _send(assoc, request, context.context_id or 0, line)
        _, response = assoc.dimse.get_msg(block=True)
    if not isinstance(response, C_STORE) or response.Status is None:
        raise ConnectionError("no C-STORE response")
    return int(response.Status)


def _send(assoc: Association, request: C_STORE, context_id: int, line: Line) -> None:
    if not line.drip_s and not line.breaks:
        assoc.dimse.send_msg(request, context_id)
        return
    message = C_STORE_RQ()
    message.primitive_to_message(request)
    message.context_id = context_id
    fragments = list(message.encode_msg(context_id, line.fragment_bytes))
    for fragment in fragments[: max(1, len(fragments) // 2)] if line.breaks else fragments:
        assoc.dul.send_pdu(fragment)
        line.wait(line.drip_s)
    if line.breaks:
        assoc.abort()
        raise ConnectionAbortedError


@contextmanager
def _sole_reader(assoc: Association) -> Iterator[None]:
    """Keep pynetdicom's own loop from taking the response off the queue."""
    if assoc.is_acceptor:  # the loop itself is calling us
        yield
        return
    assoc._reactor_checkpoint.clear()  # noqa: SLF001 as pynetdicom's own send_c_store does
    try:
        yield
    finally:
        assoc._reactor_checkpoint.set()  # noqa: SLF001


def _context(assoc: Association, entry: Entry) -> PresentationContext:
    """Prefer the stored transfer syntax; else any uncompressed one for uncompressed data."""
    usable = [
        context
        for context in assoc.accepted_contexts
        if context.abstract_syntax == entry.sop_class_uid and context.as_scu
    ]
    for context in usable:
        if context.transfer_syntax[0] == entry.transfer_syntax_uid:
            return context
    if entry.transfer_syntax_uid in _CONVERTIBLE:
        for context in usable:
            if context.transfer_syntax[0] in (ExplicitVRLittleEndian, ImplicitVRLittleEndian):
                return context
    raise NoContextError(entry.transfer_syntax_uid)


def _encoded(entry: Entry, syntax: str) -> bytes:
    stored = entry.dataset_bytes()
    if syntax == entry.transfer_syntax_uid:
        return stored
    if entry.transfer_syntax_uid == DeflatedExplicitVRLittleEndian:
        stored = zlib.decompressobj(-zlib.MAX_WBITS).decompress(stored)
    ds = read_dataset(
        BytesIO(stored),
        is_implicit_VR=entry.transfer_syntax_uid == ImplicitVRLittleEndian,
        is_little_endian=entry.transfer_syntax_uid != ExplicitVRBigEndian,
    )
    converted = encode(ds, syntax == ImplicitVRLittleEndian, is_little_endian=True)
    if converted is None:
        raise NoContextError(entry.transfer_syntax_uid)
    return converted
