"""What was taken: bytes to disk first, then their row, then back to the network."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import select

from config.site import Site
from pipelines.acquire.clock import Clock
from pipelines.acquire.pacs import ReceivedObject
from pipelines.catalogue import identified as table
from pipelines.store import Blob
from pipelines.workspace import Workspace

__all__ = ["aside", "contested", "keep", "received_uids"]


def keep(ws: Workspace, site: Site) -> Callable[[ReceivedObject], None]:
    """Return a sink for what was expected; other bytes of one SOP UID are both kept and flagged."""

    def sink(received: ReceivedObject) -> None:
        blob = _put(ws, received)
        obj = table.ReceivedObject
        with ws.ledger.session() as session:
            if session.get(obj, (site.name, blob.sha256)) is not None:
                return
            twins = session.scalars(
                select(obj).where(obj.site == site.name, obj.sop_uid == received.sop_uid)
            ).all()
            for twin in twins:
                twin.conflict = True
            session.add(
                obj(
                    site=site.name,
                    sha256=blob.sha256,
                    sop_uid=received.sop_uid,
                    series_uid=received.series_uid,
                    study_uid=received.study_uid,
                    transfer_syntax_uid=received.transfer_syntax_uid,
                    path=blob.path,
                    size=blob.size,
                    conflict=bool(twins),
                )
            )

    return sink


def aside(
    ws: Workspace, site: Site, study_uid: str, clock: Clock
) -> Callable[[ReceivedObject, str], None]:
    """Return a sink for what nothing explains: kept as it came, never processed.

    Parameters
    ----------
    study_uid : str
        The study that was asked for when it came.
    """

    def sink(received: ReceivedObject, code: str) -> None:
        blob = _put(ws, received)
        with ws.ledger.session() as session:
            if session.get(table.SetAsideObject, (site.name, blob.sha256)) is None:
                session.add(
                    table.SetAsideObject(
                        site=site.name,
                        sha256=blob.sha256,
                        sop_uid=received.sop_uid,
                        study_uid=received.study_uid,
                        asked_study_uid=study_uid,
                        code=code,
                        path=blob.path,
                        size=blob.size,
                        at=clock.now(),
                    )
                )

    return sink


def _put(ws: Workspace, received: ReceivedObject) -> Blob:
    return ws.identified.put_received(
        received.sop_class_uid, received.sop_uid, received.transfer_syntax_uid, received.dataset
    )


def received_uids(ws: Workspace, site: Site, study_uid: str) -> set[str]:
    """Return the SOP UIDs of a study that are in place on disk, by size."""
    obj = table.ReceivedObject
    query = select(obj).where(obj.site == site.name, obj.study_uid == study_uid)
    with ws.ledger.session() as session:
        rows = session.scalars(query).all()
        return {r.sop_uid for r in rows if _in_place(ws, r.path, r.size)}


def contested(ws: Workspace, site: Site, study_uid: str) -> int:
    """Return how many SOP UIDs of a study came with different bytes."""
    obj = table.ReceivedObject
    query = select(obj.sop_uid).where(
        obj.site == site.name, obj.study_uid == study_uid, obj.conflict.is_(True)
    )
    with ws.ledger.session() as session:
        return len(set(session.scalars(query)))


def _in_place(ws: Workspace, path: str, size: int) -> bool:
    try:
        return ws.identified.absolute(path).stat().st_size == size
    except FileNotFoundError:
        return False
