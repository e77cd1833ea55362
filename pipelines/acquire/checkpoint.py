"""A pause that an association's reactor cannot slip through.

A pynetdicom association has a thread, its reactor, that takes messages off the same queue as the
caller of ``send_c_find`` and its kin. Before they send, these clear an event at which the reactor
waits, and believe ``_is_paused``; but the reactor sets ``_is_paused`` *before* it waits (pynetdicom
3.0.4, ``Association._run_reactor``). A reactor that is past the event and not yet past the flag
takes the first response off the queue, finds that it is no request, and drops it: one match of a
C-FIND is lost without a sign. Seen under load. Here the caller waits until the reactor is inside
the wait itself.
"""

from __future__ import annotations

import threading

from pynetdicom.association import Association

__all__ = ["guard_reactor"]

_LOOK_S = 0.5
"""How often a caller looks whether the reactor it waits for still lives."""


class _Checkpoint(threading.Event):
    """An event whose ``clear`` returns once the reactor stands at it, or is no more."""

    def __init__(self, assoc: Association) -> None:
        super().__init__()
        self._assoc = assoc
        self._changed = threading.Condition()
        self._parked = False
        self._open = True

    def is_set(self) -> bool:
        with self._changed:
            return self._open

    def set(self) -> None:
        with self._changed:
            self._open = True
            self._changed.notify_all()

    def wait(self, timeout: float | None = None) -> bool:
        with self._changed:
            is_reactor = threading.current_thread() is self._assoc
            self._parked = is_reactor and not self._open
            self._changed.notify_all()
            try:
                return self._changed.wait_for(lambda: self._open, timeout)
            finally:
                self._parked = self._parked and not is_reactor

    def clear(self) -> None:
        with self._changed:
            self._open = False
            if threading.current_thread() is self._assoc:
                return  # the reactor itself is calling: it serves a request, and reads no other
            while self._assoc.is_alive() and not self._parked and not self._open:
                self._changed.wait(_LOOK_S)


def guard_reactor(assoc: Association) -> None:
    """Give an established association a checkpoint that holds its reactor before anything is sent.

    Call it before the first request; the reactor is then held during every later one, and during
    the release.
    """
    assoc._reactor_checkpoint = _Checkpoint(assoc)  # noqa: SLF001, there is no public way
