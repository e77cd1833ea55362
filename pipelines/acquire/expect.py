"""Expectations: what a PACS says it has of each study, saved before any image moves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from config.project import Project
from config.site import PacsNode, Site
from pipelines.acquire.opposed import is_opposed
from pipelines.acquire.pacs import ExpectedInstance, FoundStudy
from pipelines.acquire.planning.sizes import listed_bytes
from pipelines.catalogue import identified as table
from pipelines.withdraw.outcome import WITHDRAWN
from pipelines.workspace import Workspace

__all__ = ["OFFLINE", "SETTLED", "ToList", "save_list", "save_study", "to_list"]

SETTLED = frozenset({"complete", "complete_after_retry"})
"""Outcomes of a row that has every instance the PACS announced."""

OFFLINE = frozenset({"OFFLINE", "UNAVAILABLE"})
"""Values of (0008,0056) that say a retrieval cannot bring the study (PS3.3 section C.4.23.1.1)."""


@dataclass(frozen=True)
class ToList:
    """A row whose instances are to be listed; prints its keyed name only."""

    row_id: str
    study_uid: str = field(repr=False)
    modality: str = field(repr=False)
    instance_count: int | None = field(repr=False)


def save_study(
    session: Session, ws: Workspace, project: Project, site: Site, study: FoundStudy, now: float
) -> str:
    """Write a study's row and plan, without its instances; return the row's keyed name.

    A study that has not changed since it was listed keeps its list; any other is to be listed.
    """
    row_id = ws.row_id(project.name, site.name, study.study_uid)
    row = session.get(table.RequestRow, row_id) or table.RequestRow(
        row_id=row_id,
        project=project.name,
        site=site.name,
        study_uid=study.study_uid,
        outcome="found",
        expected=0,
    )
    row.patient_id, row.issuer = study.patient_id, site.patient_id_issuer
    row.accession_number, row.study_date = study.accession_number, study.study_date
    plan = session.get(table.StudyPlan, row_id) or table.StudyPlan(
        row_id=row_id, modality="", instances=0, bytes=0, availability="", listed_at=None
    )
    if not _is_known(row, plan, study, now):
        plan.listed_at = None
    plan.modality = "/".join(study.modalities) or project.select.modality
    plan.instances = study.instance_count or plan.instances
    plan.availability = study.availability
    plan.look_again_at = _grown_at(site.pacs, study, now) or plan.look_again_at
    if is_opposed(session, project.name, site.name, study.patient_id):
        row.outcome, row.code, row.detail = WITHDRAWN, WITHDRAWN.upper(), ""
    elif study.availability in OFFLINE and row.outcome not in SETTLED:
        row.outcome, row.code, row.detail = "offline", "STUDY_OFFLINE", study.availability.lower()
    elif row.outcome == "offline":
        row.outcome, row.code, row.detail = "found", None, ""
    session.add(row)
    session.flush()
    session.add(plan)
    session.flush()
    return row_id


def _is_known(row: table.RequestRow, plan: table.StudyPlan, study: FoundStudy, now: float) -> bool:
    """Tell whether the list that was saved still holds: as many instances, and no longer fresh."""
    is_due = plan.look_again_at is not None and plan.look_again_at <= now
    if plan.listed_at is None or is_due or study.instance_count is None:
        return False
    return row.expected == study.instance_count and row.code != "STUDY_LIST_INCOMPLETE"


def _grown_at(node: PacsNode | None, study: FoundStudy, now: float) -> float | None:
    """Return when a study that may still grow is old enough; None for one that is."""
    if node is None or len(study.study_date.replace(".", "")) != 8:
        return None
    try:
        day = datetime.strptime(study.study_date.replace(".", ""), "%Y%m%d").date()  # noqa: DTZ007
    except ValueError:
        return None
    digits = study.study_time.replace(":", "")[:6]
    is_time = len(digits) == 6 and digits.isdigit() and digits < "235960" and digits[2] < "6"
    clock_time = time(int(digits[:2]), int(digits[2:4])) if is_time else time(23, 59)
    zone = ZoneInfo(node.calendar.timezone) if node.calendar else UTC
    grown = datetime.combine(day, clock_time, zone) + timedelta(hours=node.limits.fresh_h)
    return grown.timestamp() if grown.timestamp() > now else None


def to_list(ws: Workspace, project: Project, site: Site, now: float) -> Iterator[ToList]:
    """Yield the rows whose instances are to be listed, a page at a time.

    Those never listed, those that changed, and those that were fresh and no longer are.
    """
    row, plan, last = table.RequestRow, table.StudyPlan, ""
    while True:
        query = (
            select(row.row_id, row.study_uid, plan.modality, plan.instances)
            .join(plan, plan.row_id == row.row_id)
            .where(
                row.project == project.name,
                row.site == site.name,
                row.outcome.not_in(("offline", WITHDRAWN)),
                or_(plan.listed_at.is_(None), plan.look_again_at <= now),
                row.row_id > last,
            )
            .order_by(row.row_id)
            .limit(200)
        )
        with ws.ledger.session() as session:
            page = session.execute(query).all()
        for row_id, study_uid, modality, instances in page:
            yield ToList(row_id, study_uid, modality, instances or None)
        if not page:
            return
        last = page[-1][0]


def save_list(ws: Workspace, one: ToList, expected: Sequence[ExpectedInstance], now: float) -> None:
    """Write what is expected of a row; one that grew is open again, any other keeps its state."""
    with ws.ledger.session() as session:
        query = select(table.ExpectedInstance.sop_uid)
        known = set(session.scalars(query.where(table.ExpectedInstance.row_id == one.row_id)))
        row = session.get_one(table.RequestRow, one.row_id)
        was_short = (row.outcome, row.code) == ("refused", "STUDY_LIST_INCOMPLETE")
        is_first = not known and row.expected == 0
        if is_first or was_short or {e.sop_uid for e in expected} != known:
            row.outcome, row.code, row.detail = "found", None, ""
        if len(expected) < (one.instance_count or 0):
            # Fewer listed than counted: what is missing could be a slice nobody would miss.
            row.outcome, row.code = "refused", "STUDY_LIST_INCOMPLETE"
            row.detail = f"{len(expected)} of {one.instance_count} instances listed"
        elif not expected:
            row.outcome, row.code, row.detail = "refused", "STUDY_WITHOUT_IMAGES", ""
        row.expected = len(expected)
        plan = session.get_one(table.StudyPlan, one.row_id)
        plan.listed_at, plan.bytes = now, listed_bytes([*expected])
        if plan.look_again_at is not None and plan.look_again_at <= now:
            plan.look_again_at = None
        session.execute(
            delete(table.ExpectedInstance).where(table.ExpectedInstance.row_id == one.row_id)
        )
        session.add_all(
            table.ExpectedInstance(
                row_id=one.row_id,
                sop_uid=e.sop_uid,
                series_uid=e.series_uid,
                sop_class_uid=e.sop_class_uid,
            )
            for e in expected
        )
