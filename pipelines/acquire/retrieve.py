"""Retrieve: fetch what is expected when the PACS allows it, and count by UID set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import select

from config.errors import TransientError
from config.project import Project
from config.site import Site
from pipelines.acquire.aside import aside
from pipelines.acquire.clock import Clock, SystemClock
from pipelines.acquire.expect import SETTLED
from pipelines.acquire.gentle import Guard, Stop, Turn
from pipelines.acquire.held import received_uids
from pipelines.acquire.keep import Keeper
from pipelines.acquire.pacs import ExpectedInstance, RetrieveReport, retrieve_study
from pipelines.acquire.planning.sizes import Sizes
from pipelines.acquire.resolve import pacs_of
from pipelines.acquire.settle import settle
from pipelines.catalogue import identified as table
from pipelines.progress import StageAccount, timed
from pipelines.withdraw.outcome import WITHDRAWN
from pipelines.workspace import Workspace

__all__ = ["open_rows", "retrieve"]

GONE = frozenset({"PACS_UNREACHABLE", "PACS_REFUSED", "PACS_BUSY"})
"""The PACS itself is gone: the other studies would fail the same way."""

FAILING = GONE | {"PACS_TIMEOUT", "PACS_ABORTED", "PACS_OUT_OF_RESOURCES", "PACS_CANCELLED"}
"""Failures that count for the circuit breaker."""


@dataclass(frozen=True)
class _Row:
    """One asked study; prints its keyed name only."""

    row_id: str
    study_uid: str = field(repr=False)
    patient_id: str = field(repr=False)
    outcome: str
    modality: str
    bytes: int
    """What it is expected to weigh."""
    is_listed: bool

    @property
    def is_open(self) -> bool:
        """Whether there is something to fetch."""
        return self.outcome not in SETTLED and self.outcome != "offline" and self.is_listed


def retrieve(
    ws: Workspace,
    project: Project,
    site: Site,
    row_ids: Sequence[str] | None = None,
    *,
    stay: bool = False,
    clock: Clock | None = None,
) -> StageAccount:
    """Fetch every open row of a project at a site (or only ``row_ids``).

    Each row ends in ``complete``, ``complete_after_retry``, ``partial`` or ``refused``; a study
    that cannot be delivered does not stop the others; a PACS that goes away, closes or has given
    what a night may take leaves the rest open.

    Parameters
    ----------
    stay : bool
        Wait for the PACS's hours, for the next night's budget and for the end of an outage, until
        every row is settled.
    clock : Clock, optional
        The machine's own when none is given.

    Raises
    ------
    TransientError
        The PACS refused, timed out or went away; what was received stays.
    EnvironmentFault
        The disk is full or the catalogue is gone.
    """
    guard = Guard(ws.ledger, site.name, pacs_of(site), clock or SystemClock())
    with timed(StageAccount("retrieve", project.name, site.name)) as account:
        rows = _rows(ws, project, site)
        ws.progress.begin("retrieve", len(rows))
        todo = [r for r in rows if r.is_open and (row_ids is None or r.row_id in row_ids)]
        account.skipped = len(rows) - len(todo)
        for _ in range(account.skipped):
            ws.progress.advance("retrieve")
        while todo:
            todo, stop = _one_round(ws, project, site, guard, todo, account, stay=stay)
            if todo and (not stay or stop is None or stop.until is None):
                account.wait(stop.code if stop else "PACS_BUDGET_SPENT", len(todo))
                break
            if todo and stop is not None and stop.until is not None:
                guard.clock.wait(stop.until - guard.clock.now())
    ws.keep_account(account)
    return account


def open_rows(ws: Workspace, project: Project, site: Site) -> list[str]:
    """Return the rows still to fetch: found, partial, or refused before."""
    return [row.row_id for row in _rows(ws, project, site) if row.is_open]


def _rows(ws: Workspace, project: Project, site: Site) -> list[_Row]:
    row, plan = table.RequestRow, table.StudyPlan
    sizes = Sizes(ws.ledger, site.name)
    with ws.ledger.session() as session:
        found = session.execute(
            select(row, plan)
            .outerjoin(plan, plan.row_id == row.row_id)
            .where(row.project == project.name, row.site == site.name, row.outcome != WITHDRAWN)
            .order_by(row.row_id)
        )
        return [
            _Row(
                r.row_id,
                r.study_uid,
                r.patient_id,
                r.outcome,
                p.modality if p else "",
                sizes.of(p.modality, r.expected or p.instances, p.bytes) if p else 0,
                p is None or p.listed_at is not None or r.expected > 0,
            )
            for r, p in found
        ]


def _one_round(
    ws: Workspace,
    project: Project,
    site: Site,
    guard: Guard,
    todo: Sequence[_Row],
    account: StageAccount,
    *,
    stay: bool,
) -> tuple[list[_Row], Stop | None]:
    """Fetch the rows that may be fetched now; return those that wait, and for what."""
    later: list[_Row] = []
    last: Stop | None = None
    for number, row in enumerate(todo):
        if guard.never_fits(row.bytes):
            _refuse(ws, row, "STUDY_OVER_BUDGET", account)
            continue
        stop = guard.stop(row.bytes)
        if stop is not None and stop.code == "PACS_BUDGET_SPENT" and not guard.left().spent:
            later.append(row)  # a smaller one may still fit
            last = stop
            continue
        if stop is None:
            stop = _fetch(ws, project, site, guard, row, account, stay=stay)
        if stop is not None:
            return [*later, *todo[number:]], stop
        ws.progress.advance("retrieve")
    return later, last


def _fetch(
    ws: Workspace,
    project: Project,
    site: Site,
    guard: Guard,
    row: _Row,
    account: StageAccount,
    *,
    stay: bool,
) -> Stop | None:
    """Fetch one row and settle it; say why it has to wait when it does."""
    expected = _expected(ws, row.row_id)
    have = received_uids(ws, site, row.study_uid)
    missing = [e for e in expected if e.sop_uid not in have]
    report, failure = RetrieveReport.nothing_to_do(), None
    if missing:
        begun = guard.clock.now()
        try:
            with guard.turn(project.name, _share(row.bytes, missing, expected)) as turn:
                whole = len(missing) == len(expected)
                report = _ask(ws, site, guard, row, missing, turn, whole=whole)
            failure = report.transient
        except TransientError as error:
            report = replace(report, attempts=1, code=error.code)
            failure = error.code
        if failure in FAILING and not report.received:
            guard.failed(failure)
        elif failure is None:
            guard.worked(row.modality, guard.clock.now() - begun, turn)
    if failure in GONE:
        if not stay:
            raise TransientError(failure)
        return guard.stop() or Stop(failure, guard.clock.now() + guard.node.limits.min_delay_s + 1)
    code = settle(ws, site, row.row_id, row.study_uid, expected, report)
    if failure == "PACS_BUDGET_SPENT":
        return guard.next_night()
    account.done += 1
    if code is not None:
        account.refuse(code)
    return None


def _share(size: int, missing: Sequence[object], expected: Sequence[object]) -> int:
    return size * len(missing) // max(1, len(expected))


def _ask(
    ws: Workspace,
    site: Site,
    guard: Guard,
    row: _Row,
    missing: Sequence[ExpectedInstance],
    turn: Turn,
    *,
    whole: bool,
) -> RetrieveReport:
    return retrieve_study(
        guard.node,
        row.study_uid,
        missing,
        Keeper(ws.identified, ws.ledger, site.name),
        whole=whole,
        wait=guard.clock.wait,
        grace_s=guard.node.limits.late_s,
        patient_id=row.patient_id,
        meter=turn.meter,
        aside=aside(ws, site, row.study_uid, guard.clock),
        spool_in=ws.identified.incoming,
    )


def _expected(ws: Workspace, row_id: str) -> list[ExpectedInstance]:
    query = select(table.ExpectedInstance).where(table.ExpectedInstance.row_id == row_id)
    with ws.ledger.session() as session:
        rows = session.scalars(query.order_by(table.ExpectedInstance.sop_uid)).all()
        return [ExpectedInstance(r.series_uid, r.sop_uid, r.sop_class_uid) for r in rows]


def _refuse(ws: Workspace, row: _Row, code: str, account: StageAccount) -> None:
    with ws.ledger.session() as session:
        kept = session.get_one(table.RequestRow, row.row_id)
        kept.outcome, kept.code, kept.detail = "refused", code, ""
    account.done += 1
    account.refuse(code)
    ws.progress.advance("retrieve")
