"""Settle: name a row's outcome from the two UID sets, never from what the PACS called success."""

from __future__ import annotations

from collections.abc import Sequence

from config.site import Site
from pipelines.acquire.pacs import ExpectedInstance, RetrieveReport
from pipelines.acquire.taken import contested, received_uids
from pipelines.catalogue import identified as table
from pipelines.workspace import Workspace

__all__ = ["settle"]


def settle(
    ws: Workspace,
    site: Site,
    row_id: str,
    study_uid: str,
    expected: Sequence[ExpectedInstance],
    report: RetrieveReport,
) -> str | None:
    """Write what became of a row; return the code when it falls short.

    A whole study keeps ``complete`` with the code ``SOP_UID_CONFLICT`` where an instance came with
    different bytes: all are kept, and none is used until somebody decides.
    """
    have = received_uids(ws, site, study_uid) & {e.sop_uid for e in expected}
    conflicts = contested(ws, site, study_uid)
    with ws.ledger.session() as session:
        row = session.get_one(table.RequestRow, row_id)
        row.received, row.attempts = len(have), row.attempts + report.attempts
        if report.strangers and len(have) < len(expected):
            row.outcome, row.code = "refused", "STUDY_OTHER_PATIENT"
            row.detail = f"{len(report.strangers)} instances of another patient or study"
        elif report.unexpected:
            # More than was announced: the list is not whole, so neither is what it promises.
            row.outcome, row.code = "partial", "STUDY_LIST_INCOMPLETE"
            row.detail = f"{len(report.unexpected)} instances came that were not listed"
        elif row.code == "STUDY_LIST_INCOMPLETE":
            pass  # until it is listed anew, whatever came
        elif expected and len(have) == len(expected):
            row.outcome = "complete" if report.attempts <= 1 else "complete_after_retry"
            row.code, row.detail = None, ""
            if conflicts:
                row.code, row.detail = "SOP_UID_CONFLICT", f"{conflicts} instances"
        elif have:
            row.outcome, row.code = "partial", "STUDY_PARTIAL"
            row.detail = f"{len(have)} of {len(expected)} instances"
        elif not expected:
            row.outcome, row.code, row.detail = "refused", "STUDY_WITHOUT_IMAGES", ""
        else:
            row.outcome, row.code = "refused", report.code or "STUDY_NOT_DELIVERED"
            row.detail = f"0 of {len(expected)} instances"
        return row.code
