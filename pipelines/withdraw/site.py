"""The site's half of a withdrawal: what was received and sent out for the rows is removed."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from pipelines.catalogue.database import Catalogue
from pipelines.catalogue.identified import (
    ExpectedInstance,
    ReceivedObject,
    ReleasedObject,
    RequestRow,
    VaultRecord,
)
from pipelines.catalogue.receiving import PushedInstance, QuarantinedObject
from pipelines.store import IdentifiedStore
from pipelines.withdraw.outcome import WITHDRAWN
from pipelines.withdraw.remove import compact, remove_files

__all__ = ["forget_at_site"]


def forget_at_site(store: IdentifiedStore, ledger: Catalogue, rows: Collection[str]) -> int:
    """Remove what the identified zone holds for rows; return how many files.

    Received objects stay where another project, from which the patient did not withdraw, still
    asks for their study. The ledger keeps the row, so that neither it nor a later study of the
    patient is acquired for the project again.
    """
    with ledger.session() as session:
        found = session.scalars(select(RequestRow).where(RequestRow.row_id.in_(rows))).all()
        paths = [store.bundles / f"{row.row_id}.json" for row in found]
        paths += [store.outgoing / one for one in _sent(session, rows)]
        received = [one for row in found for one in _received(session, row, rows)]
        paths += [store.absolute(one.path) for one in received]
        paths += _pictures(store)
        apart = [one for row in found for one in _apart(session, row)]
        paths += [store.absolute(one.path) for one in apart]
    removed, _ = remove_files(paths, store.root)
    with ledger.session() as session:
        for one in received:
            session.delete(session.merge(one))
        for strange in apart:
            session.delete(session.merge(strange))
        for table in (ReleasedObject, ExpectedInstance):
            session.execute(delete(table).where(table.row_id.in_(rows)))
        for row in session.scalars(select(RequestRow).where(RequestRow.row_id.in_(rows))):
            session.execute(
                delete(VaultRecord).where(
                    VaultRecord.project == row.project, VaultRecord.subject == row.subject
                )
            )
            pushed = PushedInstance
            session.execute(
                delete(pushed).where(
                    pushed.project == row.project,
                    pushed.site == row.site,
                    pushed.study_uid == row.study_uid,
                )
            )
            row.outcome, row.code, row.detail = WITHDRAWN, WITHDRAWN.upper(), ""
            row.subject = row.research_study_uid = row.deid_key = None
    compact(ledger)
    return removed


def _sent(session: Session, rows: Collection[str]) -> list[str]:
    """Return the paths of released objects that no other row has."""
    obj = ReleasedObject
    mine = session.scalars(select(obj.path).where(obj.row_id.in_(rows), obj.path.is_not(None)))
    others = set(session.scalars(select(obj.path).where(obj.row_id.not_in(rows))))
    return sorted({str(path) for path in mine} - {str(path) for path in others})


def _received(session: Session, row: RequestRow, rows: Collection[str]) -> list[ReceivedObject]:
    """Return the received objects of a row's study, unless another row still needs them."""
    wanted = select(RequestRow.row_id).where(
        RequestRow.site == row.site,
        RequestRow.study_uid == row.study_uid,
        RequestRow.row_id.not_in(rows),
        RequestRow.outcome != WITHDRAWN,
    )
    if session.scalars(wanted).first() is not None:
        return []
    obj = ReceivedObject
    chosen = select(obj).where(obj.site == row.site, obj.study_uid == row.study_uid)
    return list(session.scalars(chosen))


def _apart(session: Session, row: RequestRow) -> list[QuarantinedObject]:
    """Return what lies in quarantine of a row's study, or came while it was asked for."""
    obj = QuarantinedObject
    chosen = select(obj).where(
        obj.site == row.site,
        or_(obj.study_uid == row.study_uid, obj.asked_study_uid == row.study_uid),
    )
    return list(session.scalars(chosen))


def _pictures(store: IdentifiedStore) -> list[Path]:
    """Return the pictures of heads: they do not say whose, so all that are still there go."""
    return [path for path in store.faces.glob("*.png") if path.is_file()]
