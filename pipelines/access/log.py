"""The log of acts: who did what to which thing; each entry holds the SHA-256 of the one before.

Whoever may write the whole database can forge the chain; the newest digest, which officers see,
belongs on paper from time to time.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from pipelines.catalogue.database import Catalogue
from pipelines.catalogue.people import AuditEntry
from pipelines.chain import START, digest_of_facts, links

__all__ = ["acts", "note_act", "verify_acts"]


def note_act(session: Session, who: str, action: str, target: str = "") -> None:
    """Add an act to the chain, in the transaction that carries it out.

    Parameters
    ----------
    target : str
        A project, a version, a request, an account; never anything of a patient, nor a side.
    """
    if session.get_bind().dialect.name == "postgresql":  # SQLite's transactions wait for each other
        session.execute(text("LOCK TABLE audit_entry IN EXCLUSIVE MODE"))
    last = session.scalars(select(AuditEntry).order_by(AuditEntry.number.desc()).limit(1)).first()
    entry = AuditEntry(
        number=last.number + 1 if last else 1,
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        who=who,
        action=action,
        target=target,
        former=last.digest if last else START,
        digest="",
    )
    entry.digest = _digest(entry)
    session.add(entry)
    session.flush()


def acts(catalogue: Catalogue, who: str | None = None, newest: int = 200) -> list[AuditEntry]:
    """Return the newest acts, of one user or of all, newest first."""
    chosen = select(AuditEntry).order_by(AuditEntry.number.desc()).limit(newest)
    if who is not None:
        chosen = chosen.where(AuditEntry.who == who)
    with catalogue.session() as session:
        found = list(session.scalars(chosen))
        session.expunge_all()
        return found


def verify_acts(catalogue: Catalogue) -> tuple[int, str]:
    """Return how many acts the chain has and the digest of the last.

    Raises
    ------
    RejectedError
        ``AUDIT_CHAIN_BROKEN`` with the number of the first entry that does not fit.
    """
    last = 0, START
    with catalogue.session() as session:
        entries = session.scalars(select(AuditEntry).order_by(AuditEntry.number))
        for link in links(entries, _digest, "AUDIT_CHAIN_BROKEN"):
            last = link
    return last


def _digest(entry: AuditEntry) -> str:
    return digest_of_facts(
        entry.number,
        entry.at,
        entry.who,
        entry.action,
        entry.target,
        entry.former,
    )
