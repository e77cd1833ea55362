"""Keep a received object: its bytes in the store, then its row, and only then back to the sender.

The same SOP Instance UID with other bytes is a conflict: both are kept and flagged, neither is used.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipelines.acquire.pacs.objects import ReceivedObject
from pipelines.acquire.receive.spool import FileSpool
from pipelines.catalogue import identified as table
from pipelines.store import Blob, IdentifiedStore

__all__ = ["keep_bytes", "keep_row", "keep_spool"]


def keep_bytes(store: IdentifiedStore, received: ReceivedObject) -> Blob:
    """Write an object into the store; equal bytes are kept once.

    Raises
    ------
    EnvironmentFault
        ``DISK_FULL`` or ``DISK_READ_ONLY``.
    """
    spool = received.spool
    if spool is None:
        return store.put_received(
            received.sop_class_uid,
            received.sop_uid,
            received.transfer_syntax_uid,
            received.dataset,
        )
    return keep_spool(store, spool, store.received_place(spool.sha256))


def keep_spool(store: IdentifiedStore, spool: FileSpool, place: str) -> Blob:
    """Give a spooled object its place in the store; raises as `keep_bytes`."""
    target = store.absolute(place)
    try:
        in_place = target.stat().st_size == spool.size
    except FileNotFoundError:
        in_place = False
    if in_place:
        spool.discard()
    else:
        spool.keep(target)
    return Blob(spool.sha256, place, spool.size)


def keep_row(session: Session, site: str, received: ReceivedObject, blob: Blob) -> None:
    """Write the row of an object whose bytes are in place, once for each content."""
    obj = table.ReceivedObject
    if session.get(obj, (site, blob.sha256)) is not None:
        return
    twins = session.scalars(
        select(obj).where(obj.site == site, obj.sop_uid == received.sop_uid)
    ).all()
    for twin in twins:
        twin.conflict = True
    session.add(
        obj(
            site=site,
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
