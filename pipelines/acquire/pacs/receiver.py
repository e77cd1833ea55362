"""Our C-STORE receiver: the destination of a C-MOVE.

What arrives is matched to an open expectation by its Study Instance UID, not by the C-MOVE that
may have caused it: archives fill in the move originator badly or not at all.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pynetdicom import evt
from pynetdicom.dimse_primitives import C_STORE

from config.errors import EnvironmentFault
from config.site import Receiver
from pipelines.acquire.dimse import keep_silent
from pipelines.acquire.pacs.intake import OUT_OF_RESOURCES, Intake, identify
from pipelines.acquire.receive.acceptor import Acceptor, storage_entity
from pipelines.acquire.receive.spool import spools_in
from pipelines.acquire.receive.streaming import arriving_of
from pipelines.acquire.tls import server_context

__all__ = ["StoreReceiver"]

_NOT_AUTHORISED = 0x0124  # PS3.7 Annex C.5.17


class StoreReceiver:
    """Listens while it is open; takes only what an open intake asked for.

    Parameters
    ----------
    settings : Receiver
        AE title, host and port; port 0 takes a free one.
    silence_s : float
        Longest silence of a sender.
    spool_in : Path, optional
        Folder that objects are written to while they come; memory when none is given.

    Raises
    ------
    EnvironmentFault
        ``PORT_IN_USE``, on entering.
    """

    def __init__(
        self, settings: Receiver, silence_s: float = 60.0, spool_in: Path | None = None
    ) -> None:
        self.settings = settings
        self._spool_in = spool_in
        self._silence_s = silence_s
        self._intakes: dict[str, Intake] = {}
        self._freed = threading.Condition()
        self._strays = 0
        self._server: Acceptor | None = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """TCP port; only while the receiver is open."""
        assert self._server is not None, "the receiver is not open"
        return int(self._server.server_address[1])

    @property
    def strays(self) -> int:
        """Instances that came for no open intake; they were refused."""
        with self._freed:
            return self._strays

    @contextmanager
    def expecting(self, intake: Intake) -> Iterator[None]:
        """Direct what arrives for the study to its intake; a second one of a study waits."""
        with self._freed:
            self._freed.wait_for(lambda: intake.study_uid not in self._intakes)
            self._intakes[intake.study_uid] = intake
        try:
            yield
        finally:
            with self._freed:
                del self._intakes[intake.study_uid]
                self._freed.notify_all()

    def __enter__(self) -> Self:
        keep_silent()
        tls = self.settings.tls
        ae = storage_entity(self.settings.ae_title, self._silence_s, self._silence_s)
        ae.require_called_aet = True
        handlers: list[Any] = [(evt.EVT_C_STORE, self._on_store)]
        context = server_context(tls) if tls else None
        try:
            server = Acceptor(
                ae,
                (self.settings.host, self.settings.port),
                handlers,
                spools_in(self._spool_in),
                tls=context,
                handshake_timeout_s=tls.handshake_timeout_s if tls else 0,
            )
        except OSError as error:
            raise EnvironmentFault("PORT_IN_USE", str(self.settings.port)) from error
        self._server = server
        self._thread = threading.Thread(
            target=server.serve_forever, args=(0.05,), name="store-receiver", daemon=True
        )
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        server, thread = self._server, self._thread
        self._server = self._thread = None
        if server is None or thread is None:
            return
        server.close_all()
        thread.join(timeout=5)

    def _on_store(self, event: evt.Event) -> int:
        request = event.request
        assert isinstance(request, C_STORE)
        syntax = str(event.context.transfer_syntax)
        try:
            spool = arriving_of(request).take()
        except EnvironmentFault as fault:
            return self._fail(fault)
        study_uid, _, _ = identify(spool, syntax)
        with self._freed:
            intake = self._intakes.get(study_uid)
            if intake is None:
                self._strays += 1
                spool.discard()
                return _NOT_AUTHORISED
        sop_class, sop_uid = request.AffectedSOPClassUID, request.AffectedSOPInstanceUID
        return intake.take(str(sop_class), str(sop_uid), syntax, spool)

    def _fail(self, fault: EnvironmentFault) -> int:
        """Tell every open intake that our disk cannot take more: whose object it was is unknown."""
        with self._freed:
            for intake in self._intakes.values():
                intake.fail(fault)
        return OUT_OF_RESOURCES
