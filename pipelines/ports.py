"""A TCP port to listen on that nothing else takes before we do."""

from __future__ import annotations

import secrets
import socket

from config.errors import EnvironmentFault

__all__ = ["free_port"]

_RANGE = range(20_000, 32_000)
"""Below what systems give to outgoing connections (Linux 32768, IANA 49152 and above): a port from
there may be some client's own end by the time a server listens on it."""
_TRIES = 100


def free_port() -> int:
    """Return a port of loopback that nobody listens on at this moment.

    Raises
    ------
    EnvironmentFault
        ``NO_FREE_PORT``.
    """
    for _ in range(_TRIES):
        port = secrets.choice(_RANGE)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise EnvironmentFault("NO_FREE_PORT", f"{_RANGE.start} to {_RANGE.stop - 1}")
