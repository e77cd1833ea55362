"""What the hub can say of a subject: which rows of which sites; who they are, it cannot."""

from __future__ import annotations

from sqlalchemy import select

from config.errors import RejectedError
from config.settings import Settings
from pipelines.catalogue.database import open_research
from pipelines.catalogue.research import StudyRow

__all__ = ["rows_of"]


def rows_of(settings: Settings, subject: str) -> list[dict[str, str]]:
    """Return site and row of each study of a subject.

    Raises
    ------
    RejectedError
        ``VAULT_UNKNOWN_SUBJECT``.
    """
    catalogue = open_research(settings)
    try:
        with catalogue.session() as session:
            chosen = select(StudyRow).where(StudyRow.subject == subject)
            rows = session.scalars(chosen.order_by(StudyRow.site, StudyRow.row_id))
            found = [{"site": r.site, "row_id": r.row_id, "project": r.project} for r in rows]
    finally:
        catalogue.close()
    if not found:
        raise RejectedError("VAULT_UNKNOWN_SUBJECT", subject)
    return found
