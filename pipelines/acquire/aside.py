"""What nothing explains is kept as it came, aside, and never processed."""

from __future__ import annotations

from collections.abc import Callable

from config.site import Site
from pipelines.acquire.clock import Clock
from pipelines.acquire.keep import keep_aside
from pipelines.acquire.pacs import ReceivedObject
from pipelines.catalogue.receiving import QuarantinedObject
from pipelines.workspace import Workspace

__all__ = ["aside"]


def aside(
    ws: Workspace, site: Site, study_uid: str, clock: Clock
) -> Callable[[ReceivedObject, str], None]:
    """Return a sink for what was not expected.

    Parameters
    ----------
    study_uid : str
        The study that was asked for when it came.
    """

    def sink(received: ReceivedObject, code: str) -> None:
        blob = keep_aside(ws.identified, received)
        with ws.ledger.session() as session:
            if session.get(QuarantinedObject, (site.name, blob.sha256)) is None:
                session.add(
                    QuarantinedObject(
                        site=site.name,
                        sha256=blob.sha256,
                        sop_uid=received.sop_uid,
                        study_uid=received.study_uid,
                        asked_study_uid=study_uid,
                        transfer_syntax_uid=received.transfer_syntax_uid,
                        path=blob.path,
                        size=blob.size,
                        code=code,
                        arrived_at=clock.now(),
                    )
                )

    return sink
