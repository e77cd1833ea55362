"""The archive as a server: one pynetdicom listener, threads only."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pydicom.dataset import Dataset
from pynetdicom import AllStoragePresentationContexts, build_context, evt
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.presentation import PresentationContext
from pynetdicom.transport import AssociationServer

from config.errors import EnvironmentFault, UnreadableObject
from pipelines.acquire.archive.deliver import contexts_for
from pipelines.acquire.archive.faults import Faults, Request
from pipelines.acquire.archive.index import Entry, Index, entry_of_bytes, entry_of_file
from pipelines.acquire.archive.listener import Handler, Listener
from pipelines.acquire.archive.query import BadQueryError, answers
from pipelines.acquire.archive.retrieval import Retrieval
from pipelines.acquire.archive.view import View
from pipelines.acquire.checkpoint import guard_reactor
from pipelines.acquire.clock import Clock
from pipelines.acquire.dimse import (
    MAX_PDU_BYTES,
    Entity,
    keep_silent,
    transfer_syntaxes,
    tune_socket,
)

__all__ = ["Archive"]

_VERIFICATION = "1.2.840.10008.1.1"
# Patient Root, then Study Root (PS3.4 sections C.4.1.1, C.4.2.1 and C.4.3.1)
_FIND = ("1.2.840.10008.5.1.4.1.2.1.1", "1.2.840.10008.5.1.4.1.2.2.1")
_MOVE = ("1.2.840.10008.5.1.4.1.2.1.2", "1.2.840.10008.5.1.4.1.2.2.2")
_GET = ("1.2.840.10008.5.1.4.1.2.1.3", "1.2.840.10008.5.1.4.1.2.2.3")
_SILENCE_S = 30.0
_LOOPBACK = "127.0.0.1"


class Archive:
    """An embedded PACS on loopback: C-ECHO, C-STORE, C-FIND, C-GET, C-MOVE.

    Parameters
    ----------
    files : Iterable[Path]
        Part 10 files to serve; only their headers are read.
    ae_title : str
        AE title of the archive; others are rejected.
    port : int
        TCP port on loopback; 0 takes a free one.
    faults : Faults, optional
        What to do wrong; nothing when none is given.
    destinations : Mapping[str, tuple[str, int]]
        AE title to (host, port) of the known C-MOVE destinations.
    keep_in : Path, optional
        Folder for what is received by C-STORE; memory when none is given.
    entries : Iterable[Entry]
        Instances that are in no file.
    faults_by_study : Mapping[str, Faults]
        Study Instance UID to faults of its own, in place of the archive's.
    clock : Clock, optional
        Its time, when it is not the machine's: latency then passes on it, and nobody sleeps.

    Raises
    ------
    UnreadableObject
        A file is no DICOM object with its four UIDs.
    EnvironmentFault
        The port is in use.
    """

    def __init__(
        self,
        files: Iterable[Path],
        ae_title: str,
        *,
        port: int = 0,
        faults: Faults | None = None,
        destinations: Mapping[str, tuple[str, int]] | None = None,
        keep_in: Path | None = None,
        entries: Iterable[Entry] = (),
        faults_by_study: Mapping[str, Faults] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.ae_title = ae_title
        self.faults = faults or Faults()
        self.index = Index([*(entry_of_file(path) for path in files), *entries])
        self._view = View(self.faults, faults_by_study or {})
        self._clock = clock
        self._opened_at = 0.0
        self._asked_port = port
        self._destinations = dict(destinations or {})
        self._keep_in = keep_in
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._log: list[Request] = []
        self._associations = 0
        self._queries = 0
        self._exhausted = 0
        self._server: Listener | None = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """TCP port the archive listens on; only while it is open."""
        assert self._server is not None, "the archive is not open"
        return int(self._server.server_address[1])

    @property
    def log(self) -> tuple[Request, ...]:
        """What was asked so far, in order."""
        with self._lock:
            return tuple(self._log)

    def __enter__(self) -> Self:
        keep_silent()
        ae = Entity(self.ae_title)
        ae.require_called_aet = True
        ae.maximum_pdu_size = MAX_PDU_BYTES
        ae.maximum_associations = 32
        ae.network_timeout = ae.dimse_timeout = ae.acse_timeout = _SILENCE_S
        try:
            server = Listener(
                ae,
                (_LOOPBACK, self._asked_port),
                self.ae_title,
                self._contexts(),
                evt_handlers=self._handlers(),
                request_handler=Handler,
            )
        except OSError as error:
            raise EnvironmentFault("PORT_IN_USE", str(self._asked_port)) from error
        server.retrieval = Retrieval(
            index=self.index,
            view=self._view,
            dial=self._dial,
            destinations=frozenset(self._destinations),
            stopping=self._stopping,
            record=self._record,
            take_refusal=self._take_refusal,
            wait=self._wait,
        )
        self._opened_at = self._now()
        self._server = server
        self._thread = threading.Thread(
            target=server.serve_forever, args=(0.05,), name="archive", daemon=True
        )
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopping.set()
        server, thread = self._server, self._thread
        self._server = self._thread = None
        if server is None or thread is None:
            return
        for session in server.active_associations:
            if not session.is_rejected:  # one that was rejected is ending by itself: it cannot
                session.abort()  # abort while it waits for the peer to close (PS3.8 Table 9-10)
            session.join(timeout=5)
        super(AssociationServer, server).shutdown()
        server.server_close()
        thread.join(timeout=5)

    def _contexts(self) -> list[PresentationContext]:
        models = [_VERIFICATION, *_FIND, *_MOVE, *(() if self.faults.reject_c_get else _GET)]
        contexts = [build_context(uid) for uid in models]
        storage = {str(context.abstract_syntax) for context in AllStoragePresentationContexts}
        storage |= {entry.sop_class_uid for entry in self.index}
        for uid in sorted(storage):
            context = build_context(uid, list(transfer_syntaxes()))
            context.scu_role = context.scp_role = True  # the requestor says which it wants
            contexts.append(context)
        return contexts

    def _handlers(self) -> list[Any]:
        return [
            (evt.EVT_CONN_OPEN, tune_socket, [_SILENCE_S]),
            (evt.EVT_REQUESTED, self._on_requested),
            (evt.EVT_C_ECHO, self._on_echo),
            (evt.EVT_C_STORE, self._on_store),
            (evt.EVT_C_FIND, self._on_find),
        ]

    def _now(self) -> float:
        return time.time() if self._clock is None else self._clock.now()

    def _wait(self, seconds: float) -> None:
        seconds *= self._view.slowness()
        if self._clock is None:
            self._stopping.wait(seconds)
        else:
            self._clock.wait(seconds)

    def _record(self, request: Request) -> None:
        with self._lock:
            self._log.append(replace(request, at=self._now()))

    def _take_refusal(self) -> bool:
        with self._lock:
            self._exhausted += 1
            return self._exhausted <= self.faults.out_of_resources

    def _on_requested(self, event: evt.Event) -> None:
        with self._lock:
            self._associations += 1
            number = self._associations
        faults, since = self.faults, self._now() - self._opened_at
        if number <= faults.stall_associations:
            self._stopping.wait()
        is_down = faults.down_from_s <= since < faults.down_from_s + faults.down_for_s
        if number <= faults.refuse_associations or is_down:
            # PS3.8 Table 9-21: rejected transient, presentation related, local limit
            event.assoc.is_rejected = True  # first: who closes the archive must see it
            event.assoc.acse.send_reject(0x02, 0x03, 0x02)
            event.assoc.kill()  # returns once the answer is out

    def _on_echo(self, _event: evt.Event) -> int:
        self._wait(self.faults.latency_s)
        self._record(Request("C-ECHO"))
        return 0x0000

    def _on_store(self, event: evt.Event) -> int:
        request = event.request
        assert isinstance(request, C_STORE)
        encoded = event.encoded_dataset(include_meta=False)
        syntax = event.context.transfer_syntax
        try:
            entry = entry_of_bytes(encoded, str(request.AffectedSOPClassUID), syntax)
        except UnreadableObject:
            return 0xC000  # PS3.4 Table B.2-1: cannot understand
        if entry.key("IMAGE") != request.AffectedSOPInstanceUID:
            return 0xA900  # PS3.4 Table B.2-1: data set does not match SOP class
        if self._keep_in is not None:
            path = self._keep_in / f"{len(self.index):06d}.dcm"
            path.write_bytes(event.encoded_dataset())
            entry = entry_of_file(path)
        self.index.add(entry)
        self._record(Request("C-STORE", "IMAGE", 1, len(encoded)))
        return 0x0000

    def _on_find(self, event: evt.Event) -> Iterator[tuple[int, Dataset | None]]:
        top = "PATIENT" if event.context.abstract_syntax == _FIND[0] else "STUDY"
        level, found = "", 0
        with self._lock:
            self._queries += 1
            stalls = self._queries <= self.faults.stall_queries
        if stalls:
            self._stopping.wait()
        most = self.faults.max_answers
        self._wait(self.faults.latency_s)
        try:
            level = str(event.identifier.get("QueryRetrieveLevel", ""))
            for answer in answers(self.index, event.identifier, top, self._view):
                if event.is_cancelled:
                    yield 0xFE00, None
                    return
                if found == most:
                    if self.faults.tells_max_answers:
                        yield 0xA700, None
                    return
                found += 1
                yield 0xFF00, answer
        except BadQueryError:
            yield 0xA900, None
        finally:
            self._record(Request("C-FIND", level, found))

    def _dial(self, destination: str, entries: list[Entry]) -> Association | None:
        host, port = self._destinations[destination]
        ae = Entity(self.ae_title)
        ae.network_timeout = ae.dimse_timeout = ae.acse_timeout = _SILENCE_S
        peer = ae.associate(
            host,
            port,
            ae_title=destination,
            contexts=contexts_for(entries),
            evt_handlers=[(evt.EVT_CONN_OPEN, tune_socket, [_SILENCE_S])],
        )
        if not peer.is_established:
            return None
        guard_reactor(peer)
        return peer
