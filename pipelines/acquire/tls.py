"""TLS contexts from a site's settings: both sides show a certificate, 1.2 at least."""

from __future__ import annotations

import ssl
from pathlib import Path

from config.errors import ConfigurationError
from config.tls import Tls

__all__ = ["client_context", "server_context"]


def server_context(tls: Tls) -> ssl.SSLContext:
    """Return what we listen with; a client without a certificate we believe is refused.

    Raises
    ------
    ConfigurationError
        ``TLS_FILES`` or ``SECRET_READABLE``.
    """
    return _loaded(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), tls)


def client_context(tls: Tls) -> ssl.SSLContext:
    """Return what we call with; raises as `server_context`."""
    return _loaded(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), tls)


def _loaded(context: ssl.SSLContext, tls: Tls) -> ssl.SSLContext:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    _require_private(tls.private_key)
    try:
        context.load_cert_chain(tls.certificate, tls.private_key)
        context.load_verify_locations(tls.ca)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError("TLS_FILES", type(error).__name__) from error
    return context


def _require_private(key: Path) -> None:
    try:
        mode = key.stat().st_mode
    except OSError as error:
        raise ConfigurationError("TLS_FILES", "no such file", file=key) from error
    if mode & 0o077:
        raise ConfigurationError("SECRET_READABLE", f"mode {mode & 0o777:o}", file=key)
