"""Does a port speak TLS? Asked when an association got no answer, to say so in one line."""

from __future__ import annotations

import socket
import ssl

__all__ = ["speaks_tls"]


def speaks_tls(host: str, port: int, timeout_s: float) -> bool:
    """Tell whether a port answers a TLS greeting, whoever it says it is.

    Nothing is sent over the connection, so no certificate is checked; a server that asks for ours
    speaks TLS as well.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with (
            socket.create_connection((host, port), timeout=timeout_s) as raw,
            context.wrap_socket(raw) as wrapped,
        ):
            return wrapped.version() is not None
    except ssl.SSLError as error:
        return "ALERT" in (error.reason or "")
    except OSError:
        return False
