"""A listener that no silent peer can hold up, and whose associations stream to disk.

pynetdicom 3.0.4 makes the TLS handshake inside its accept loop and without a deadline
(``AssociationServer.get_request``): one peer that opens a connection and says nothing, such as a
load balancer's health check, keeps everybody else out. Here the handshake has a thread of its own
and a deadline.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Self

from pynetdicom import AE, AllStoragePresentationContexts, evt
from pynetdicom.association import Association
from pynetdicom.presentation import PresentationContext
from pynetdicom.transport import AssociationServer, RequestHandler

from pipelines.acquire.dimse import MAX_PDU_BYTES, Entity, transfer_syntaxes, tune_socket
from pipelines.acquire.eager import be_eager
from pipelines.acquire.receive.streaming import MakeSpool, abandon, stream_to

__all__ = ["Acceptor", "storage_entity"]

MAX_HANDSHAKES = 64
"""TLS handshakes at once; a connection beyond them is closed."""

_VERIFICATION = "1.2.840.10008.1.1"


def storage_entity(ae_title: str, silence_s: float, request_timeout_s: float) -> Entity:
    """Return an entity that takes every kind of object in every transfer syntax we handle.

    Parameters
    ----------
    ae_title : str
        What we call ourselves.
    silence_s : float
        Longest silence inside an association.
    request_timeout_s : float
        Longest wait for the A-ASSOCIATE request of who has connected.
    """
    ae = Entity(ae_title)
    ae.maximum_pdu_size = MAX_PDU_BYTES
    ae.network_timeout = ae.dimse_timeout = silence_s
    ae.acse_timeout = request_timeout_s
    ae.maximum_associations = 1_000_000  # counted where silent peers do not count
    ae.add_supported_context(_VERIFICATION)
    for context in AllStoragePresentationContexts:
        ae.add_supported_context(str(context.abstract_syntax), list(transfer_syntaxes()))
    return ae


class _Shared(list[PresentationContext]):
    """Contexts that all associations read: pynetdicom would copy some 4,000 objects for each.

    The negotiation makes new contexts for its result and changes none of these.
    """

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self


class _Session(Association):
    """An accepted association that says when it is over."""

    def run(self) -> None:
        try:
            super().run()
        finally:
            abandon(self)
            self.over()

    over: Callable[[], None]


class _Handler(RequestHandler):
    server: Acceptor

    def _create_association(self) -> Association:
        session = super()._create_association()
        # pynetdicom has no factory for its associations: the finished one changes its class.
        session.__class__ = _Session
        session.over = self.server.gone  # type: ignore[attr-defined]
        stream_to(session, self.server.make_spool)
        be_eager(session)
        return session


class Acceptor(AssociationServer):
    """Accepts connections and starts their associations.

    Parameters
    ----------
    ae : AE
        Our entity.
    address : tuple[str, int]
        Where to listen.
    handlers : Sequence
        pynetdicom event handlers of each association.
    make_spool : callable
        Makes the spool of an object that arrives.
    tls : ssl.SSLContext, optional
        With it, TLS; without, plain text.
    handshake_timeout_s : float
        Longest TLS handshake.
    """

    def __init__(
        self,
        ae: AE,
        address: tuple[str, int],
        handlers: Sequence[Any],
        make_spool: MakeSpool,
        *,
        tls: ssl.SSLContext | None = None,
        handshake_timeout_s: float = 3.0,
    ) -> None:
        self.make_spool = make_spool
        self._tls = tls
        self._handshake_timeout_s = handshake_timeout_s
        self._handshakes = threading.BoundedSemaphore(MAX_HANDSHAKES)
        silence_s = ae.network_timeout
        every = [(evt.EVT_CONN_OPEN, tune_socket, [silence_s]), *handlers]
        super().__init__(
            ae,
            address,
            ae.ae_title,
            _Shared(ae.supported_contexts),
            evt_handlers=every,
            request_handler=_Handler,
        )

    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: what Python would print may quote what was sent."""

    def gone(self) -> None:
        """Note that a connection this listener took is over."""

    def refused(self, code: str) -> None:
        """Note that a connection was refused before its association; never whose it was."""

    def process_request(self, request: Any, client_address: Any) -> None:
        """Start an association, after a handshake beside the accept loop where there is TLS."""
        if self._tls is None:
            self.finish_request(request, client_address)
        elif self._handshakes.acquire(blocking=False):
            threading.Thread(
                target=self._shake, args=(request, client_address), name="handshake", daemon=True
            ).start()
        else:
            self.refused("RECEIVE_BUSY")
            self.shutdown_request(request)
            self.gone()

    def _shake(self, request: socket.socket, client_address: Any) -> None:
        assert self._tls is not None
        try:
            request.settimeout(self._handshake_timeout_s)  # of the whole handshake
            wrapped = self._tls.wrap_socket(
                request, server_side=True, do_handshake_on_connect=False
            )
        except OSError:
            self._drop(request)
            return
        try:
            wrapped.do_handshake()
            wrapped.settimeout(None)
        except OSError:  # ssl.SSLError and time-outs are ones
            self._drop(wrapped)
            return
        self._handshakes.release()
        self.finish_request(wrapped, client_address)

    def _drop(self, request: socket.socket) -> None:
        self._handshakes.release()
        self.refused("RECEIVE_TLS_REFUSED")
        with suppress(OSError):
            request.close()
        self.gone()

    def close_all(self, patience_s: float = 5.0) -> None:
        """Abort what is open and stop; the accept loop must run in another thread."""
        for session in self.active_associations:
            if not session.is_rejected:
                session.abort()
            session.join(timeout=patience_s)
        super(AssociationServer, self).shutdown()
        self.server_close()
