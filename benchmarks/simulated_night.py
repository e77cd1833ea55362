"""Simulated nights: three PACS with calendars and budgets, one slow, one failing, one capped.

``make night`` asks for 2,000 studies of three sites: one answers four times slower half way
through, one rejects every association for an hour of its first night, one gives 100 answers a
query and calls that success. Time is simulated, the network is real. Budgets and hours are
asserted from the archives' own logs, the forecast is compared with what came, and every study must
be accounted for.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import yaml
from sqlalchemy import select

from config.kindness import GB
from config.settings import load_settings
from config.site import Site
from pipelines.acquire.archive import Archive, Faults, Request
from pipelines.acquire.archive.synthetic import SyntheticStudy, entries_of
from pipelines.acquire.clock import SimulatedClock
from pipelines.acquire.gentle.hours import next_opening, night_start
from pipelines.acquire.planning.forecast import Forecast, forecast
from pipelines.acquire.planning.pacs_report import pacs_report
from pipelines.acquire.resolve import resolve
from pipelines.acquire.retrieve import retrieve
from pipelines.catalogue.identified import RequestRow
from pipelines.workspace import Workspace, open_workspace

PARIS = ZoneInfo("Europe/Paris")
START = datetime(2026, 3, 3, 18, 0, tzinfo=PARIS).timestamp()
SIDE_PX = 160
WEEK = {day: ["20:00-06:00"] for day in ("mon", "tue", "wed", "thu", "fri")} | {
    "sat": ["00:00-24:00"],
    "sun": ["00:00-24:00"],
}


@dataclass(frozen=True)
class Hospital:
    """One site: what troubles it and what was agreed with it."""

    name: str
    faults: Faults
    budget: dict[str, float]


def hospitals(studies: int, cap: int) -> list[Hospital]:
    """Return the three sites; a night's budget is a third of a site's studies."""
    third = max(2, studies // 9)
    rate = {"latency_s": 0.2, "bytes_per_s": 40_000.0}
    study_bytes = 2 * (2 * SIDE_PX**2 + 4096)
    return [
        Hospital(
            "slow",
            Faults(**rate, slow_after_n=studies // 6, slow_factor=4.0),
            {"gb_per_night": third * study_bytes / GB},
        ),
        Hospital(
            "failing",
            Faults(**rate, down_from_s=3 * 3600, down_for_s=3600),
            {"studies_per_night": third},
        ),
        Hospital(
            "capped",
            Faults(**rate, max_answers=cap),
            {"studies_per_night": third, "gb_per_night": third * study_bytes / GB},
        ),
    ]


def studies_of(site: int, number: int) -> list[SyntheticStudy]:
    """Return a site's studies, spread over a year with one busy day."""
    made = []
    for n in range(number):
        day = datetime(2025, 1, 1, tzinfo=PARIS) + timedelta(days=0 if n % 5 == 0 else n % 365)
        made.append(
            SyntheticStudy(
                f"2.25.88{site}{n:05}", f"P{n}", f"{n:08}", f"{day:%Y%m%d}",
                f"{7 + n % 12:02}{n // 12 % 60:02}{n // 720 % 60:02}",
                instances=2, side_px=SIDE_PX,
            )
        )  # fmt: skip
    return made


def write_site(home: Path, hospital: Hospital, port: int) -> None:
    """Write the settings of one site, and the project."""
    pacs = {
        "ae_title": "NIGHT", "host": "127.0.0.1", "port": port, "methods": ["c-get"],
        "retries": 1, "retry_wait_s": 1, "budget": hospital.budget, "calendar": {"week": WEEK},
    }  # fmt: skip
    project = {
        "name": "night", "sites": [hospital.name], "policy": "strict", "recipe": "native",
        "select": {"modality": "CT", "study_date": "2025-01-01..2025-12-31"},
        "delivery": {"expires": "2030-12-31"},
    }  # fmt: skip
    site = {"name": hospital.name, "pacs": pacs}
    for name, content in {f"sites/{hospital.name}": site, "projects/night": project}.items():
        path = home / "config" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(content), encoding="utf-8")


def check_log(log: tuple[Request, ...], site: Site) -> tuple[list[str], dict[str, Counter[str]]]:
    """Hold what the archive saw against what was agreed with it."""
    assert site.pacs is not None
    calendar, budget, problems = site.pacs.calendar, site.pacs.budget, []
    nights: dict[str, Counter[str]] = defaultdict(Counter)
    for one in log:
        if one.operation != "C-GET":
            continue
        night = nights[str(datetime.fromtimestamp(night_start(calendar, one.at), PARIS).date())]
        night["bytes"] += one.sent_bytes
        night["requests"] += 1
        # A request is logged at its end: it may end a little after the hours, not begin there.
        if all(next_opening(calendar, at) != at for at in (one.at, one.at - 120)):
            problems.append(f"{site.name}: fetched outside the hours")
    for day, night in nights.items():
        if budget.gb_per_night is not None and night["bytes"] > budget.gb_per_night * GB:
            problems.append(f"{site.name} {day}: {night['bytes']} bytes over the budget")
        most = budget.studies_per_night
        if most is not None and night["requests"] > most + 2 * site.pacs.retries:
            problems.append(f"{site.name} {day}: {night['requests']} studies of {most}")
    return problems, nights


def run_site(
    home: Path, number: int, hospital: Hospital, studies: int
) -> tuple[list[str], dict[str, object]]:
    """Run one site's nights to their end; return problems and figures."""
    made = studies_of(number, studies)
    clock = SimulatedClock(START)
    entries = [e for study in made for e in entries_of(study)]
    archive = Archive([], "NIGHT", faults=hospital.faults, entries=entries, clock=clock)
    with archive:
        write_site(home, hospital, archive.port)
        with open_workspace(load_settings(home, {})) as ws:
            project, site = ws.project("night"), ws.site(hospital.name)
            resolve(ws, project, site, sample=True, clock=clock)
            before = forecast(ws, project, site, clock=clock)
            resolve(ws, project, site, clock=clock)
            retrieve(ws, project, site, stay=True, clock=clock)
            problems, nights = check_log(archive.log, site)
            problems += check_rows(ws, made, before, nights, hospital.name)
            page = pacs_report(ws.ledger, site, clock.now())
            if "EXCEEDED" in page or "outside the hours: 0" not in page:
                problems.append(f"{hospital.name}: the report does not agree")
    sent = sum(n["bytes"] for n in nights.values())
    return problems, {
        "studies": studies, "nights": len(nights), "nights_forecast": before.nights,
        "bytes": sent, "bytes_forecast": before.bytes,
        "error_percent": round(100 * (before.bytes - sent) / sent, 1),
        "most_in_a_night": {
            key: max(n[key] for n in nights.values()) for key in ("bytes", "requests")
        },
        "budget": hospital.budget,
    }  # fmt: skip


def check_rows(
    ws: Workspace,
    made: list[SyntheticStudy],
    before: Forecast,
    nights: dict[str, Counter[str]],
    name: str,
) -> list[str]:
    """Every study has a row that is complete, and the forecast was within ten per cent."""
    with ws.ledger.session() as session:
        rows = session.scalars(select(RequestRow).where(RequestRow.site == name)).all()
        outcomes = Counter(row.outcome.removesuffix("_after_retry") for row in rows)
    problems = []
    if outcomes != Counter({"complete": len(made)}):
        problems.append(f"{name}: {dict(outcomes)}")
    sent = sum(night["bytes"] for night in nights.values())
    for what, said, came in (("studies", before.studies, len(made)), ("bytes", before.bytes, sent)):
        if abs(said - came) > 0.1 * came:
            problems.append(f"{name}: forecast {said} {what}, {came} came")
    if before.nights is None or abs(before.nights - len(nights)) > max(1, 0.1 * len(nights)):
        problems.append(f"{name}: forecast {before.nights} nights, it took {len(nights)}")
    return problems


def run(studies: int, cap: int) -> tuple[list[str], dict[str, object]]:
    """Run all three sites; return problems and figures by site."""
    problems: list[str] = []
    figures: dict[str, object] = {}
    with tempfile.TemporaryDirectory(prefix="night-") as folder:
        for number, hospital in enumerate(hospitals(studies, cap)):
            share = studies // 3 + (number < studies % 3)
            found, figures[hospital.name] = run_site(
                Path(folder) / hospital.name, number, hospital, share
            )
            problems += found
    return problems, figures


def main() -> int:
    """Run the nights, print the figures, return 1 on any problem."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=2000)
    parser.add_argument("--cap", type=int, default=100)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    start = time.monotonic()
    problems, figures = run(given.studies, given.cap)
    result = {
        "sites": figures, "problems": problems, "seconds": round(time.monotonic() - start),
    }  # fmt: skip
    text = json.dumps(result, indent=1)
    print(text)
    if given.out:
        given.out.write_text(text + "\n", encoding="utf-8")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
