"""What becomes of an object that a site sent: kept for its project, kept as expected, quarantined.

A push rule explains it, or an instance somebody asked the PACS for; what neither explains is kept
apart and never processed. The sender hears of success only when bytes and row are in place.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.orm import Session

from config.errors import AccordageError, UnreadableObject
from config.listen import PushRule
from pipelines.acquire.keep import keep_rows, keep_spool
from pipelines.acquire.pacs.objects import ReceivedObject
from pipelines.acquire.receive.spool import FileSpool, Names
from pipelines.catalogue import identified as table
from pipelines.catalogue.database import Catalogue
from pipelines.catalogue.receiving import PushedInstance, QuarantinedObject
from pipelines.store import Blob, IdentifiedStore

__all__ = ["Arrivals"]

# PS3.4 Table B.2-1
SUCCESS = 0x0000
OUT_OF_RESOURCES = 0xA700
DOES_NOT_MATCH = 0xA900
CANNOT_UNDERSTAND = 0xC000


_PUSHED = PushedInstance
_AGAIN = (
    update(_PUSHED)
    .where(
        _PUSHED.site == bindparam("in_site"),
        _PUSHED.project == bindparam("in_project"),
        _PUSHED.sha256 == bindparam("in_sha256"),
    )
    .values(arrived_at=bindparam("in_arrived_at"))
)
_INSERT = insert(_PUSHED)


class _Turn:
    """Writers of one catalogue wait here in turn: SQLite's own waiting sleeps, up to 100 ms."""

    def __init__(self, store: IdentifiedStore) -> None:
        self._threads = threading.Lock()
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        self._descriptor = os.open(store.incoming / "turn.lock", flags, 0o600)

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Be the one who writes."""
        with self._threads:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        """Give the lock's file back."""
        os.close(self._descriptor)


class Arrivals:
    """Judges and keeps what one site sends.

    Parameters
    ----------
    site : str
        Name of the site.
    store : IdentifiedStore
        Where bytes are kept.
    ledger : Catalogue
        The identified zone's catalogue.
    """

    def __init__(self, site: str, store: IdentifiedStore, ledger: Catalogue) -> None:
        self._site = site
        self._store = store
        self._ledger = ledger
        self._turn = _Turn(store)
        self.quarantined = 0
        """Objects that nothing explained."""

    def take(self, spool: FileSpool, rule: PushRule | None) -> int:
        """Keep an object and return the C-STORE status to answer (PS3.4 Table B.2-1)."""
        try:
            names = spool.names()
            if not all((names.study_uid, names.series_uid, names.sop_uid, names.sop_class_uid)):
                return CANNOT_UNDERSTAND
            if names.sop_uid != spool.sop_uid or names.sop_class_uid != spool.sop_class_uid:
                return DOES_NOT_MATCH  # who it is inside is not what the sender calls it
            self.keep(spool, names, rule)
        except UnreadableObject:
            return CANNOT_UNDERSTAND
        except (AccordageError, OSError):
            return OUT_OF_RESOURCES  # nothing was promised: the sender keeps it and tries again
        finally:
            spool.discard()  # unless it has been kept
        return SUCCESS

    def keep(self, spool: FileSpool, names: Names, rule: PushRule | None) -> None:
        """Put an object where it belongs, and its row.

        Raises
        ------
        EnvironmentFault, TransientError
            The disk is full; the catalogue is gone or busy.
        """
        store = self._store
        if rule is None and not self._expected(names.sop_uid):
            blob = keep_spool(store, spool, store.quarantined_place(spool.sha256))
            with self._turn.taken(), self._ledger.session() as session:
                self._quarantine(session, spool, names, blob)
            return
        received = ReceivedObject(
            spool.sop_class_uid,
            names.sop_uid,
            names.study_uid,
            names.series_uid,
            spool.transfer_syntax_uid,
            b"",
            spool,
        )
        blob = keep_spool(store, spool, store.received_place(spool.sha256))
        with self._turn.taken(), self._ledger.connection() as connection:
            keep_rows(connection, self._site, [(received, blob)])
            if rule is not None:
                _push(connection, self._site, rule, names, blob)

    def _expected(self, sop_uid: str) -> bool:
        row, one = table.RequestRow, table.ExpectedInstance
        query = (
            select(one.sop_uid)
            .join(row, row.row_id == one.row_id)
            .where(row.site == self._site, one.sop_uid == sop_uid)
            .limit(1)
        )
        with self._turn.taken(), self._ledger.session() as session:
            return session.scalar(query) is not None

    def _quarantine(self, session: Session, spool: FileSpool, names: Names, blob: Blob) -> None:
        self.quarantined += 1
        if session.get(QuarantinedObject, (self._site, blob.sha256)) is None:
            session.add(
                QuarantinedObject(
                    site=self._site,
                    sha256=blob.sha256,
                    sop_uid=names.sop_uid,
                    study_uid=names.study_uid,
                    transfer_syntax_uid=spool.transfer_syntax_uid,
                    path=blob.path,
                    size=blob.size,
                    code="RECEIVE_UNEXPLAINED",
                    arrived_at=time.time(),
                )
            )

    def close(self) -> None:
        """Give the lock back."""
        self._turn.close()


def _push(connection: Connection, site: str, rule: PushRule, names: Names, blob: Blob) -> None:
    """Note that an object of a pushed study came; the same one again keeps the study waiting."""
    values = {
        "site": site,
        "project": rule.project,
        "sha256": blob.sha256,
        "study_uid": names.study_uid,
        "series_uid": names.series_uid,
        "sop_uid": names.sop_uid,
        "sop_class_uid": names.sop_class_uid,
        "patient_id": names.patient_id,
        "accession_number": names.accession_number,
        "study_date": names.study_date,
        "quiet_s": rule.quiet_s,
        "arrived_at": time.time(),
        "settled": False,
    }
    key = {f"in_{name}": values[name] for name in ("site", "project", "sha256")}
    again = connection.execute(_AGAIN, key | {"in_arrived_at": values["arrived_at"]})
    if again.rowcount == 0:
        connection.execute(_INSERT, values)
