"""Withdraw a subject from a project: forget, close, prove, tell, release anew."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from config.errors import RejectedError
from config.files import write_whole
from config.project import Project
from deid.keys import derive_keys
from pipelines.catalogue.research import Withdrawal
from pipelines.cohort.release import release
from pipelines.withdraw.holdings import holding_of
from pipelines.withdraw.hub import close_versions, forget, prove_absence, remember
from pipelines.withdraw.receipt import receipt_text
from pipelines.withdraw.site import forget_at_site
from pipelines.workspace import Workspace

__all__ = ["Receipt", "withdraw"]


@dataclass(frozen=True)
class Receipt:
    """What was done, without a word of whom it was done for.

    ``mark`` is the keyed digest by which a later study of the subject is refused.
    """

    project: str
    mark: str
    at: str
    rows: int
    removed: dict[str, int]
    removed_at_site: int
    closed_versions: tuple[int, ...]
    next_version: int | None
    gate: tuple[str, ...]
    files_searched: int
    files_left: int = 0


def withdraw(ws: Workspace, project: Project, subject: str) -> Receipt:
    """Carry a patient's opposition through both zones; running it again goes on where it stopped.

    Raises
    ------
    RejectedError
        ``VAULT_UNKNOWN_SUBJECT``, or ``WITHDRAWAL_INCOMPLETE`` when something is left.
    """
    holding = holding_of(ws.research, ws.catalogue, project.name, subject)
    keys = derive_keys(ws.hub_secret(project.name), project.name)
    mark = remember(ws.catalogue, keys, holding)
    at_site = forget_at_site(ws.identified, ws.ledger, holding.rows)
    close_versions(ws.research, ws.catalogue, project.name, holding.versions)
    removed = forget(ws.research, ws.catalogue, holding)
    searched = prove_absence(ws.research, ws.catalogue, holding)
    version, reasons = _released_anew(ws, project) if holding.versions else (None, ())
    receipt = Receipt(
        project=project.name,
        mark=mark,
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        rows=len(holding.rows),
        removed=removed,
        removed_at_site=at_site,
        closed_versions=holding.versions,
        next_version=version,
        gate=reasons,
        files_searched=searched,
    )
    _keep(ws, receipt)
    return receipt


def _released_anew(ws: Workspace, project: Project) -> tuple[int | None, tuple[str, ...]]:
    """Release the next version without the subject, or return why that must wait for readers."""
    try:
        return release(ws, project).version, ()
    except RejectedError as error:
        if error.code != "RELEASE_REFUSED":
            raise
        return None, (error.detail,)


def _keep(ws: Workspace, receipt: Receipt) -> None:
    facts = asdict(receipt)
    with ws.catalogue.session() as session:
        session.get_one(Withdrawal, (receipt.project, receipt.mark)).receipt = facts
    folder = ws.research.root / "receipts"
    stem = f"{receipt.project}-{receipt.mark[:12]}"
    write_whole(folder / f"{stem}.json", json.dumps(facts, indent=1, sort_keys=True).encode())
    write_whole(folder / f"{stem}.md", receipt_text(facts).encode())
