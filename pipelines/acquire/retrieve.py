"""Retrieve: fetch what is expected, keep the bytes as they came, and count by UID set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import select

from config.errors import TransientError
from config.project import Project
from config.site import Site
from pipelines.acquire.keep import Keeper
from pipelines.acquire.pacs import ExpectedInstance, RetrieveReport, retrieve_study
from pipelines.acquire.resolve import SETTLED, pacs_of
from pipelines.catalogue import identified as table
from pipelines.progress import StageAccount, timed
from pipelines.withdraw.site import WITHDRAWN
from pipelines.workspace import Workspace

__all__ = ["open_rows", "retrieve"]

GONE = frozenset({"PACS_UNREACHABLE", "PACS_REFUSED"})
"""The PACS itself is gone: the other studies would fail the same way."""


def retrieve(
    ws: Workspace, project: Project, site: Site, row_ids: Sequence[str] | None = None
) -> StageAccount:
    """Fetch every open row of a project at a site (or only ``row_ids``).

    Each row ends in ``complete``, ``complete_after_retry``, ``partial`` or ``refused``; a study
    that cannot be delivered does not stop the others; a PACS that goes away leaves the rest open.

    Raises
    ------
    TransientError
        The PACS refused, timed out or went away; what was received stays.
    EnvironmentFault
        The disk is full or the catalogue is gone.
    """
    with timed(StageAccount("retrieve", project.name, site.name)) as account:
        rows = _rows(ws, project, site)
        ws.progress.begin("retrieve", len(rows))
        for row_id, study_uid, outcome in rows:
            if outcome in SETTLED or (row_ids is not None and row_id not in row_ids):
                account.skipped += 1
            else:
                code = _retrieve_row(ws, site, row_id, study_uid)
                account.done += 1
                if code is not None:
                    account.refuse(code)
            ws.progress.advance("retrieve")
    ws.keep_account(account)
    return account


def open_rows(ws: Workspace, project: Project, site: Site) -> list[str]:
    """Return the rows still to fetch: found, partial, or refused before."""
    return [row_id for row_id, _, outcome in _rows(ws, project, site) if outcome not in SETTLED]


def _rows(ws: Workspace, project: Project, site: Site) -> list[tuple[str, str, str]]:
    row = table.RequestRow
    with ws.ledger.session() as session:
        found = session.execute(
            select(row.row_id, row.study_uid, row.outcome)
            .where(row.project == project.name, row.site == site.name, row.outcome != WITHDRAWN)
            .order_by(row.row_id)
        )
        return [(r.row_id, r.study_uid, r.outcome) for r in found]


def _retrieve_row(ws: Workspace, site: Site, row_id: str, study_uid: str) -> str | None:
    """Fetch one study's missing instances and settle its row; return a code if it falls short."""
    expected = _expected(ws, row_id)
    have = _received(ws, site, study_uid)
    missing = [e for e in expected if e.sop_uid not in have]
    report = RetrieveReport.nothing_to_do()
    if missing:
        whole = len(missing) == len(expected)
        try:
            report = retrieve_study(
                pacs_of(site),
                study_uid,
                missing,
                Keeper(ws.identified, ws.ledger, site.name),
                whole=whole,
                spool_in=ws.identified.incoming,
            )
        except TransientError as error:
            if error.code in GONE:
                raise
            report = replace(report, attempts=1, code=error.code)
    return _settle(ws, site, row_id, study_uid, expected, report)


def _expected(ws: Workspace, row_id: str) -> list[ExpectedInstance]:
    query = select(table.ExpectedInstance).where(table.ExpectedInstance.row_id == row_id)
    with ws.ledger.session() as session:
        rows = session.scalars(query.order_by(table.ExpectedInstance.sop_uid)).all()
        return [ExpectedInstance(r.series_uid, r.sop_uid, r.sop_class_uid) for r in rows]


def _received(ws: Workspace, site: Site, study_uid: str) -> set[str]:
    """Return the SOP UIDs that are in place on disk, by size."""
    obj = table.ReceivedObject
    query = select(obj).where(obj.site == site.name, obj.study_uid == study_uid)
    with ws.ledger.session() as session:
        rows = session.scalars(query).all()
        return {r.sop_uid for r in rows if _in_place(ws, r.path, r.size)}


def _in_place(ws: Workspace, path: str, size: int) -> bool:
    try:
        return ws.identified.absolute(path).stat().st_size == size
    except FileNotFoundError:
        return False


def _settle(
    ws: Workspace,
    site: Site,
    row_id: str,
    study_uid: str,
    expected: Sequence[ExpectedInstance],
    report: RetrieveReport,
) -> str | None:
    """Name the row's outcome from the two UID sets, never from what the PACS called success."""
    have = _received(ws, site, study_uid) & {e.sop_uid for e in expected}
    with ws.ledger.session() as session:
        row = session.get_one(table.RequestRow, row_id)
        row.received, row.attempts = len(have), row.attempts + report.attempts
        if report.unexpected:
            # More than was announced: the list is not whole, so neither is what it promises.
            row.outcome, row.code = "partial", "STUDY_LIST_INCOMPLETE"
            row.detail = f"{len(report.unexpected)} instances came that were not listed"
        elif row.code == "STUDY_LIST_INCOMPLETE":
            pass  # until it is listed anew, whatever came
        elif expected and len(have) == len(expected):
            row.outcome = "complete" if report.attempts <= 1 else "complete_after_retry"
            row.code, row.detail = None, ""
        elif have:
            row.outcome, row.code = "partial", "STUDY_PARTIAL"
            row.detail = f"{len(have)} of {len(expected)} instances"
        else:
            row.outcome, row.code = "refused", report.code or "STUDY_NOT_DELIVERED"
            row.detail = f"0 of {len(expected)} instances"
        return row.code
