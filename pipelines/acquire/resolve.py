"""Resolve: ask a PACS which studies match, and save what to expect of each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import delete, select

from config.errors import ConfigurationError
from config.project import Project
from config.site import PacsNode, Site
from pipelines.acquire.opposed import close_opposed, opposed_patients
from pipelines.acquire.pacs import ExpectedInstance, FoundStudy, find_instances, find_studies
from pipelines.catalogue import identified as table
from pipelines.progress import StageAccount, timed
from pipelines.workspace import Workspace

__all__ = ["SETTLED", "pacs_of", "resolve"]

ASKS = 3
"""How often a study's instances are asked for while fewer are listed than counted."""

SETTLED = frozenset({"complete", "complete_after_retry"})
"""Outcomes of a row that has every instance the PACS announced."""


def pacs_of(site: Site) -> PacsNode:
    """Return the site's PACS.

    Raises
    ------
    ConfigurationError
        ``SITE_WITHOUT_PACS``.
    """
    if site.pacs is None:
        raise ConfigurationError("SITE_WITHOUT_PACS", site.name)
    return site.pacs


def resolve(
    ws: Workspace,
    project: Project,
    site: Site,
    *,
    since: date | None = None,
    until: date | None = None,
) -> StageAccount:
    """Save a row and its expected instances for every study of the project at a site.

    A row whose study has not grown since it was settled is left alone, and nothing is asked of the
    PACS below study level.

    Raises
    ------
    TransientError
        The PACS refused, timed out or went away; rows saved so far stay.
    """
    node = pacs_of(site)
    with timed(StageAccount("resolve", project.name, site.name)) as account:
        studies = find_studies(node, project.select, since, until)
        ws.progress.begin("resolve", len(studies))
        opposed = opposed_patients(ws, project, site)
        for study in sorted(studies, key=lambda s: s.study_uid):
            if study.patient_id in opposed:
                close_opposed(ws, project, site, study)
                account.skipped += 1
            elif _unchanged(ws, project, site, study):
                account.skipped += 1
            else:
                _save(ws, project, site, study, _list(node, study))
                account.done += 1
            ws.progress.advance("resolve")
    ws.keep_account(account)
    return account


def _list(node: PacsNode, study: FoundStudy) -> list[ExpectedInstance]:
    """Return the study's instances; asked again while they are fewer than the PACS counts."""
    found: dict[str, ExpectedInstance] = {}
    for _ in range(ASKS):
        found |= {one.sop_uid: one for one in find_instances(node, study.study_uid)}
        if len(found) >= (study.instance_count or 0):
            break
    return [found[uid] for uid in sorted(found)]


def _unchanged(ws: Workspace, project: Project, site: Site, study: FoundStudy) -> bool:
    """Tell whether a settled row still expects as many instances as the PACS now counts."""
    with ws.ledger.session() as session:
        row = session.get(table.RequestRow, ws.row_id(project.name, site.name, study.study_uid))
        if row is None or row.outcome not in SETTLED or study.instance_count is None:
            return False
        return row.expected == study.instance_count


def _save(
    ws: Workspace,
    project: Project,
    site: Site,
    study: FoundStudy,
    expected: Sequence[ExpectedInstance],
) -> None:
    """Write the row and its expectation; one that grew is open again, any other keeps its state."""
    row_id = ws.row_id(project.name, site.name, study.study_uid)
    with ws.ledger.session() as session:
        known = set(
            session.scalars(
                select(table.ExpectedInstance.sop_uid).where(
                    table.ExpectedInstance.row_id == row_id
                )
            )
        )
        row = session.get(table.RequestRow, row_id) or table.RequestRow(
            row_id=row_id, project=project.name, site=site.name, study_uid=study.study_uid
        )
        row.patient_id, row.issuer = study.patient_id, site.patient_id_issuer
        row.accession_number, row.study_date = study.accession_number, study.study_date
        was_short = (row.outcome, row.code) == ("refused", "STUDY_LIST_INCOMPLETE")
        if row.outcome is None or was_short or {e.sop_uid for e in expected} != known:
            row.outcome, row.code, row.detail = "found", None, ""
        if len(expected) < (study.instance_count or 0):
            # Fewer listed than counted: what is missing could be a slice nobody would miss.
            row.outcome, row.code = "refused", "STUDY_LIST_INCOMPLETE"
            row.detail = f"{len(expected)} of {study.instance_count} instances listed"
        row.expected = len(expected)
        session.add(row)
        session.flush()
        session.execute(
            delete(table.ExpectedInstance).where(table.ExpectedInstance.row_id == row_id)
        )
        session.add_all(
            table.ExpectedInstance(
                row_id=row_id,
                sop_uid=e.sop_uid,
                series_uid=e.series_uid,
                sop_class_uid=e.sop_class_uid,
            )
            for e in expected
        )
