"""The log of accesses: each entry holds the SHA-256 of the one before, so that a change shows.

The newest number and digest also lie in a file of their own: entries cut off the end show too.
Whoever may write both can forge both; the digest belongs on paper at each export.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from config.errors import RejectedError
from config.files import write_whole
from pipelines.catalogue.database import Catalogue
from pipelines.catalogue.identified import VaultAccess
from pipelines.chain import START, digest_of_facts, links

__all__ = ["add_entry", "keep_head", "verify_chain"]


def add_entry(session: Session, action: str, holders: tuple[str, ...], target: str) -> VaultAccess:
    """Add an access to the chain, in the transaction that serves it.

    Parameters
    ----------
    target : str
        A subject, a row's number, a project or a count; never anything of a patient.
    """
    last = session.scalars(select(VaultAccess).order_by(VaultAccess.number.desc()).limit(1)).first()
    entry = VaultAccess(
        number=last.number + 1 if last else 1,
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        action=action,
        holders=", ".join(sorted(holders)),
        target=target,
        former=last.digest if last else START,
        digest="",
    )
    entry.digest = _digest(entry)
    session.add(entry)
    session.flush()
    return entry


def keep_head(path: Path, number: int, digest: str) -> None:
    """Write the newest entry's number and digest beside the catalogue."""
    write_whole(path, json.dumps({"digest": digest, "number": number}).encode(), mode=0o600)


def verify_chain(ledger: Catalogue, head: Path) -> tuple[int, str]:
    """Return how many entries the chain has and the last one's digest.

    Raises
    ------
    RejectedError
        ``VAULT_CHAIN_BROKEN`` with the number of the first entry that does not fit.
    """
    former, count = START, 0
    try:
        kept: dict[str, str] = json.loads(head.read_text()) if head.exists() else {"number": "0"}
        kept_number, kept_digest = int(kept["number"]), kept.get("digest", START)
    except (OSError, ValueError, KeyError, TypeError):
        raise RejectedError("VAULT_CHAIN_BROKEN", "the head cannot be read") from None
    with ledger.session() as session:
        entries = session.scalars(select(VaultAccess).order_by(VaultAccess.number))
        for count, former in links(entries, _digest, "VAULT_CHAIN_BROKEN"):
            if count == kept_number and former != kept_digest:
                raise RejectedError("VAULT_CHAIN_BROKEN", f"entry {count}, against the head")
    if count < kept_number or (count and not kept_number):
        raise RejectedError("VAULT_CHAIN_BROKEN", f"{count} entries, the head says {kept_number}")
    return count, former


def _digest(entry: VaultAccess) -> str:
    return digest_of_facts(
        entry.number,
        entry.at,
        entry.action,
        entry.holders,
        entry.target,
        entry.former,
    )
