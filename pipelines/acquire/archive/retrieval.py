"""The archive as C-GET and C-MOVE provider (PS3.4 sections C.4.2 and C.4.3).

pynetdicom's own provider decodes and re-encodes each dataset; ours sends the stored bytes, and
misbehaves on demand.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO

from pydicom.dataset import Dataset
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import C_GET, C_MOVE
from pynetdicom.dsutils import decode, encode
from pynetdicom.presentation import PresentationContext
from pynetdicom.status import code_to_category

from pipelines.acquire.archive.altered import foreign, twin
from pipelines.acquire.archive.deliver import Delivery, Line, NoContextError, store
from pipelines.acquire.archive.faults import Faults, Request
from pipelines.acquire.archive.index import Entry, Index
from pipelines.acquire.archive.query import BadQueryError, chosen, query_level
from pipelines.acquire.archive.view import View
from pipelines.acquire.text import text

__all__ = ["Retrieval", "Tally"]

_SUCCESS, _PENDING, _CANCEL, _WARNING = 0x0000, 0xFF00, 0xFE00, 0xB000
_OUT_OF_RESOURCES, _DESTINATION_UNKNOWN, _BAD_IDENTIFIER = 0xA702, 0xA801, 0xA900
_CANNOT_PROCESS = 0xC000

Dial = Callable[[str, list[Entry]], "Association | None"]


@dataclass
class Tally:
    """Sub-operations of one retrieval (PS3.7 section 9.1.3.1)."""

    remaining: int
    failed: list[str] = field(default_factory=list)
    warned: int = 0
    completed: int = 0
    sent: int = 0
    sent_bytes: int = 0
    answered: bool = False
    """The final response has been sent already."""

    def final_status(self) -> int:
        """Return the status of the last response (PS3.4 Table C.4-2)."""
        if not self.failed and not self.warned:
            return _SUCCESS
        return _WARNING if self.completed or self.warned else _OUT_OF_RESOURCES


@dataclass(frozen=True)
class _Job:
    """One retrieval: who asks for what, how far it is, and what troubles it."""

    assoc: Association
    request: C_GET | C_MOVE
    context: PresentationContext
    entries: list[Entry]
    tally: Tally
    faults: Faults


@dataclass(frozen=True)
class Retrieval:
    """Serves retrievals out of an index, with faults."""

    index: Index
    view: View
    dial: Dial
    """Opens an association to a known destination for these entries; None when it cannot."""
    destinations: frozenset[str]
    stopping: threading.Event
    record: Callable[[Request], None]
    take_refusal: Callable[[], bool]
    """Says whether this retrieval is one of those to answer with A702."""
    wait: Callable[[float], object]
    """Waits a number of seconds, or until the archive is closed."""

    def serve(
        self, assoc: Association, request: C_GET | C_MOVE, context: PresentationContext
    ) -> None:
        """Answer one C-GET or C-MOVE request completely."""
        operation = "C-GET" if isinstance(request, C_GET) else "C-MOVE"
        level, tally = "", Tally(0)
        status: int | None = _BAD_IDENTIFIER
        try:
            identifier = decode(
                request.Identifier or BytesIO(),
                context.transfer_syntax[0].is_implicit_VR,
                context.transfer_syntax[0].is_little_endian,
            )
            top = "PATIENT" if _is_patient_root(context) else "STUDY"
            level = query_level(identifier, top)
            entries = [one for one in chosen(self.index, identifier) if self.view.holds(one)]
            tally = Tally(len(entries))
            faults = self.view.retrieving(text(identifier, "StudyInstanceUID"))
            status = self._run(_Job(assoc, request, context, entries, tally, faults))
        except BadQueryError:
            pass  # the status says it
        except ConnectionError:
            status = None  # the peer is gone, or we leave it
        self.record(Request(operation, level, tally.sent, tally.sent_bytes))
        if status is None:
            assoc.abort()
        elif assoc.is_established and not tally.answered:
            _respond(assoc, request, context, status, tally)

    def _run(self, job: _Job) -> int:
        faults, tally = job.faults, job.tally
        if faults.zero_suboperations:
            tally.remaining = 0
            return _SUCCESS
        if faults.silent_success:
            tally.completed, tally.remaining = len(job.entries), 0
            return _SUCCESS
        if self.take_refusal():
            return _fail_all(tally, job.entries, _OUT_OF_RESOURCES)
        lost = faults.unavailable_study_uids | faults.offline_study_uids
        if any(one.key("STUDY") in lost for one in job.entries):
            return _fail_all(tally, job.entries, _CANNOT_PROCESS)
        if isinstance(job.request, C_MOVE):
            return self._move(job, job.request)

        def deliver(entry: Entry, message_id: int, line: Line) -> int:
            return store(job.assoc, entry, message_id, line=line)

        return self._send_all(job, deliver)

    def _move(self, job: _Job, request: C_MOVE) -> int:
        tally = job.tally
        destination = str(request.MoveDestination or "").strip()
        if destination not in self.destinations:
            tally.remaining = 0
            return _DESTINATION_UNKNOWN
        if not job.entries:
            return _SUCCESS
        with self._dialled(destination, job.entries) as peer:
            if peer is None:
                return _fail_all(tally, job.entries, _OUT_OF_RESOURCES)
            originator = (job.assoc.requestor.ae_title, int(request.MessageID or 0))

            def deliver(entry: Entry, message_id: int, line: Line) -> int:
                return store(peer, entry, message_id, originator, line)

            if job.faults.success_first:
                done = Tally(0, completed=len(job.entries))
                _respond(job.assoc, request, job.context, _SUCCESS, done)
                tally.answered = True
            return self._send_all(job, deliver)

    @contextmanager
    def _dialled(self, destination: str, entries: list[Entry]) -> Iterator[Association | None]:
        peer = self.dial(destination, entries)
        try:
            yield peer
        finally:
            if peer is not None and peer.is_established:
                peer.release()

    def _send_all(self, job: _Job, deliver: Delivery) -> int:
        faults, tally, request = job.faults, job.tally, job.request
        for number, entry in enumerate(job.entries):
            self.wait(faults.latency_s)
            if tally.sent == faults.stall_after_n:
                self.stopping.wait()
            if self.stopping.is_set() or tally.sent == faults.abort_after_n:
                raise ConnectionAbortedError
            if request.MessageID in job.assoc.dimse.cancel_req:
                return _CANCEL
            message_id = (int(request.MessageID or 0) + 2 * number) % 65535 + 1
            self._send_one(entry, message_id, job, deliver)
            tally.remaining -= 1
            if tally.remaining and not tally.answered:  # the last is told by the final response
                _respond(job.assoc, request, job.context, _PENDING, tally)
        return tally.final_status()

    def _send_one(self, entry: Entry, message_id: int, job: _Job, deliver: Delivery) -> None:
        faults, tally, uid = job.faults, job.tally, entry.key("IMAGE")
        dropped = faults.drop_after_n is not None and tally.sent >= faults.drop_after_n
        if dropped or uid in faults.drop_instances:
            tally.completed += 1
            return
        if faults.bytes_per_s:
            self.wait(entry.size / faults.bytes_per_s)
        breaks = tally.sent == faults.abort_in_object_n
        line = Line(faults.drip_s, self.wait, breaks=breaks)
        try:
            sent = foreign(entry) if uid in faults.foreign_instances else entry
            status = deliver(sent, message_id, line)
            if uid in faults.duplicate_instances:
                deliver(twin(entry), message_id % 65535 + 1, line)
                tally.sent_bytes += entry.size
        except NoContextError:
            tally.failed.append(uid)
            return
        category = code_to_category(status)
        if category in ("Success", "Warning"):
            tally.sent += 1
            tally.sent_bytes += entry.size
            tally.completed += category == "Success"
            tally.warned += category == "Warning"
        else:
            tally.failed.append(uid)


def _is_patient_root(context: PresentationContext) -> bool:
    return str(context.abstract_syntax).startswith("1.2.840.10008.5.1.4.1.2.1.")


def _fail_all(tally: Tally, entries: list[Entry], status: int) -> int:
    tally.remaining = 0
    tally.failed.extend(entry.key("IMAGE") for entry in entries)
    return status


def _respond(
    assoc: Association,
    request: C_GET | C_MOVE,
    context: PresentationContext,
    status: int,
    tally: Tally,
) -> None:
    response = type(request)()
    response.MessageID = request.MessageID
    response.MessageIDBeingRespondedTo = request.MessageID
    response.AffectedSOPClassUID = request.AffectedSOPClassUID
    response.Status = status
    if status in (_PENDING, _CANCEL):
        response.NumberOfRemainingSuboperations = tally.remaining
    response.NumberOfFailedSuboperations = len(tally.failed)
    response.NumberOfWarningSuboperations = tally.warned
    response.NumberOfCompletedSuboperations = tally.completed
    if status not in (_PENDING, _SUCCESS) and tally.failed:
        ds = Dataset()
        ds.FailedSOPInstanceUIDList = tally.failed
        syntax = context.transfer_syntax[0]
        encoded = encode(ds, syntax.is_implicit_VR, syntax.is_little_endian)
        response.Identifier = BytesIO(encoded or b"")
    assoc.dimse.send_msg(response, context.context_id or 0)
