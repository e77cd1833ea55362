"""The mark of a subject that was withdrawn: it recognises a later study, and names nobody."""

from __future__ import annotations

import hmac

from sqlalchemy.orm import Session

from deid.keys import Keys
from pipelines.catalogue.research import Withdrawal

__all__ = ["is_withdrawn", "mark_of"]


def mark_of(keys: Keys, subject: str) -> str:
    """Return the keyed digest of a subject; without the hub's secret it cannot be tested."""
    return hmac.new(keys.subject, f"withdrawn:{subject}".encode(), "sha256").hexdigest()


def is_withdrawn(session: Session, project: str, keys: Keys, subject: str) -> bool:
    """Tell whether a subject of a project was withdrawn."""
    return session.get(Withdrawal, (project, mark_of(keys, subject))) is not None
