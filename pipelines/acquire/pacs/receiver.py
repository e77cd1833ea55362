"""Our C-STORE receiver: the destination of a C-MOVE.

What arrives is matched to an open expectation by its Study Instance UID, not by the C-MOVE that
may have caused it: archives fill in the move originator badly or not at all.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from pynetdicom import AllStoragePresentationContexts, evt
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.transport import AssociationServer

from config.errors import EnvironmentFault
from config.site import Receiver
from pipelines.acquire.dimse import (
    MAX_PDU_BYTES,
    Entity,
    keep_silent,
    transfer_syntaxes,
    tune_socket,
)
from pipelines.acquire.pacs.intake import Intake, identify

__all__ = ["StoreReceiver"]

_NOT_AUTHORISED = 0x0124  # PS3.7 Annex C.5.17
_VERIFICATION = "1.2.840.10008.1.1"


class StoreReceiver:
    """Listens while it is open; takes only what an open intake asked for.

    Parameters
    ----------
    settings : Receiver
        AE title, host and port; port 0 takes a free one.
    silence_s : float
        Longest silence of a sender.

    Raises
    ------
    EnvironmentFault
        ``PORT_IN_USE``, on entering.
    """

    def __init__(self, settings: Receiver, silence_s: float = 60.0) -> None:
        self.settings = settings
        self._silence_s = silence_s
        self._intakes: dict[str, Intake] = {}
        self._freed = threading.Condition()
        self._strays = 0
        self._server: AssociationServer | None = None
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
        ae = Entity(self.settings.ae_title)
        ae.require_called_aet = True
        ae.maximum_pdu_size = MAX_PDU_BYTES
        ae.network_timeout = ae.dimse_timeout = ae.acse_timeout = self._silence_s
        ae.add_supported_context(_VERIFICATION)
        for context in AllStoragePresentationContexts:
            ae.add_supported_context(str(context.abstract_syntax), list(transfer_syntaxes()))
        handlers: list[Any] = [
            (evt.EVT_CONN_OPEN, tune_socket, [self._silence_s]),
            (evt.EVT_C_STORE, self._on_store),
        ]
        try:
            server = AssociationServer(
                ae,
                (self.settings.host, self.settings.port),
                self.settings.ae_title,
                ae.supported_contexts,
                evt_handlers=handlers,
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
        for assoc in server.active_associations:
            assoc.abort()
            assoc.join(timeout=5)
        super(AssociationServer, server).shutdown()
        server.server_close()
        thread.join(timeout=5)

    def _on_store(self, event: evt.Event) -> int:
        request = event.request
        assert isinstance(request, C_STORE)
        dataset = event.encoded_dataset(include_meta=False)
        syntax = str(event.context.transfer_syntax)
        study_uid, _, _ = identify(dataset, syntax)
        with self._freed:
            intake = self._intakes.get(study_uid)
            if intake is None:
                self._strays += 1
                return _NOT_AUTHORISED
        sop_class, sop_uid = request.AffectedSOPClassUID, request.AffectedSOPInstanceUID
        return intake.take(str(sop_class), str(sop_uid), syntax, dataset)
