"""Serve the portal on this machine."""

from __future__ import annotations

import errno
import socket

import uvicorn

from config.errors import ConfigurationError, EnvironmentFault
from config.settings import Settings
from portal.app import LOOPBACK_HOSTS, create_app

__all__ = ["run_portal"]


def run_portal(settings: Settings, host: str = "127.0.0.1", port: int = 8765) -> None:
    """Serve until interrupted.

    Raises
    ------
    ConfigurationError
        ``PORTAL_NOT_LOOPBACK``: there are no accounts yet, so no network may reach it.
    EnvironmentFault
        ``PORT_IN_USE``, or ``CATALOGUE_UNUSABLE``.
    """
    if host not in LOOPBACK_HOSTS:
        raise ConfigurationError("PORTAL_NOT_LOOPBACK", "one of: " + ", ".join(LOOPBACK_HOSTS))
    with _listen(host, port) as listener:
        app = create_app(settings)
        config = uvicorn.Config(app, log_level="warning", access_log=False, server_header=False)
        uvicorn.Server(config).run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port))
    except OSError as error:
        if error.errno in {errno.EADDRINUSE, errno.EACCES}:
            raise EnvironmentFault("PORT_IN_USE", f"port {port}") from error
        raise
