"""The guard of one PACS: may we ask now, and what did asking cost it.

Everything it knows lies in the catalogue, so several processes and hosts share it, and a process
that is killed forgets nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from config.errors import TransientError
from config.kindness import GB
from config.site import PacsNode
from pipelines.acquire.clock import Clock
from pipelines.acquire.gentle.breaker import Breaker
from pipelines.acquire.gentle.budget import Left, left_of
from pipelines.acquire.gentle.hours import next_opening, night_start
from pipelines.acquire.gentle.leases import Lease, take_lease
from pipelines.acquire.gentle.pace import Pace
from pipelines.catalogue.database import Catalogue
from pipelines.catalogue.identified import PacsEvent, PacsHealth

__all__ = ["RESERVE", "Guard", "Stop", "Turn"]

RESERVE = 1.1
"""Bytes reserved for a study over its estimate: headers, and what is sent twice."""
_BUSY_WAIT_S = 5.0
_NIGHT_S = 86400.0
_NEVER_ASKED = frozenset({"PACS_UNREACHABLE", "PACS_REFUSED"})
"""Failures before the PACS could be asked for a study: none counts as taken."""


@dataclass(frozen=True)
class Stop:
    """Why the PACS is not asked now, and when it may be (seconds since 1970; None: unknown)."""

    code: str
    until: float | None


class Turn:
    """One study's turn: counts what arrives and stops it before the night's budget is over.

    An object has been sent before it can be counted, and the next is on its way: the meter says
    stop while there is room for two more of the largest seen.
    """

    def __init__(self, lease: Lease, left: Left, clock: Clock, lease_s: float) -> None:
        self.arrived_bytes = 0
        self.arrived = 0
        self._largest = 0
        self._lease, self._left, self._clock, self._lease_s = lease, left, clock, lease_s
        self._renewed = clock.now()

    def meter(self, size: int) -> bool:
        """Count an object that arrived; tell whether another might be over the budget."""
        self.arrived_bytes += size
        self.arrived += 1
        self._largest = max(self._largest, size)
        now = self._clock.now()
        if now - self._renewed > self._lease_s / 3:
            self._lease.renew(now + self._lease_s)
            self._renewed = now
        room = self._left.bytes
        return room is not None and self.arrived_bytes + 2 * self._largest > room


class Guard:
    """Hours, budget, associations, breaker and pace of one site's PACS."""

    def __init__(self, ledger: Catalogue, site: str, node: PacsNode, clock: Clock) -> None:
        self.ledger, self.site, self.node, self.clock = ledger, site, node, clock

    def stop(self, expected_bytes: int = 0, *, images: bool = True) -> Stop | None:
        """Say why the PACS may not be asked now; None when it may.

        Parameters
        ----------
        expected_bytes : int
            Estimated size of the study.
        images : bool
            Images are asked for; a query alone is bound by the breaker only.
        """
        now = self.clock.now()
        breaker, _ = self._health()
        if breaker.is_open(now):
            return Stop("PACS_BREAKER_OPEN", breaker.open_until)
        if not images:
            return None
        opening = next_opening(self.node.calendar, now)
        if opening is None or opening > now:
            return Stop("PACS_CLOSED", opening)
        if not self.left().holds(round(RESERVE * expected_bytes)):
            return self.next_night()
        return None

    def next_night(self) -> Stop:
        """Return the stop of a budget that is spent: until the next night opens."""
        night = night_start(self.node.calendar, self.clock.now())
        return Stop("PACS_BUDGET_SPENT", next_opening(self.node.calendar, night + _NIGHT_S))

    def left(self) -> Left:
        """Return what is left of tonight's budget."""
        night = night_start(self.node.calendar, self.clock.now())
        return left_of(self.ledger, self.site, self.node.budget, night)

    def never_fits(self, expected_bytes: int) -> bool:
        """Tell whether a study is larger than a whole night's budget."""
        whole = self.node.budget.gb_per_night
        return whole is not None and RESERVE * expected_bytes > whole * GB

    @contextmanager
    def turn(self, project: str, expected_bytes: int = 0, *, studies: int = 1) -> Iterator[Turn]:
        """Hold one of the PACS's places, reserve the bytes, and log what was really taken.

        Raises
        ------
        TransientError
            ``PACS_BUSY``: all its places are held.
        """
        lease = self._take_place()
        now = self.clock.now()
        kind = "retrieve" if studies else "query"
        reserved = round(RESERVE * expected_bytes)
        # Reserved first and looked at then: two hosts cannot both take the last of a budget.
        event_id = self._log(kind, project, studies=studies, bytes=reserved, code="OPEN")
        left = self.left()
        room = None if left.bytes is None else left.bytes + reserved
        turn = Turn(lease, Left(room, None), self.clock, self.node.limits.lease_s)
        code: str | None = None
        try:
            yield turn
        except TransientError as error:
            code = error.code
            raise
        finally:
            lease.give_back()
            with self.ledger.session() as session:
                event = session.get_one(PacsEvent, event_id)
                event.bytes, event.instances = turn.arrived_bytes, turn.arrived
                event.seconds, event.code = self.clock.now() - now, code
                if code in _NEVER_ASKED and not turn.arrived:
                    event.studies = 0

    def _take_place(self) -> Lease:
        """Take one of the PACS's places, waiting for one that is held as long as a lease lasts."""
        limits, waited = self.node.limits, 0.0
        while True:
            places = self.node.max_associations
            lease = take_lease(self.ledger, self.site, places, self.clock.now(), limits.lease_s)
            if lease is not None:
                return lease
            if waited >= limits.lease_s:
                raise TransientError("PACS_BUSY", f"{places} in use")
            self.clock.wait(_BUSY_WAIT_S)
            waited += _BUSY_WAIT_S

    def failed(self, code: str) -> bool:
        """Note that the PACS failed; tell whether the breaker opened."""
        breaker, pace = self._health()
        opened = breaker.failed(code, self.clock.now())
        self._keep(breaker, pace)
        if opened:
            self._log("breaker", "", code=code, seconds=self.node.limits.breaker_pause_s)
        return opened

    def worked(self, modality: str, seconds: float, turn: Turn) -> None:
        """Note that a study came, then pause as long as is kind."""
        breaker, pace = self._health()
        breaker.worked()
        limits, wait_s = self.node.limits, 0.0
        if turn.arrived:
            pace.note(modality, seconds / turn.arrived)
            wait_s = pace.pause_s(modality, seconds, limits.slow_ratio, limits.max_delay_s)
        self._keep(breaker, pace)
        if wait_s:
            self._log("slow", "", code="PACS_SLOWED", seconds=wait_s)
        rate = self.node.budget.mb_per_s
        if rate is not None:
            wait_s = max(wait_s, turn.arrived_bytes / (rate * 1e6) - seconds)
        wait_s = max(wait_s, limits.min_delay_s)
        if wait_s > 0:
            self.clock.wait(wait_s)

    def _health(self) -> tuple[Breaker, Pace]:
        with self.ledger.session() as session:
            kept = session.get(PacsHealth, self.site)
            if kept is None:
                return Breaker(self.node.limits), Pace()
            breaker = Breaker(self.node.limits, kept.failures, kept.open_until, kept.code)
            return breaker, Pace(kept.pace)

    def _keep(self, breaker: Breaker, pace: Pace) -> None:
        with self.ledger.session() as session:
            kept = session.get(PacsHealth, self.site) or PacsHealth(site=self.site)
            kept.failures, kept.open_until = breaker.failures, breaker.open_until
            kept.code, kept.pace = breaker.code, pace.as_text()
            session.add(kept)

    def _log(
        self,
        kind: str,
        project: str,
        *,
        studies: int = 0,
        bytes: int = 0,  # noqa: A002 named as its column is
        seconds: float = 0.0,
        code: str | None = None,
    ) -> int:
        event = PacsEvent(
            site=self.site,
            at=self.clock.now(),
            kind=kind,
            project=project,
            studies=studies,
            instances=0,
            bytes=bytes,
            seconds=seconds,
            code=code,
        )
        with self.ledger.session() as session:
            session.add(event)
            session.flush()
            return int(event.event_id)
