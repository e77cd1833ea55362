"""Keep a received object: its bytes in the store, then its row, and only then back to the sender.

The same SOP Instance UID with other bytes is a conflict: both are kept and flagged, and neither is
used.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from pipelines.acquire.pacs.objects import ReceivedObject
from pipelines.acquire.receive.spool import FileSpool
from pipelines.catalogue import identified as table
from pipelines.catalogue.database import Catalogue
from pipelines.store import Blob, IdentifiedStore

__all__ = ["Keeper", "keep_aside", "keep_bytes", "keep_rows", "keep_spool"]

_OBJECT = table.ReceivedObject
_OF_UIDS = (
    _OBJECT.site == bindparam("in_site"),
    _OBJECT.sop_uid.in_(bindparam("in_sop_uids", expanding=True)),
)
_TWINS = select(_OBJECT.sop_uid, _OBJECT.sha256).where(*_OF_UIDS)
_FLAG = update(_OBJECT).where(*_OF_UIDS).values(conflict=True)
_ROWS_AT_ONCE = 64
_INSERT = insert(_OBJECT)


def keep_bytes(store: IdentifiedStore, received: ReceivedObject) -> Blob:
    """Write an object into the store; equal bytes are kept once.

    Raises
    ------
    EnvironmentFault
        ``DISK_FULL`` or ``DISK_READ_ONLY``.
    """
    return _keep(store, received, store.put_received, store.received_place)


def keep_aside(store: IdentifiedStore, received: ReceivedObject) -> Blob:
    """Write an object that nothing explains beside the store's objects; raises as `keep_bytes`."""
    return _keep(store, received, store.put_quarantined, store.quarantined_place)


def _keep(
    store: IdentifiedStore,
    received: ReceivedObject,
    put: Callable[[str, str, str, bytes], Blob],
    place: Callable[[str], str],
) -> Blob:
    """Give an object its place, whether it was spooled to a file or lies in memory."""
    if received.spool is not None:
        return keep_spool(store, received.spool, place(received.spool.sha256))
    return put(
        received.sop_class_uid, received.sop_uid, received.transfer_syntax_uid, received.dataset
    )


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


def keep_rows(
    connection: Connection, site: str, kept: Sequence[tuple[ReceivedObject, Blob]]
) -> None:
    """Write the rows of objects whose bytes are in place, once for each content."""
    uids = sorted({received.sop_uid for received, _ in kept})
    known: dict[str, set[str]] = {uid: set() for uid in uids}
    for uid, sha256 in connection.execute(_TWINS, {"in_site": site, "in_sop_uids": uids}):
        known[uid].add(sha256)
    rows = []
    for received, blob in kept:
        if blob.sha256 not in known[received.sop_uid]:
            known[received.sop_uid].add(blob.sha256)
            rows.append(_row(site, received, blob))
    contested = sorted({row["sop_uid"] for row in rows if len(known[row["sop_uid"]]) > 1})
    if contested:
        connection.execute(_FLAG, {"in_site": site, "in_sop_uids": contested})
    if rows:
        connection.execute(_INSERT, [r | {"conflict": r["sop_uid"] in contested} for r in rows])


def _row(site: str, received: ReceivedObject, blob: Blob) -> dict[str, Any]:
    return {
        "site": site,
        "sha256": blob.sha256,
        "sop_uid": received.sop_uid,
        "series_uid": received.series_uid,
        "study_uid": received.study_uid,
        "transfer_syntax_uid": received.transfer_syntax_uid,
        "path": blob.path,
        "size": blob.size,
    }


class Keeper:
    """The sink of a retrieval: bytes to disk first, then their row, then back to the network.

    Parameters
    ----------
    store : IdentifiedStore
        Where bytes go.
    ledger : Catalogue
        Where rows go.
    site : str
        Whose objects they are.
    """

    def __init__(self, store: IdentifiedStore, ledger: Catalogue, site: str) -> None:
        self._store = store
        self._ledger = ledger
        self._site = site
        self._waiting: list[tuple[ReceivedObject, Blob]] = []

    def __call__(self, received: ReceivedObject) -> None:
        """Keep an object whose sender waits for the answer."""
        self.later(received)
        self.flush()

    def later(self, received: ReceivedObject) -> None:
        """Keep an object that nobody was promised yet; its row may wait for some others'."""
        self._waiting.append((received, keep_bytes(self._store, received)))
        if len(self._waiting) >= _ROWS_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Write the rows that wait."""
        waiting, self._waiting = self._waiting, []
        if waiting:
            with self._ledger.connection() as connection:
                keep_rows(connection, self._site, waiting)
