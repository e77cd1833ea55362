"""Where the listener's processes begin: each imports what it needs, its parent does not.

Receivers are forked from a server process that has imported their code once, so that a new one is
there in milliseconds.
"""

from __future__ import annotations

import multiprocessing
import socket
from multiprocessing.context import ForkServerContext

from config.settings import Settings
from config.site import Site

__all__ = [
    "FAILED",
    "GONE",
    "PREPARED",
    "QUARANTINED",
    "READY",
    "REFUSED",
    "prepare",
    "process_context",
    "receive",
]

READY, GONE, REFUSED, QUARANTINED = b"+", b"-", b"R", b"Q"
"""What a receiver tells its parent; a code follows REFUSED."""
PREPARED, FAILED = b"P", b"F"
"""What the preparer tells: a project's name, or an error's code, follows."""


def process_context() -> ForkServerContext:
    """Return what starts processes, with the receivers' code imported beforehand."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["pipelines.acquire.receive.worker"])
    return context


def receive(settings: Settings, site: Site, channel: socket.socket) -> None:
    """Be a receiver."""
    from pipelines.acquire.receive.worker import run_worker

    run_worker(settings, site, channel)


def prepare(settings: Settings, site: Site, channel: socket.socket) -> None:
    """Be the preparer."""
    from pipelines.acquire.receive.preparer import run_preparer

    run_preparer(settings, site, channel)
