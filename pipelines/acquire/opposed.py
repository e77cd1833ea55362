"""Patients who withdrew from a project are not asked for again: not this study, nor a later one."""

from __future__ import annotations

from sqlalchemy import select

from config.project import Project
from config.site import Site
from pipelines.acquire.pacs import FoundStudy
from pipelines.catalogue.identified import RequestRow
from pipelines.withdraw.site import WITHDRAWN
from pipelines.workspace import Workspace

__all__ = ["close_opposed", "opposed_patients"]


def opposed_patients(ws: Workspace, project: Project, site: Site) -> frozenset[str]:
    """Return the patient numbers of a site that withdrew from a project."""
    row = RequestRow
    with ws.ledger.session() as session:
        chosen = select(row.patient_id).where(
            row.project == project.name, row.site == site.name, row.outcome == WITHDRAWN
        )
        return frozenset(session.scalars(chosen))


def close_opposed(ws: Workspace, project: Project, site: Site, study: FoundStudy) -> None:
    """Keep a row for a study of such a patient: asked, withdrawn, nothing expected."""
    row_id = ws.row_id(project.name, site.name, study.study_uid)
    with ws.ledger.session() as session:
        if session.get(RequestRow, row_id) is None:
            session.add(
                RequestRow(
                    row_id=row_id,
                    project=project.name,
                    site=site.name,
                    study_uid=study.study_uid,
                    patient_id=study.patient_id,
                    issuer=site.patient_id_issuer,
                    accession_number=study.accession_number,
                    study_date=study.study_date,
                    outcome=WITHDRAWN,
                    code=WITHDRAWN.upper(),
                )
            )
