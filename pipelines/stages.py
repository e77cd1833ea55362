"""Two stretches of a project's way, as plain functions; flows and the demo call the same."""

from __future__ import annotations

from datetime import date

from config.project import Project
from config.site import Site
from pipelines.acquire.planning.forecast import Forecast, forecast
from pipelines.acquire.resolve import resolve
from pipelines.acquire.retrieve import retrieve
from pipelines.prepare.stage_deidentify import deidentify
from pipelines.prepare.stage_harmonise import harmonise
from pipelines.progress import StageAccount
from pipelines.workspace import Workspace

__all__ = ["acquire", "look_ahead", "prepare"]


def acquire(
    ws: Workspace,
    project: Project,
    site: Site,
    *,
    since: date | None = None,
    until: date | None = None,
    stay: bool = False,
) -> list[StageAccount]:
    """Resolve and retrieve a project's studies at one site.

    ``stay`` waits for the PACS's hours, budgets and outages until every study is settled.

    Raises
    ------
    TransientError
        The PACS went away; what was settled stays settled.
    """
    return [
        resolve(ws, project, site, since=since, until=until),
        retrieve(ws, project, site, stay=stay),
    ]


def look_ahead(
    ws: Workspace,
    project: Project,
    site: Site,
    *,
    since: date | None = None,
    until: date | None = None,
) -> Forecast:
    """Resolve a project's studies at one site, and say what fetching them will take.

    Raises
    ------
    TransientError
        The PACS went away; what was resolved stays.
    """
    resolve(ws, project, site, since=since, until=until, sample=True)
    return forecast(ws, project, site)


def prepare(ws: Workspace, project: Project, *, refit: bool = False) -> list[StageAccount]:
    """De-identify and harmonise what has been acquired at every site of a project.

    ``refit`` fits the recipe's model anew over what is there now.
    """
    accounts = [deidentify(ws, project, ws.site(name)) for name in project.sites]
    return [*accounts, harmonise(ws, project, refit=refit)]
