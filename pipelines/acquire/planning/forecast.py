"""The forecast: studies, bytes, nights, and what is missing or unclear, before images move."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select

from config.kindness import GB
from config.project import Project
from config.site import PacsNode, Site
from pipelines.acquire.clock import Clock, SystemClock
from pipelines.acquire.expect import SETTLED
from pipelines.acquire.gentle.guard import RESERVE
from pipelines.acquire.gentle.hours import closes_at, next_opening, night_start
from pipelines.acquire.planning.sizes import Sizes
from pipelines.acquire.resolve import pacs_of
from pipelines.catalogue.database import Catalogue
from pipelines.catalogue.identified import AskedRow, PacsEvent, RequestRow, StudyPlan
from pipelines.workspace import Workspace

__all__ = ["Forecast", "forecast"]

_SUPPOSED_BYTES_PER_S = 5e6
"""Rate supposed where nothing has come yet: a throttled PACS on a hospital's network."""
_LEAST_HISTORY = 20
"""Studies that must have come before the PACS's own rate counts."""
_MOST_NIGHTS = 3650
_NIGHT_S = 86400.0


@dataclass(frozen=True)
class Forecast:
    """What a site will give, and how long that takes."""

    site: str
    lines: dict[str, int]
    """Lines of the list by state; empty for a project without one."""
    problems: dict[str, int]
    """Lines and studies by the code they wait or fall under."""
    studies: int
    instances: int
    bytes: int
    waiting_studies: int
    """Studies still to fetch, of those that can be."""
    waiting_bytes: int
    nights: int | None
    """Nights the rest takes within calendar and budget; None when it never ends."""
    ends_at: str
    """When it ends, UTC; empty when there is nothing to fetch or it never ends."""
    bytes_per_s: float
    rate_is_known: bool
    """Whether the rate was measured at this PACS; else it is supposed."""
    by_modality: dict[str, dict[str, int]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return plain values."""
        return dict(vars(self))


def forecast(
    ws: Workspace, project: Project, site: Site, *, clock: Clock | None = None
) -> Forecast:
    """Return what fetching a project's studies at a site will take, from what was resolved."""
    now = (clock or SystemClock()).now()
    node = pacs_of(site)
    studies, instances, sizes, problems = _studies(ws, project, site)
    waiting = [size for size, is_waiting in sizes if is_waiting]
    rate, is_known = _rate(ws.ledger, site.name)
    nights, ends_at = _nights(node, waiting, rate, now)
    lines, line_problems = _lines(ws.ledger, project, site)
    return Forecast(
        site=site.name,
        lines=lines,
        problems=dict(sorted((problems + line_problems).items())),
        studies=sum(studies.values()),
        instances=sum(instances.values()),
        bytes=sum(size for size, _ in sizes),
        waiting_studies=len(waiting),
        waiting_bytes=sum(waiting),
        nights=nights,
        ends_at=ends_at,
        bytes_per_s=rate,
        rate_is_known=is_known,
        by_modality={m: {"studies": n, "instances": instances[m]} for m, n in studies.items()},
    )


def _studies(
    ws: Workspace, project: Project, site: Site
) -> tuple[Counter[str], Counter[str], list[tuple[int, bool]], Counter[str]]:
    """Return studies and instances by modality, (bytes, is waiting) of each, and codes."""
    weigh = Sizes(ws.ledger, site.name)
    studies: Counter[str] = Counter()
    instances: Counter[str] = Counter()
    problems: Counter[str] = Counter()
    sizes: list[tuple[int, bool]] = []
    query = (
        select(
            RequestRow.outcome,
            RequestRow.code,
            RequestRow.expected,
            StudyPlan.modality,
            StudyPlan.instances,
            StudyPlan.bytes,
        )
        .join(StudyPlan, StudyPlan.row_id == RequestRow.row_id)
        .where(RequestRow.project == project.name, RequestRow.site == site.name)
        .order_by(RequestRow.row_id)
    )
    with ws.ledger.session() as session:
        for outcome, code, expected, modality, counted, listed in session.execute(query):
            number = expected or counted
            studies[modality] += 1
            instances[modality] += number
            size = weigh.of(modality, number, listed)
            sizes.append((size, outcome not in SETTLED and outcome != "offline"))
            if code is not None:
                problems[code] += 1
    return studies, instances, sizes, problems


def _lines(ledger: Catalogue, project: Project, site: Site) -> tuple[dict[str, int], Counter[str]]:
    query = (
        select(AskedRow.state, AskedRow.code, func.count())
        .where(AskedRow.project == project.name, AskedRow.site == site.name)
        .group_by(AskedRow.state, AskedRow.code)
    )
    states: Counter[str] = Counter()
    problems: Counter[str] = Counter()
    with ledger.session() as session:
        for state, code, number in session.execute(query):
            states[state] += number
            if code is not None:
                problems[code] += number
    return dict(sorted(states.items())), problems


def _rate(ledger: Catalogue, site: str) -> tuple[float, bool]:
    """Return bytes a second while fetching, pauses included, and whether that was measured."""
    query = select(func.sum(PacsEvent.bytes), func.sum(PacsEvent.seconds), func.count()).where(
        PacsEvent.site == site, PacsEvent.kind == "retrieve", PacsEvent.code.is_(None)
    )
    pauses = select(func.sum(PacsEvent.seconds)).where(
        PacsEvent.site == site, PacsEvent.kind == "slow"
    )
    with ledger.session() as session:
        taken, seconds, number = session.execute(query).one()
        paused = session.execute(pauses).scalar() or 0.0
    if number < _LEAST_HISTORY or not taken or not seconds:
        return _SUPPOSED_BYTES_PER_S, False
    return float(taken) / (float(seconds) + float(paused)), True


def _nights(node: PacsNode, sizes: list[int], rate: float, now: float) -> tuple[int | None, str]:
    """Fetch in thought, night by night, within hours and budget."""
    budget = node.budget
    if budget.mb_per_s is not None:
        rate = min(rate, budget.mb_per_s * 1e6)
    night_bytes = None if budget.gb_per_night is None else budget.gb_per_night * GB
    left, nights, at, done = list(sizes), 0, now, 0
    while done < len(left):
        opening = next_opening(node.calendar, at)
        if opening is None or nights >= _MOST_NIGHTS:
            return None, ""
        nights += 1
        night_end = night_start(node.calendar, opening) + _NIGHT_S
        at, taken, begun = opening, 0.0, done
        while done < len(left) and at < night_end:
            closing = min(closes_at(node.calendar, at) or night_end, night_end)
            is_full = night_bytes is not None and taken + RESERVE * left[done] > night_bytes
            is_spent = budget.studies_per_night == done - begun
            if is_full or is_spent:
                break
            if at >= closing:
                reopening = next_opening(node.calendar, at)
                if reopening is None:
                    return None, ""
                at = reopening
                continue
            taken += left[done]
            at += left[done] / rate + node.limits.min_delay_s
            done += 1
        if done == begun:
            done += 1  # larger than a night: refused, and no reason to count for ever
        if done < len(left):
            at = max(at, night_end)
    ends = datetime.fromtimestamp(at, UTC).isoformat(timespec="minutes") if sizes else ""
    return nights, ends
