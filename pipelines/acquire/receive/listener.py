"""`accordage listen`: accepts connections and hands each to the receiver process with most room.

The accept loop does nothing that can block. Receiver processes are replaced after a number of
associations, or when they die; one more process prepares the studies that have become whole.
"""

from __future__ import annotations

import json
import selectors
import socket
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Self

from config.errors import ConfigurationError, EnvironmentFault
from config.settings import Settings
from config.site import Site
from pipelines.acquire.receive import entry
from pipelines.acquire.receive.entry import FAILED, GONE, PREPARED, QUARANTINED, READY, REFUSED
from pipelines.acquire.tls import server_context
from pipelines.store import IdentifiedStore

__all__ = ["Listener"]

_SPARE_CONNECTIONS = 64
"""Connections beside its associations that a process may hold: handshakes, requests to reject."""
_STOP_S = 10.0
"""How long processes may take to finish what is open when the listener stops."""
_DEATHS = 5
"""Processes that die without having served anybody before the listener gives up."""

Event = Callable[[str, str], None]
"""Told (what, of whom): refused CODE, quarantined, prepared PROJECT, failed CODE."""


@dataclass
class _Child:
    process: BaseProcess
    channel: socket.socket
    receives: bool
    ready: bool = False
    connections: int = 0
    given: int = 0
    retired: bool = False
    successor: _Child | None = None


class Listener:
    """Receives what a site pushes, while it is open.

    Parameters
    ----------
    settings : Settings
        The installation.
    site : Site
        Must have ``listen``.
    on_event : callable
        Told what happens, without any identity; called by the accept loop's thread.
    prepare : bool
        Turn studies into research data as they become whole; False only receives.

    Raises
    ------
    ConfigurationError
        ``SITE_WITHOUT_LISTEN``; ``TLS_FILES``.
    EnvironmentFault
        ``PORT_IN_USE``; on entering also ``RECEIVE_PROCESS_DIED``.
    """

    def __init__(
        self,
        settings: Settings,
        site: Site,
        on_event: Event = lambda _what, _whom: None,
        *,
        prepare: bool = True,
    ) -> None:
        if site.listen is None:
            raise ConfigurationError("SITE_WITHOUT_LISTEN", site.name)
        if site.listen.tls is not None:
            server_context(site.listen.tls)  # a wrong file stops here, not in every process
        self._settings = settings
        self._site = site
        self._listen = site.listen
        self._networks = [ip_network(one) for one in site.listen.hosts]
        self._on_event = on_event
        self._prepare = prepare
        self._context = entry.process_context()
        self._children: list[_Child] = []
        self._ready = threading.Event()
        self._stop = threading.Event()
        self._deaths = 0
        self.fault: EnvironmentFault | None = None
        """Why it stopped by itself."""
        self.events: Counter[str] = Counter()
        """How often each thing happened."""
        self._thread = threading.Thread(target=self._run, name="listener", daemon=True)

    @property
    def port(self) -> int:
        """TCP port."""
        return int(self._server.getsockname()[1])

    @property
    def pids(self) -> list[int]:
        """Process ids of the receivers."""
        return [c.process.pid or 0 for c in self._children if c.receives and not c.retired]

    def __enter__(self) -> Self:
        IdentifiedStore(self._settings).prepare()
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = socket.socketpair()
        address = (self._listen.host, self._listen.port)
        family = socket.AF_INET6 if ":" in self._listen.host else socket.AF_INET
        try:
            self._server = socket.create_server(address, family=family, backlog=128)
        except OSError as error:
            self._let_go()
            raise EnvironmentFault("PORT_IN_USE", str(self._listen.port)) from error
        self._server.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ, None)
        for _ in range(self._listen.processes):
            self._start(receives=True)
        if self._prepare:
            self._start(receives=False)
        self._thread.start()
        self._ready.wait()
        if self.fault is not None:
            self.__exit__(None, None, None)
            raise self.fault
        return self

    def wait(self) -> None:
        """Return when the listener has stopped; raise why, if it stopped by itself."""
        while self._thread.is_alive():
            self._thread.join(timeout=1)
        if self.fault is not None:
            raise self.fault

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        with suppress(OSError):
            self._wake.send(b"!")
        self._thread.join()
        self._server.close()
        for child in self._children:
            child.channel.close()
        for child in self._children:
            child.process.join(timeout=_STOP_S)
            if child.process.is_alive():
                child.process.kill()
                child.process.join()
            child.process.close()
        self._children.clear()
        self._let_go()

    def _let_go(self) -> None:
        self._selector.close()
        self._wake.close()
        self._woken.close()

    def _start(self, *, receives: bool) -> _Child:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        process = self._context.Process(
            target=entry.receive if receives else entry.prepare,
            args=(self._settings, self._site, theirs),
            daemon=receives,  # the preparer has children of its own
        )
        process.start()
        theirs.close()
        child = _Child(process, ours, receives)
        self._children.append(child)
        self._selector.register(ours, selectors.EVENT_READ, child)
        return child

    def _run(self) -> None:
        """Serve until told to stop (the thread)."""
        while not self._stop.is_set():
            for key, _ in self._selector.select():
                if key.fileobj is self._server:
                    self._accept()
                elif isinstance(key.data, _Child):
                    self._hear(key.data)
        self._ready.set()

    def _accept(self) -> None:
        try:
            connection, address = self._server.accept()
        except OSError:  # gone again
            return
        with connection:
            host = ip_address(str(address[0]).split("%", maxsplit=1)[0])
            host = getattr(host, "ipv4_mapped", None) or host
            if not any(host in network for network in self._networks):
                self._tell("refused", "RECEIVE_HOST_REFUSED")
                return
            child = self._with_most_room()
            if child is None:
                self._tell("refused", "RECEIVE_BUSY")
                return
            message = json.dumps([str(address[0]), int(address[1])]).encode()
            try:
                socket.send_fds(child.channel, [message], [connection.fileno()])
            except OSError:  # it has just died: the sender sees a closed connection and comes again
                return
            child.connections += 1
            child.given += 1
            if child.given >= self._listen.recycle_after and child.successor is None:
                child.successor = self._start(receives=True)

    def _able(self) -> list[_Child]:
        return [c for c in self._children if c.receives and c.ready and not c.retired]

    def _with_most_room(self) -> _Child | None:
        limit = self._listen.max_associations + _SPARE_CONNECTIONS
        with_room = (c for c in self._able() if c.connections < limit)
        return min(with_room, key=lambda c: (c.connections, c.given), default=None)

    def _open_or_shut(self) -> None:
        """Accept while somebody can serve; until then those who call wait in the backlog."""
        registered = self._server in {key.fileobj for key in self._selector.get_map().values()}
        if self._able() and not registered and self._ready.is_set():
            self._selector.register(self._server, selectors.EVENT_READ, None)
        elif not self._able() and registered:
            self._selector.unregister(self._server)

    def _retire(self, child: _Child) -> None:
        """Give a process no more; it ends when what it has is over."""
        child.retired = True
        child.channel.shutdown(socket.SHUT_WR)

    def _hear(self, child: _Child) -> None:
        try:
            message = child.channel.recv(256)
        except OSError:
            message = b""
        if not message:
            self._bury(child)
        elif message == GONE:
            child.connections -= 1
            self._deaths = 0
        elif message == READY:
            self._serve_with(child)
        elif message == QUARANTINED:
            self._tell("quarantined", "RECEIVE_UNEXPLAINED")
        else:
            what = {REFUSED: "refused", PREPARED: "prepared", FAILED: "failed"}[message[:1]]
            self._tell(what, message[1:].decode())

    def _serve_with(self, child: _Child) -> None:
        """Let a process work that has started; the one it follows may go."""
        child.ready = True
        for other in [c for c in self._children if c.successor is child]:
            self._retire(other)
        if all(c.ready for c in self._children):
            self._ready.set()
        self._open_or_shut()

    def _bury(self, child: _Child) -> None:
        """Let a process that has ended go; one that should not have ended is replaced."""
        self._selector.unregister(child.channel)
        child.channel.close()
        self._children.remove(child)
        child.process.join()
        child.process.close()
        self._open_or_shut()
        if child.retired:
            return
        self._deaths += 1
        if self._deaths >= _DEATHS:
            self.fault = EnvironmentFault("RECEIVE_PROCESS_DIED")
            self._stop.set()
            return
        self._tell("failed", "RECEIVE_PROCESS_DIED")
        if child.successor is None:
            self._start(receives=child.receives)

    def _tell(self, what: str, whom: str) -> None:
        self.events[f"{what} {whom}"] += 1
        self._on_event(what, whom)
