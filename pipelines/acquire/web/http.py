"""One request to a DICOMweb service, its answer as a stream, and its failures as errors of ours."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import SplitResult, urlsplit

from config.dicomweb import DicomWeb
from config.errors import ConfigurationError, TransientError
from config.site import PacsNode
from pipelines.acquire.tls import client_context
from pipelines.store import read_secret

__all__ = ["get", "status_of", "web_of"]

# HTTP status -> the DIMSE status that means the same to a retrieval (statuses.yaml)
_STATUSES = {
    200: 0x0000,
    206: 0x0000,
    400: 0xA900,
    401: 0x0124,
    403: 0x0124,
    406: 0x0122,
    408: 0xA700,
    415: 0x0122,
    429: 0xA700,
    502: 0xA700,
    503: 0xA700,
    504: 0xA700,
}
_CANNOT_PROCESS = 0xC000


def status_of(answer: http.client.HTTPResponse) -> int:
    """Return the DIMSE status an HTTP status stands for."""
    return _STATUSES.get(answer.status, _CANNOT_PROCESS)


def web_of(node: PacsNode) -> DicomWeb:
    """Return a PACS's DICOMweb service.

    Raises
    ------
    ConfigurationError
        ``SITE_WITHOUT_DICOMWEB``.
    """
    if node.dicomweb is None:
        raise ConfigurationError("SITE_WITHOUT_DICOMWEB", node.ae_title)
    return node.dicomweb


@contextmanager
def get(node: PacsNode, path: str, accept: str) -> Iterator[http.client.HTTPResponse]:
    """Send a GET and yield its answer, whatever its status; the body is the caller's to read.

    Redirects are not followed: they would carry our credentials elsewhere.

    Raises
    ------
    TransientError
        ``PACS_UNREACHABLE``, ``PACS_TIMEOUT`` or ``PACS_ABORTED``, also while the body is read.
    ConfigurationError
        ``TLS_REJECTED``: the server's certificate is not believed, or ours is not.
    """
    web = web_of(node)
    target = urlsplit(web.url)
    connection = _connection(web, target, node.connect_timeout_s)
    headers = {"Accept": accept, "Accept-Encoding": "identity"}
    if web.token_file is not None:
        headers["Authorization"] = read_secret(web.token_file).decode("ascii", "replace").strip()
    try:
        with _connecting():
            connection.connect()
        with _talking():
            connection.sock.settimeout(node.dimse_timeout_s)
            connection.request("GET", target.path.rstrip("/") + path, headers=headers)
            with connection.getresponse() as answer:
                yield answer
    finally:
        connection.close()


def _connection(web: DicomWeb, target: SplitResult, timeout_s: float) -> http.client.HTTPConnection:
    host = target.hostname or ""
    if target.scheme == "http":
        return http.client.HTTPConnection(host, target.port, timeout=timeout_s)
    context = client_context(web.tls) if web.tls else ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return http.client.HTTPSConnection(host, target.port, timeout=timeout_s, context=context)


@contextmanager
def _connecting() -> Iterator[None]:
    try:
        yield
    except ssl.SSLError as error:
        raise ConfigurationError("TLS_REJECTED", type(error).__name__) from error
    except OSError as error:
        raise TransientError("PACS_UNREACHABLE", type(error).__name__) from error


@contextmanager
def _talking() -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise TransientError("PACS_TIMEOUT") from error
    except ssl.SSLError as error:  # TLS 1.3 tells of a client's certificate after the handshake
        raise ConfigurationError("TLS_REJECTED", type(error).__name__) from error
    except (ConnectionError, http.client.HTTPException) as error:
        raise TransientError("PACS_ABORTED", type(error).__name__) from error
