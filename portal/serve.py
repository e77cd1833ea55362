"""Serve the portal on this machine."""

from __future__ import annotations

import errno
import socket
from collections.abc import Sequence
from pathlib import Path

import uvicorn

from config.errors import ConfigurationError, EnvironmentFault
from config.settings import Settings
from portal.app import LOOPBACK_HOSTS, create_app

__all__ = ["listen", "run_portal"]


def run_portal(
    settings: Settings,
    host: str = "127.0.0.1",
    port: int = 8765,
    *,
    certificate: Path | None = None,
    key: Path | None = None,
    names: Sequence[str] = (),
) -> None:
    """Serve until interrupted; over TLS when there is a certificate.

    Parameters
    ----------
    names : sequence of str
        Names by which browsers call this machine; other names are refused.

    Raises
    ------
    ConfigurationError
        ``PORTAL_NEEDS_TLS``: another host than loopback without a certificate.
    EnvironmentFault
        ``PORT_IN_USE``, or ``CATALOGUE_UNUSABLE``.
    """
    is_sealed = certificate is not None and key is not None
    if host not in LOOPBACK_HOSTS and not is_sealed:
        raise ConfigurationError("PORTAL_NEEDS_TLS", "without it: " + ", ".join(LOOPBACK_HOSTS))
    with listen(host, port) as listener:
        app = create_app(settings, hosts=names)
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            server_header=False,
            ssl_certfile=certificate if is_sealed else None,
            ssl_keyfile=key if is_sealed else None,
        )
        uvicorn.Server(config).run(sockets=[listener])


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; raises ``PORT_IN_USE``."""
    try:
        return socket.create_server((host, port))
    except OSError as error:
        if error.errno in {errno.EADDRINUSE, errno.EACCES}:
            raise EnvironmentFault("PORT_IN_USE", f"port {port}") from error
        raise
