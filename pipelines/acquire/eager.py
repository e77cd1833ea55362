"""An upper layer that wakes when there is something to do, where pynetdicom looks each millisecond.

Its loop sleeps 1 ms whenever it found nothing, before it looks at the socket or at what is to be
sent: two such sleeps in each C-STORE are half the time an image of 0.5 MB takes. Here the loop
waits for the socket and for an event that every request to send sets.
"""

from __future__ import annotations

import os
import select
import ssl
import threading
from typing import Any, cast

from pynetdicom.association import Association
from pynetdicom.dul import DULServiceProvider
from pynetdicom.fsm import InvalidEventError

__all__ = ["be_eager", "wait_ready"]

_PATIENCE_MS = 20
"""How long the loop waits before it looks at its timers."""


class _Eager(DULServiceProvider):
    """The upper layer with an event to wake it."""

    _wake: int
    _wake_lock: threading.Lock

    def prepare(self) -> None:
        """Make the event; before the thread starts."""
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._wake_lock = threading.Lock()
        self._run_loop_delay = 0  # the socket's `ready` waits instead

    @property
    def wake(self) -> int:
        """Descriptor of the event; -1 once the loop has ended."""
        return self._wake

    def run(self) -> None:
        """Run the loop, and give the event back at its end."""
        try:
            super().run()
        except InvalidEventError:
            self._end()
        finally:
            with self._wake_lock:
                descriptor, self._wake = self._wake, -1
                os.close(descriptor)

    def send_pdu(self, primitive: Any) -> None:
        """Queue what is to be sent, and wake the loop."""
        super().send_pdu(primitive)
        self._poke()

    def stop_dul(self) -> bool:
        """Let the loop end, and wake it for that."""
        if self.state_machine.current_state == "Sta1":
            self._kill_thread = True
            self._poke()
            self.join()
            return True
        self._poke()
        return False

    def _end(self) -> None:
        """End as an aborted association does, where pynetdicom leaves a dead thread and a socket.

        PS3.8 9.2.3 has no row for a message of ours that crossed the peer's end of the association
        (Evt9 in Sta13); a slow peer or a slow handler makes it happen.
        """
        self.assoc.is_aborted = True
        self.assoc.is_established = False
        self.assoc._kill = True  # noqa: SLF001, as pynetdicom's own upper layer does
        self._kill_thread = True
        if self.socket is not None:
            self.socket.close()

    def _poke(self) -> None:
        with self._wake_lock:
            if self._wake >= 0:
                os.eventfd_write(self._wake, 1)


def be_eager(assoc: Association) -> None:
    """Give an association that has not started yet an upper layer that need not poll."""
    assoc.dul.__class__ = _Eager  # pynetdicom has no factory for it
    cast(_Eager, assoc.dul).prepare()


def wait_ready(dul: DULServiceProvider, raw: Any) -> bool:
    """Wait until the socket has data or something is to be sent; say whether it has data."""
    if isinstance(raw, ssl.SSLSocket) and raw.pending():
        return True
    poll = select.poll()
    poll.register(raw, select.POLLIN)
    if not isinstance(dul, _Eager) or not dul.event_queue.empty():
        return bool(poll.poll(0))
    poll.register(dul.wake, select.POLLIN)
    ready = {descriptor for descriptor, _ in poll.poll(_PATIENCE_MS)}
    if dul.wake in ready:
        os.eventfd_read(dul.wake)
    return raw.fileno() in ready
