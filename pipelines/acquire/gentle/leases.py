"""Associations of a PACS as leases in the catalogue: so many at once over all hosts, and no more.

A lease expires, so a host that died gives its place back; a process that died on this very host
is seen at once.
"""

from __future__ import annotations

import os
import platform
import uuid

from sqlalchemy import CursorResult, delete, select, update

from config.errors import EnvironmentFault
from pipelines.catalogue.database import Catalogue
from pipelines.catalogue.identified import PacsLease

__all__ = ["Lease", "take_lease"]

_TAKEN = frozenset({"IntegrityError", "UniqueViolation"})
"""What SQLite and PostgreSQL call a row that is there already."""


class Lease:
    """One place at a PACS, ours until it expires or is given back."""

    def __init__(self, ledger: Catalogue, site: str, slot: int, holder: str) -> None:
        self._ledger = ledger
        self._key = (PacsLease.site == site, PacsLease.slot == slot, PacsLease.holder == holder)

    def renew(self, until: float) -> bool:
        """Hold it until then; False when somebody else has it by now."""
        with self._ledger.session() as session:
            done = session.execute(update(PacsLease).where(*self._key).values(until=until))
            return isinstance(done, CursorResult) and done.rowcount == 1

    def give_back(self) -> None:
        """Free the place."""
        with self._ledger.session() as session:
            session.execute(delete(PacsLease).where(*self._key))


def take_lease(
    ledger: Catalogue, site: str, places: int, now: float, lease_s: float
) -> Lease | None:
    """Take one of a PACS's places; None when all are held.

    Parameters
    ----------
    places : int
        Associations the PACS allows at once.
    now, lease_s : float
        Seconds since 1970, and how long the place is held unless renewed.
    """
    holder = f"{platform.node()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    _reclaim(ledger, site, now)
    for slot in range(places):
        try:
            with ledger.session() as session:
                if session.get(PacsLease, (site, slot)) is not None:
                    continue
                session.add(PacsLease(site=site, slot=slot, holder=holder, until=now + lease_s))
        except EnvironmentFault as error:
            if error.detail not in _TAKEN:
                raise
            continue  # another host was faster
        return Lease(ledger, site, slot, holder)
    return None


def _reclaim(ledger: Catalogue, site: str, now: float) -> None:
    """Free the places of those whose time is over, and of processes of this host that are gone."""
    with ledger.session() as session:
        for held in session.scalars(select(PacsLease).where(PacsLease.site == site)):
            if held.until <= now or _is_dead(held.holder):
                session.delete(held)


def _is_dead(holder: str) -> bool:
    host, pid, _ = holder.rsplit("-", 2)
    if host != platform.node():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
