"""What the store holds of a study, counted by SOP UID."""

from __future__ import annotations

from sqlalchemy import select

from config.site import Site
from pipelines.catalogue import identified as table
from pipelines.workspace import Workspace

__all__ = ["contested", "received_uids"]


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
