"""One receiver process: takes connections its parent accepted, and serves their associations.

The parent passes each connection as a file descriptor over a Unix socket (``SCM_RIGHTS``), so that
it decides who works; the kernel's own spreading (``SO_REUSEPORT``) gives both of two senders to one
process half of the time. When the parent closes its end, or dies, what is open is finished and the
process ends.
"""

from __future__ import annotations

import json
import socket
import threading
from contextlib import suppress
from typing import Any

from pynetdicom import evt
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.transport import AssociationServer

from config.errors import EnvironmentFault
from config.listen import Listen
from config.settings import Settings
from config.site import Site
from pipelines.acquire.dimse import keep_silent
from pipelines.acquire.receive.acceptor import Acceptor, storage_entity
from pipelines.acquire.receive.arrivals import OUT_OF_RESOURCES, Arrivals
from pipelines.acquire.receive.entry import GONE, QUARANTINED, READY, REFUSED
from pipelines.acquire.receive.spool import FileSpool, spools_in
from pipelines.acquire.receive.streaming import arriving_of
from pipelines.acquire.tls import server_context
from pipelines.catalogue.database import open_identified
from pipelines.quiet import hush
from pipelines.store import IdentifiedStore

__all__ = ["run_worker"]

_REQUEST_TIMEOUT_S = 10.0
"""Longest wait for the A-ASSOCIATE request of who has connected."""


class _Handed(Acceptor):
    """An acceptor whose connections come from the parent."""

    def __init__(self, channel: socket.socket, *args: Any, **kwargs: Any) -> None:
        self._channel = channel
        super().__init__(*args, **kwargs)

    def server_bind(self) -> None:
        """Use the parent's socket instead of a port."""
        if self.socket is not None:
            self.socket.close()
        self.socket = self._channel
        self.server_address = ("127.0.0.1", 0)

    def server_activate(self) -> None:
        """Listen to nothing: the parent does."""

    def get_request(self) -> tuple[socket.socket, Any]:
        """Take the next connection from the parent; the end of the channel is the end of work."""
        text, descriptors, _, _ = socket.recv_fds(self._channel, 256, 1)
        if not descriptors:
            threading.Thread(target=super(AssociationServer, self).shutdown).start()
            raise OSError("the parent has closed its end")
        return socket.socket(fileno=descriptors[0]), tuple(json.loads(text))

    def refused(self, code: str) -> None:
        """Tell the parent that a connection was refused."""
        self.tell(REFUSED + code.encode())

    def gone(self) -> None:
        """Tell the parent that there is room for one more."""
        self.tell(GONE)

    def tell(self, message: bytes) -> None:
        """Tell the parent something, if it is still there."""
        with suppress(OSError):
            self._channel.send(message)


class _Door:
    """Who may associate, and what is done with what they send."""

    def __init__(self, site: Site, listen: Listen, arrivals: Arrivals) -> None:
        self._site = site
        self._listen = listen
        self._arrivals = arrivals
        self.server: _Handed

    def handlers(self) -> list[Any]:
        return [(evt.EVT_REQUESTED, self.on_requested), (evt.EVT_C_STORE, self.on_store)]

    def on_requested(self, event: evt.Event) -> None:
        """Reject strange AE titles and too many associations (PS3.8 Table 9-21)."""
        calling, called = self._titles(event)
        if not self._known(calling, called):
            known = {rule.called_ae_title for rule in self._listen.rules}
            self._reject(event, "RECEIVE_AE_REFUSED", 0x01, 0x01, 0x03 if called in known else 0x07)
            return
        busy = [one for one in self.server.active_associations if one.is_established]
        if len(busy) >= self._listen.max_associations:
            self._reject(event, "RECEIVE_BUSY", 0x02, 0x03, 0x02)

    def _titles(self, event: evt.Event) -> tuple[str, str]:
        request = event.assoc.requestor.primitive
        assert request is not None
        return str(request.calling_ae_title).strip(), str(request.called_ae_title).strip()

    def _known(self, calling: str, called: str) -> bool:
        pacs = self._site.pacs
        moves = pacs is not None and (calling, called) == (pacs.ae_title, pacs.receiver.ae_title)
        return moves or self._listen.rule_of(calling, called) is not None

    def _reject(self, event: evt.Event, code: str, *why: int) -> None:
        event.assoc.is_rejected = True
        event.assoc.acse.send_reject(*why)
        event.assoc.kill()  # returns once the answer is out
        self.server.refused(code)

    def on_store(self, event: evt.Event) -> int:
        """Keep one object; its row is committed when this returns success."""
        request = event.request
        assert isinstance(request, C_STORE)
        try:
            spool = arriving_of(request).take()
        except EnvironmentFault:
            return OUT_OF_RESOURCES
        assert isinstance(spool, FileSpool)
        before = self._arrivals.quarantined
        status = self._arrivals.take(spool, self._listen.rule_of(*self._titles(event)))
        if self._arrivals.quarantined > before:
            self.server.tell(QUARANTINED)
        return status


def run_worker(settings: Settings, site: Site, channel: socket.socket) -> None:
    """Serve what the parent hands over until it closes its end (entry of the process)."""
    hush()
    keep_silent()
    listen = site.listen
    assert listen is not None
    store = IdentifiedStore(settings)
    ledger = open_identified(settings)
    arrivals = Arrivals(site.name, store, ledger)
    door = _Door(site, listen, arrivals)
    ae = storage_entity("ACCORDAGE", listen.silence_s, _REQUEST_TIMEOUT_S)
    server = _Handed(
        channel,
        ae,
        (listen.host, 0),
        door.handlers(),
        spools_in(store.incoming),
        tls=server_context(listen.tls) if listen.tls else None,
        handshake_timeout_s=listen.tls.handshake_timeout_s if listen.tls else 0,
    )
    door.server = server
    server.tell(READY)
    server.serve_forever(0.5)
    for session in server.active_associations:
        session.join()
    arrivals.close()
    ledger.close()
    channel.close()
