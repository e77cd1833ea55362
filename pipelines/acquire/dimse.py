"""What both ends of a DICOM association share: silence in the logs, sockets, transfer syntaxes."""

from __future__ import annotations

import logging
import socket
import ssl
import struct
import zlib
from contextlib import suppress
from functools import cache
from importlib.resources import files
from io import BytesIO

import yaml
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian
from pynetdicom import AE, _config, evt
from pynetdicom.association import Association
from pynetdicom.transport import AddressInformation, AssociationSocket

from config.errors import UnreadableObject
from pipelines.acquire.eager import be_eager, wait_ready

__all__ = [
    "MAX_PDU_BYTES",
    "Entity",
    "keep_silent",
    "read_header",
    "transfer_syntaxes",
    "tune_socket",
]

MAX_PDU_BYTES = 131072
"""Largest PDU we receive, the most dcmtk offers: eight times fewer PDUs than by default."""

_LARGEST_PDU_BYTES = 1 << 20
"""No PDU is read that says it is longer; an A-ASSOCIATE may be longer than what data may be."""

_UNREADABLE = (EOFError, NotImplementedError, OSError, ValueError, struct.error, InvalidDicomError)


def keep_silent() -> None:
    """Stop pynetdicom from writing identifiers, names and dates to any log.

    Its handlers print every identifier and every file name; the rest of its messages may quote
    values out of datasets. What goes wrong reaches the caller as an error of ours instead.
    """
    _config.LOG_HANDLER_LEVEL = "none"
    _config.LOG_REQUEST_IDENTIFIERS = False
    _config.LOG_RESPONSE_IDENTIFIERS = False
    logger = logging.getLogger("pynetdicom")
    logger.propagate = False
    logger.setLevel(logging.CRITICAL + 1)


class _ClosingSocket(AssociationSocket):
    """A socket that is closed also when it cannot be shut down.

    pynetdicom 3.0.4 leaves it open when the peer was first, which costs a long-lived process one
    file descriptor for each lost connection.
    """

    def _shutdown_socket(self) -> None:
        raw = self.socket
        if raw is None:
            return
        with suppress(OSError):
            raw.shutdown(socket.SHUT_RDWR)
        raw.close()

    @property
    def ready(self) -> bool:
        """Whether there is something to read; waits for it where the upper layer can be woken."""
        raw = self.socket
        if raw is None or not self._is_connected:
            return False
        try:
            return wait_ready(self.assoc.dul, raw)
        except (OSError, ValueError):
            self.event_queue.put("Evt17")  # PS3.8 Table 9-10: transport connection closed
            return False

    def recv(self, nr_bytes: int) -> bytearray:
        """Read what is announced, in the largest pieces there are, and no more than we offered.

        pynetdicom reads 4,096 bytes at a time and believes any length a peer writes.
        """
        if nr_bytes > _LARGEST_PDU_BYTES:
            raise OSError("a PDU longer than was agreed")
        assert self.socket is not None
        buffer = bytearray(nr_bytes)
        view, have = memoryview(buffer), 0
        while have < nr_bytes:
            size = self.socket.recv_into(view[have:])
            if not size:
                view.release()
                return buffer[:have]
            have += size
        return buffer


class Entity(AE):
    """An application entity whose own connections close their sockets."""

    def _create_socket(
        self,
        assoc: Association,
        address: AddressInformation,
        tls_args: tuple[ssl.SSLContext, str] | None,
    ) -> AssociationSocket:
        created = _ClosingSocket(assoc, address=address)
        created.tls_args = tls_args
        be_eager(assoc)
        return created


@cache
def transfer_syntaxes() -> tuple[str, ...]:
    """Return the transfer syntax UIDs we handle, in the order in which they are proposed."""
    table = files(__package__).joinpath("transfer_syntaxes.yaml").read_text(encoding="utf-8")
    return tuple(str(uid) for uid in yaml.safe_load(table))


def tune_socket(event: evt.Event, silence_s: float) -> None:
    """Send small packets at once, and let no read wait for ever (handler of EVT_CONN_OPEN).

    Without TCP_NODELAY a delayed acknowledgement costs 40 ms an instance; without a time-out a
    peer that stops in the middle of a PDU holds its reader for ever.

    Parameters
    ----------
    event : pynetdicom.events.Event
        The connection that was opened.
    silence_s : float
        Longest wait for the rest of a PDU.
    """
    wrapped = event.assoc.dul.socket
    if wrapped is None or wrapped.socket is None:
        return
    # The listener makes its sockets itself; pynetdicom has no factory for them.
    wrapped.__class__ = _ClosingSocket
    raw = wrapped.socket
    with suppress(OSError):  # gone again already, which the reader will find out
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        raw.settimeout(silence_s)


def read_header(encoded: bytes, transfer_syntax_uid: str, last_tag: int) -> Dataset:
    """Decode the elements of an encoded dataset up to and including a tag; values stay raw.

    Parameters
    ----------
    encoded : bytes
        The dataset after the file meta group.
    transfer_syntax_uid : str
        How it is encoded (PS3.5 Annex A).
    last_tag : int
        Elements after this tag are not read.

    Raises
    ------
    UnreadableObject
        ``OBJECT_UNREADABLE``: the bytes are no dataset in this transfer syntax.
    """
    try:
        if transfer_syntax_uid == DeflatedExplicitVRLittleEndian:
            encoded = zlib.decompressobj(-zlib.MAX_WBITS).decompress(encoded)
        return read_dataset(
            BytesIO(encoded),
            is_implicit_VR=transfer_syntax_uid == ImplicitVRLittleEndian,
            is_little_endian=transfer_syntax_uid != ExplicitVRBigEndian,
            stop_when=lambda tag, _vr, _length: tag > last_tag,
        )
    except (*_UNREADABLE, zlib.error) as error:
        raise UnreadableObject("OBJECT_UNREADABLE", type(error).__name__) from error
