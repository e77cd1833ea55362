"""Patients who withdrew from a project are not asked for again: not this study, nor a later one."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipelines.catalogue.identified import RequestRow
from pipelines.withdraw.outcome import WITHDRAWN

__all__ = ["is_opposed"]


def is_opposed(session: Session, project: str, site: str, patient_id: str) -> bool:
    """Tell whether a patient of a site withdrew from a project: one of their rows says so."""
    row = RequestRow
    chosen = select(row.row_id).where(
        row.project == project,
        row.site == site,
        row.patient_id == patient_id,
        row.outcome == WITHDRAWN,
    )
    return session.scalars(chosen).first() is not None
