"""One page for a PACS administrator: what was taken, when, at what rate, and what was agreed."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, tzinfo
from zoneinfo import ZoneInfo

from sqlalchemy import select

from config.kindness import GB
from config.site import PacsNode, Site
from pipelines.acquire.gentle.hours import next_opening, night_start
from pipelines.acquire.resolve import pacs_of
from pipelines.catalogue.database import Catalogue
from pipelines.catalogue.identified import PacsEvent

__all__ = ["Night", "nights_of", "pacs_report"]

_PEAK_S = 600.0
"""Stretch over which the highest rate is measured."""


@dataclass
class Night:
    """What one night took."""

    day: date
    first_at: float = 0.0
    last_at: float = 0.0
    studies: int = 0
    instances: int = 0
    bytes: int = 0
    queries: int = 0
    seconds: float = 0.0
    outside: int = 0
    """Retrievals that began outside the calendar's hours."""
    paused_s: float = 0.0
    breaks: int = 0
    failures: int = 0
    _stretches: list[tuple[float, float, int]] = field(default_factory=list)

    @property
    def mb_per_s(self) -> float:
        """Mean rate while fetching, in megabytes a second."""
        return self.bytes / 1e6 / self.seconds if self.seconds else 0.0

    @property
    def peak_mb_per_s(self) -> float:
        """Highest mean rate over ten minutes, in megabytes a second."""
        peak = 0.0
        for start, _, _ in self._stretches:
            within = [
                size * min(1.0, (start + _PEAK_S - at) / took if took else 1.0)
                for at, took, size in self._stretches
                if start <= at < start + _PEAK_S
            ]
            peak = max(peak, sum(within) / _PEAK_S / 1e6)
        return max(peak, self.mb_per_s if self.seconds >= _PEAK_S else 0.0)

    def add(self, event: PacsEvent, node: PacsNode) -> None:
        """Count an event of this night."""
        self.first_at = min(self.first_at or event.at, event.at)
        self.last_at = max(self.last_at, event.at + event.seconds)
        if event.kind == "retrieve":
            self.studies += event.studies
            self.instances += event.instances
            self.bytes += event.bytes
            self.seconds += event.seconds
            self.failures += event.code is not None
            self.outside += next_opening(node.calendar, event.at) != event.at
            self._stretches.append((event.at, event.seconds, event.bytes))
        elif event.kind == "query":
            self.queries += 1
        elif event.kind == "slow":
            self.paused_s += event.seconds
        elif event.kind == "breaker":
            self.breaks += 1


def nights_of(ledger: Catalogue, site: Site) -> tuple[list[Night], str]:
    """Return what each night took, and the SHA-256 of the log that says so."""
    node = pacs_of(site)
    zone = ZoneInfo(node.calendar.timezone) if node.calendar else UTC
    nights: dict[float, Night] = {}
    digest = hashlib.sha256()
    query = select(PacsEvent).where(PacsEvent.site == site.name).order_by(PacsEvent.event_id)
    with ledger.session() as session:
        for event in session.scalars(query):
            facts = [event.event_id, event.at, event.kind, event.studies, event.instances]
            facts += [event.bytes, event.seconds, event.code]
            digest.update(json.dumps(facts).encode() + b"\n")
            start = night_start(node.calendar, event.at)
            day = datetime.fromtimestamp(start, zone).date()
            nights.setdefault(start, Night(day)).add(event, node)
    return [nights[start] for start in sorted(nights)], digest.hexdigest()


def pacs_report(ledger: Catalogue, site: Site, now: float) -> str:
    """Return the page, as Markdown; it holds nothing of a patient."""
    node = pacs_of(site)
    zone = ZoneInfo(node.calendar.timezone) if node.calendar else UTC
    nights, digest = nights_of(ledger, site)
    lines = [
        f"# What was taken from {site.label or site.name}",
        "",
        f"Written {datetime.fromtimestamp(now, zone):%Y-%m-%d %H:%M %Z}.",
        f"Called AE {node.ae_title} as {node.calling_ae_title}. A night lasts from noon to noon.",
        "",
        "## Agreed",
        "",
        *_agreed(node),
        "",
        "## Kept",
        "",
        *_kept(node, nights),
        "",
        "## Night by night",
        "",
        "| night | from | to | studies | images | GB | MB/s | highest over 10 min | pauses | failures |",  # noqa: E501
        "|---|---|---|---|---|---|---|---|---|---|",
        *(_row(one, zone) for one in nights),
        "",
        f"SHA-256 of the log this page is made from: `{digest}`",
        "",
    ]
    return "\n".join(lines)


def _agreed(node: PacsNode) -> list[str]:
    budget, limits = node.budget, node.limits
    agreed = [f"- Associations at once: {node.max_associations}"]
    if node.calendar is not None:
        hours = node.calendar.model_dump(mode="json")["week"]
        written = "; ".join(f"{day} {', '.join(one) or 'closed'}" for day, one in hours.items())
        closed = node.calendar.public_holidays or "none"
        agreed.append(f"- Hours ({node.calendar.timezone}): {written}; public holidays: {closed}")
    else:
        agreed.append("- Hours: any")
    for value, unit in (
        (budget.gb_per_night, "GB a night"),
        (budget.studies_per_night, "studies a night"),
        (budget.mb_per_s, "MB/s on average"),
    ):
        if value is not None:
            agreed.append(f"- At most {value:g} {unit}")
    agreed.append(
        f"- Slower from {limits.slow_ratio:g} times the usual response time; left alone for "
        f"{limits.breaker_pause_s / 60:g} min after {limits.breaker_failures} failures in a row"
    )
    return agreed


def _kept(node: PacsNode, nights: Sequence[Night]) -> list[str]:
    outside = sum(one.outside for one in nights)
    kept = [f"- Retrievals begun outside the hours: {outside}"]
    checks: dict[str, tuple[float, float | None]] = defaultdict(lambda: (0.0, None))
    budget = node.budget
    checks["GB"] = (max((n.bytes / GB for n in nights), default=0.0), budget.gb_per_night)
    checks["studies"] = (max((n.studies for n in nights), default=0), budget.studies_per_night)
    for unit, (most, agreed) in checks.items():
        against = "" if agreed is None else f" of {agreed:g} agreed"
        verdict = "" if agreed is None else (", kept" if most <= agreed else ", **EXCEEDED**")
        kept.append(f"- Most in one night: {most:.6g} {unit}{against}{verdict}")
    kept.append(
        f"- Slowed down for {sum(n.paused_s for n in nights) / 60:.1f} min; "
        f"left alone {sum(n.breaks for n in nights)} times"
    )
    return kept


def _row(night: Night, zone: tzinfo) -> str:
    first, last = (
        f"{datetime.fromtimestamp(at, zone):%H:%M}" for at in (night.first_at, night.last_at)
    )
    return (
        f"| {night.day} | {first} | {last} | {night.studies} | {night.instances} "
        f"| {night.bytes / GB:.3f} | {night.mb_per_s:.2f} | {night.peak_mb_per_s:.2f} "
        f"| {night.paused_s / 60:.1f} min | {night.failures} |"
    )
