"""The archive's listener: associations whose retrievals we serve ourselves."""

from __future__ import annotations

from typing import Any

from pynetdicom.association import Association
from pynetdicom.dimse_primitives import C_GET, C_MOVE
from pynetdicom.transport import AssociationServer, RequestHandler

from pipelines.acquire.archive.retrieval import Retrieval

__all__ = ["Handler", "Listener", "Session"]


class Session(Association):
    """An accepted association whose retrievals we serve ourselves."""

    retrieval: Retrieval

    def _serve_request(self, msg: Any, context_id: int) -> None:
        context = self._accepted_cx.get(context_id)
        if context and isinstance(msg, (C_GET, C_MOVE)) and msg.is_valid_request:
            self.retrieval.serve(self, msg, context)
        else:
            super()._serve_request(msg, context_id)


class Handler(RequestHandler):
    """Makes the sessions."""

    def _create_association(self) -> Association:
        session = super()._create_association()
        # pynetdicom has no factory for its associations: the finished one changes its class.
        session.__class__ = Session
        session.retrieval = self.server.retrieval  # type: ignore[attr-defined]
        return session


class Listener(AssociationServer):
    """The server, which holds what serves retrievals."""

    retrieval: Retrieval
