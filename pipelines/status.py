"""What is done, what waits, what was refused and why: the answer of ``accordage status``."""

from __future__ import annotations

import shutil
from collections import Counter
from typing import Any

from sqlalchemy import func, select

from config.library import find_project, names
from config.settings import Settings
from pipelines.catalogue import identified, research
from pipelines.catalogue.database import Catalogue, open_identified, open_research
from pipelines.cohort.accounts import account_of
from pipelines.cohort.gate import Gate
from pipelines.cohort.review import project_gate
from pipelines.workspace import Workspace

__all__ = ["project_status", "status", "tally"]


def status(settings: Settings, project: str | None = None) -> dict[str, Any]:
    """Return the state of one project, or of all that have rows, as plain values."""
    ledger, catalogue = open_identified(settings), open_research(settings)
    try:
        with ledger.session() as session:
            known = set(session.scalars(select(identified.RequestRow.project).distinct()))
        with catalogue.session() as session:
            known |= set(session.scalars(select(research.StudyRow.project).distinct()))
        wanted = [project] if project else sorted(known)
        usage = shutil.disk_usage(settings.home if settings.home.exists() else "/")
        return {
            "home": str(settings.home),
            "disk_free_bytes": usage.free,
            "projects": [project_status(settings, ledger, catalogue, p) for p in wanted],
        }
    finally:
        ledger.close()
        catalogue.close()


def project_status(
    settings: Settings, ledger: Catalogue, catalogue: Catalogue, project: str
) -> dict[str, Any]:
    """Return a project's rows by outcome, refusals by code, gate, releases and stage times."""
    account = account_of(catalogue, project)
    handed_over = {row.row_id for row in account.rows}
    with ledger.session() as session:
        waiting = session.execute(
            select(identified.RequestRow.row_id, identified.RequestRow.outcome).where(
                identified.RequestRow.project == project
            )
        ).all()
    outcomes = Counter(row.outcome for row in account.rows)
    outcomes.update(r.outcome for r in waiting if r.row_id not in handed_over)
    refusals = Counter(row.code for row in account.rows if row.volumes == 0)
    for row in account.rows:
        refusals.update(row.quarantined)
        refusals.update(row.refused_series)
    return {
        "project": project,
        "rows": sum(outcomes.values()),
        "outcomes": dict(sorted(outcomes.items())),
        "refusals": dict(sorted(refusals.items())),
        "volumes": sum(row.volumes for row in account.rows),
        "gate": _gate(settings, catalogue, project),
        "releases": _releases(catalogue, project),
        "stage_seconds": _seconds(ledger, catalogue, project),
    }


def _gate(settings: Settings, catalogue: Catalogue, project: str) -> dict[str, object] | None:
    if project not in names("projects", settings.config_root):
        return None
    gate: Gate = project_gate(catalogue, find_project(project, settings.config_root))
    return gate.as_json()


def _releases(catalogue: Catalogue, project: str) -> list[dict[str, Any]]:
    table = research.Release
    with catalogue.session() as session:
        rows = session.scalars(
            select(table).where(table.project == project).order_by(table.version)
        ).all()
        return [
            {"version": r.version, "manifest_sha256": r.manifest_sha256, "simulated": r.simulated}
            for r in rows
        ]


def _seconds(ledger: Catalogue, catalogue: Catalogue, project: str) -> dict[str, float]:
    """Return the seconds spent in each stage so far."""
    result: dict[str, float] = {}
    for zone, table in ((ledger, identified.StageRun), (catalogue, research.StageRun)):
        with zone.session() as session:
            rows = session.execute(
                select(table.stage, func.sum(table.seconds))
                .where(table.project == project)
                .group_by(table.stage)
            ).all()
            result.update({stage: round(float(total), 3) for stage, total in rows})
    return result


def tally(ws: Workspace, project: str, site: str) -> tuple[dict[str, int], dict[str, int]]:
    """Return a site's studies expected, received, refused and harmonised, and refusals by code."""
    rows = [r for r in account_of(ws.catalogue, project).rows if r.site == site]
    refused = [r for r in rows if r.volumes == 0]
    counts = {
        "expected": len(rows),
        "received": sum(1 for r in rows if r.expected and r.received == r.expected),
        "refused": len(refused),
        "harmonised": sum(1 for r in rows if r.volumes),
    }
    by_code: Counter[str] = Counter()
    for row in rows:
        own = set() if row.volumes else {row.code}
        by_code.update(own | {*row.quarantined, *row.refused_series})
    return counts, dict(sorted(by_code.items()))
