"""When a pushed study counts as whole: nothing of it has come for the time its rule says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from config.site import Site
from pipelines.catalogue import identified as table
from pipelines.catalogue.receiving import PushedInstance
from pipelines.workspace import Workspace

__all__ = ["Listed", "Settled", "settle", "settle_study"]


class Listed(Protocol):
    """What names an instance of a study."""

    @property
    def sop_uid(self) -> str:
        """SOP Instance UID."""

    @property
    def series_uid(self) -> str:
        """Series Instance UID."""

    @property
    def sop_class_uid(self) -> str:
        """SOP Class UID."""


@dataclass(frozen=True)
class Settled:
    """What a look at the pushed studies found."""

    projects: tuple[str, ...]
    """Projects of which a study has become whole, sorted."""
    next_in_s: float | None
    """Seconds until the next one does, if nothing else comes; None when none is waited for."""


def settle(ws: Workspace, site: Site, now_s: float) -> Settled:
    """Make a row of each pushed study that has been quiet for long enough.

    Parameters
    ----------
    ws : Workspace
        The installation.
    site : Site
        Whose studies.
    now_s : float
        Seconds since 1970-01-01 UTC.
    """
    one = PushedInstance
    waiting = (
        select(one.project, one.study_uid, func.max(one.arrived_at), func.max(one.quiet_s))
        .where(one.site == site.name, one.settled.is_(False))
        .group_by(one.project, one.study_uid)
        .order_by(one.project, one.study_uid)
    )
    with ws.ledger.session() as session:
        found = [tuple(row) for row in session.execute(waiting)]
    projects, nearest = set(), None
    for project, study_uid, last_s, quiet_s in found:
        left_s = last_s + quiet_s - now_s
        if left_s <= 0:
            settle_study(ws, site, project, study_uid)
            projects.add(project)
        else:
            nearest = left_s if nearest is None else min(nearest, left_s)
    return Settled(tuple(sorted(projects)), nearest)


def settle_study(
    ws: Workspace,
    site: Site,
    project: str,
    study_uid: str,
    listed: Sequence[Listed] = (),
    *,
    whole: bool = True,
) -> None:
    """Write the row of a study that came: all of it is expected, and so is what a list says.

    Parameters
    ----------
    ws : Workspace
        The installation.
    site : Site
        Who sent it.
    project : str
        Whose study it is.
    study_uid : str
        Study Instance UID.
    listed : Sequence
        Instances that a list announces, beside those a query has.
    whole : bool
        False where what brought it broke off: then it is ``partial``, whatever came.
    """
    with ws.ledger.session() as session:
        row = _settle(ws, session, site, project, study_uid, listed)
        if not whole and row.outcome == "complete":
            row.outcome, row.code = "partial", "STUDY_PARTIAL"
            row.detail = f"what brought it broke off after {row.received} instances"


def _settle(
    ws: Workspace,
    session: Session,
    site: Site,
    project: str,
    study_uid: str,
    listed: Sequence[Listed],
) -> table.RequestRow:
    """Write a study's row and return it."""
    one = PushedInstance
    pushed = session.scalars(
        select(one)
        .where(one.site == site.name, one.project == project, one.study_uid == study_uid)
        .order_by(one.sha256)
    ).all()
    row_id = ws.row_id(project, site.name, study_uid)
    row = session.get(table.RequestRow, row_id) or table.RequestRow(
        row_id=row_id, project=project, site=site.name, study_uid=study_uid
    )
    row.patient_id, row.issuer = pushed[0].patient_id, site.patient_id_issuer
    row.accession_number, row.study_date = pushed[0].accession_number, pushed[0].study_date
    row.outcome = row.outcome or "found"
    session.add(row)
    session.flush()
    wanted = _expect(session, row_id, [*pushed, *listed])
    obj = table.ReceivedObject
    have = session.scalars(
        select(obj.sop_uid).where(obj.site == site.name, obj.study_uid == study_uid)
    ).all()
    row.expected, row.received = len(wanted), len(wanted & set(have))
    _name_outcome(row, {p.patient_id for p in pushed})
    for p in pushed:
        p.settled = True
    return row


def _expect(session: Session, row_id: str, came: Sequence[Listed]) -> set[str]:
    one = table.ExpectedInstance
    wanted = set(session.scalars(select(one.sop_uid).where(one.row_id == row_id)))
    for p in came:
        if p.sop_uid not in wanted:
            wanted.add(p.sop_uid)
            session.add(
                one(
                    row_id=row_id,
                    sop_uid=p.sop_uid,
                    series_uid=p.series_uid,
                    sop_class_uid=p.sop_class_uid,
                )
            )
    return wanted


def _name_outcome(row: table.RequestRow, patients: set[str]) -> None:
    if len(patients) > 1:
        row.outcome, row.code = "refused", "STUDY_MIXES_PATIENTS"
        row.detail = f"{len(patients)} Patient IDs"
    elif row.received == row.expected:
        row.outcome, row.code, row.detail = "complete", None, ""
    else:
        row.outcome, row.code = "partial", "STUDY_PARTIAL"
        row.detail = f"{row.received} of {row.expected} instances"
