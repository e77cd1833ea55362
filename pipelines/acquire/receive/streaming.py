"""A DIMSE provider that writes each C-STORE to a spool while it arrives.

pynetdicom keeps the datasets it receives in memory, or, by a switch for the whole process, writes
them to the system's temporary folder, which may be another file system than the store's. Here each
association is told where its objects go. Nothing of a dataset stays in memory but one PDU.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any

from pynetdicom.association import Association
from pynetdicom.dimse import DIMSEServiceProvider
from pynetdicom.dimse_messages import C_STORE_RQ
from pynetdicom.pdu_primitives import P_DATA

from config.errors import AccordageError, EnvironmentFault
from pipelines.acquire.receive.spool import FileSpool, MemorySpool

__all__ = ["Arriving", "MakeSpool", "abandon", "arriving_of", "stream_to"]

MakeSpool = Callable[[str, str, str], FileSpool | MemorySpool]

_PATIENCE_S = 0.005
"""How long a reactor waits for the next message before it looks after its association."""


class Arriving:
    """The object of one C-STORE request, in the clothes of the file pynetdicom would write to."""

    def __init__(self, make: Callable[[], FileSpool | MemorySpool]) -> None:
        self.fault: AccordageError | None = None
        """Why it could not be written; the rest of it was read and dropped."""
        self.spool: FileSpool | MemorySpool | None = None
        self.name = "/dev/null/spooled"  # pynetdicom removes this; it cannot exist
        self.file = self
        self._lock = threading.Lock()
        try:
            self.spool = make()
        except (AccordageError, OSError) as error:
            self._fail(error)

    def write(self, piece: bytes) -> None:
        """Take the next piece; once one could not be written, the others are dropped."""
        if self.spool is None:
            return
        try:
            self.spool.write(piece)
        except (AccordageError, OSError) as error:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        if not isinstance(error, AccordageError):
            error = EnvironmentFault("DISK_FULL", type(error).__name__)
        self.fault = error
        self.discard()

    def flush(self) -> None:
        """Nothing is buffered."""

    def close(self) -> None:
        """Remove what was not kept: the request has been answered."""
        self.discard()

    def take(self) -> FileSpool | MemorySpool:
        """Hand the spool over to who answers the request; a connection that goes spares it.

        Raises
        ------
        EnvironmentFault
            The object could not be written.
        """
        with self._lock:
            spool, self.spool = self.spool, None
        if spool is None:
            raise self.fault or EnvironmentFault("RECEIVE_CUT_OFF")
        return spool

    def discard(self) -> None:
        """Remove what was not kept."""
        with self._lock:
            spool, self.spool = self.spool, None
        if spool is not None:
            spool.discard()


class _Streaming(DIMSEServiceProvider):
    """Gives each C-STORE request its spool before its first byte."""

    def __init__(self, assoc: Association, make: MakeSpool) -> None:
        super().__init__(assoc)
        self._make = make
        self._arrived: set[Arriving] = set()
        self._lock = threading.Lock()

    def receive_primitive(self, primitive: P_DATA) -> None:
        """Take the values of one PDU; a dataset may start in the PDU its command ends in."""
        try:
            for value in primitive.presentation_data_value_list:
                single = P_DATA()
                single.presentation_data_value_list.append(value)
                super().receive_primitive(single)
                message = self.message
                if isinstance(message, C_STORE_RQ) and message._data_set_file is None:  # noqa: SLF001
                    self._spool(message)
        except Exception:  # noqa: BLE001, whatever hostile bytes cause: it would end the thread
            self.dul.event_queue.put("Evt19")  # PS3.8 Table 9-10: invalid PDU, which aborts

    def _spool(self, message: Any) -> None:
        command = message.command_set
        context = self.assoc._accepted_cx.get(message.context_id)  # noqa: SLF001, no public way
        syntax = str(context.transfer_syntax[0]) if context else ""
        names = (str(command.AffectedSOPClassUID), str(command.AffectedSOPInstanceUID), syntax)
        arriving = Arriving(lambda: self._make(*names))
        with self._lock:
            self._arrived = {one for one in self._arrived if one.spool is not None} | {arriving}
        message._data_set_file = arriving  # noqa: SLF001

    def get_msg(self, block: bool = False) -> Any:  # noqa: FBT001, FBT002, pynetdicom's signature
        """Let an acceptor's reactor wait for a message where pynetdicom would poll each 1 ms."""
        if block or not self.assoc.is_acceptor:
            return super().get_msg(block)
        try:
            return self.msg_queue.get(timeout=_PATIENCE_S)
        except queue.Empty:
            return None, None

    def abandon(self) -> None:
        """Remove what was on its way when the connection went."""
        with self._lock:
            left, self._arrived = self._arrived, set()
        for one in left:
            one.discard()


def stream_to(assoc: Association, make: MakeSpool) -> None:
    """Have an association that has not begun yet spool what it receives."""
    assoc.dimse = _Streaming(assoc, make)


def arriving_of(request: Any) -> Arriving:
    """Return the object of a C-STORE request."""
    arriving = request._dataset_file  # noqa: SLF001, where pynetdicom keeps it
    assert isinstance(arriving, Arriving)
    return arriving


def abandon(assoc: Association) -> None:
    """Remove what an association has not finished."""
    if isinstance(assoc.dimse, _Streaming):
        assoc.dimse.abandon()
