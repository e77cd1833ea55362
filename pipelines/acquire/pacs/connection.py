"""An association with a PACS: opened with time-outs, watched for silence, always closed.

What pynetdicom reports by flags becomes an error of ours:

    PACS_UNREACHABLE   TransientError       no TCP connection
    PACS_TIMEOUT       TransientError       no answer in time, or silence in the middle
    PACS_ABORTED       TransientError       the peer aborted or closed the connection
    PACS_REFUSED       TransientError       rejected transient (PS3.8 Table 9-21)
    PACS_REJECTED_AE   ConfigurationError   rejected permanent: AE titles
    PACS_UNSUPPORTED   ConfigurationError   no presentation context was accepted
    PACS_SPEAKS_TLS    ConfigurationError   the port waits for TLS, and we called it in plain
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from pydicom.dataset import Dataset
from pynetdicom import evt
from pynetdicom.association import Association
from pynetdicom.pdu import A_ASSOCIATE_RJ
from pynetdicom.pdu_primitives import SCP_SCU_RoleSelectionNegotiation
from pynetdicom.presentation import PresentationContext

from config.errors import AccordageError, ConfigurationError, TransientError
from config.site import PacsNode
from pipelines.acquire.checkpoint import guard_reactor
from pipelines.acquire.dimse import MAX_PDU_BYTES, Entity, keep_silent, tune_socket
from pipelines.acquire.pacs.tls_probe import speaks_tls
from pipelines.acquire.tls import client_context

__all__ = ["Connection", "connect"]


class Connection:
    """An established association, and the watchdog that ends it when the peer falls silent.

    pynetdicom waits for the next message of one association only, so a C-MOVE without pending
    responses looks dead while its instances arrive elsewhere, and a peer that stops inside a PDU
    blocks the wait for ever (pynetdicom issues 792, 1004). The watchdog knows all signs of life
    and shuts the socket, which wakes every waiting thread.
    """

    def __init__(self, assoc: Association, silence_s: float) -> None:
        self.assoc = assoc
        self.timed_out = False
        self._silence_s = silence_s
        self._last_sign = time.monotonic()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="pacs-watchdog", daemon=True)

    def touch(self) -> None:
        """Note a sign of life."""
        self._last_sign = time.monotonic()

    def require(self, sop_class_uid: str) -> None:
        """Raise ``PACS_UNSUPPORTED`` unless the peer accepted this SOP class."""
        if all(one.abstract_syntax != sop_class_uid for one in self.assoc.accepted_contexts):
            raise ConfigurationError("PACS_UNSUPPORTED", sop_class_uid)

    def final_status(self, responses: Iterator[tuple[Dataset, Dataset | None]]) -> int:
        """Read the responses of a retrieval to the end and return the last status.

        Raises
        ------
        TransientError
            ``PACS_TIMEOUT`` or ``PACS_ABORTED``.
        """
        status = None
        for status, _ in responses:
            self.touch()
            if "Status" not in status:
                raise self.lost()
        if status is None:
            raise self.lost()
        return int(status.Status)

    def lost(self) -> TransientError:
        """Return the error for an association that ended before its answer."""
        return TransientError("PACS_TIMEOUT" if self.timed_out else "PACS_ABORTED")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.assoc.is_established:
            if kind in (None, GeneratorExit):  # a caller who has had enough leaves politely
                self.assoc.release()
            else:
                self.assoc.abort()
        self._done.set()
        self._thread.join()
        self.assoc.join(timeout=self._silence_s)

    def _watch(self) -> None:
        while not self._done.is_set():
            left_s = self._silence_s - (time.monotonic() - self._last_sign)
            if left_s <= 0:
                self.timed_out = True
                _shut(self.assoc)
                return
            self._done.wait(left_s)


def _shut(assoc: Association) -> None:
    wrapped = assoc.dul.socket
    raw = wrapped.socket if wrapped else None
    if raw is not None:
        try:
            raw.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # closed in the meantime, which is what we want


@contextmanager
def connect(
    node: PacsNode,
    contexts: Sequence[PresentationContext],
    *,
    roles: Sequence[SCP_SCU_RoleSelectionNegotiation] = (),
    handlers: Sequence[Any] = (),
) -> Iterator[Connection]:
    """Open an association with a PACS and close it in any case.

    Parameters
    ----------
    node : PacsNode
        Where, who and how long to wait.
    contexts : Sequence[PresentationContext]
        At most 128 (PS3.8 section 9.3.2).
    roles : Sequence of role selection items
        For C-GET: the roles in which we take C-STORE (PS3.7 Annex D.3.3.4).
    handlers : Sequence
        pynetdicom event handlers.

    Raises
    ------
    TransientError, ConfigurationError
        See the module.
    """
    keep_silent()
    seen = _Seen(node.connect_timeout_s)
    ae = Entity(node.calling_ae_title)
    ae.connection_timeout = ae.acse_timeout = node.connect_timeout_s
    ae.network_timeout = ae.dimse_timeout = None  # the watchdog is the only clock
    try:
        assoc = _associate(
            ae,
            node,
            contexts,
            roles,
            [
                (evt.EVT_CONN_OPEN, seen.opened),
                (evt.EVT_PDU_RECV, seen.received),
                *handlers,
            ],
        )
    except OSError as error:  # the host's name is not known
        raise TransientError("PACS_UNREACHABLE", type(error).__name__) from error
    if not assoc.is_established:
        failure = seen.failure(assoc)
        silent = failure.code in {"PACS_ABORTED", "PACS_TIMEOUT"}
        if silent and speaks_tls(node.host, node.port, min(3.0, node.connect_timeout_s)):
            raise ConfigurationError("PACS_SPEAKS_TLS")
        raise failure
    assoc.unbind(evt.EVT_PDU_RECV, seen.received)
    guard_reactor(assoc)
    connection = Connection(assoc, node.dimse_timeout_s)
    assoc.bind(evt.EVT_DIMSE_RECV, lambda _event: connection.touch())
    with connection:
        yield connection


def _associate(
    ae: Entity,
    node: PacsNode,
    contexts: Sequence[PresentationContext],
    roles: Sequence[SCP_SCU_RoleSelectionNegotiation],
    handlers: Sequence[Any],
) -> Association:
    return ae.associate(
        node.host,
        node.port,
        contexts=list(contexts),
        ae_title=node.ae_title,
        max_pdu=MAX_PDU_BYTES,
        ext_neg=list(roles),
        tls_args=_tls(node),
        evt_handlers=[(evt.EVT_CONN_OPEN, tune_socket, [node.dimse_timeout_s]), *handlers],
    )


def _tls(node: PacsNode) -> tuple[ssl.SSLContext, str] | None:
    if node.tls is None:
        return None
    return client_context(node.tls), node.tls.server_name or node.host


class _Seen:
    """What happened while the association was negotiated.

    A peer that rejects closes the connection at once. pynetdicom 3.0.4 looks whether the connection
    is open before it looks for the answer, so on a busy machine the answer would be lost.
    """

    def __init__(self, patience_s: float) -> None:
        self._deadline = time.monotonic() + patience_s
        self._opened = False
        self._rejected: A_ASSOCIATE_RJ | None = None

    def opened(self, _event: evt.Event) -> None:
        self._opened = True

    def received(self, event: evt.Event) -> None:
        if isinstance(event.pdu, A_ASSOCIATE_RJ):
            self._rejected = event.pdu

    def failure(self, assoc: Association) -> AccordageError:
        """Say why the association is not there."""
        if self._rejected is not None:
            if self._rejected.result == 0x01:  # rejected permanent, PS3.8 Table 9-21
                return ConfigurationError("PACS_REJECTED_AE", self._rejected.reason_str)
            return TransientError("PACS_REFUSED", self._rejected.reason_str)
        if not self._opened:
            return TransientError("PACS_UNREACHABLE")
        if assoc.acceptor.primitive is not None and not assoc.accepted_contexts:
            return ConfigurationError("PACS_UNSUPPORTED", "no presentation context accepted")
        # The wait for an answer begins after this clock: if it ended early, the peer ended it.
        early = time.monotonic() < self._deadline
        return TransientError("PACS_ABORTED" if early else "PACS_TIMEOUT")
