"""The stages of a project, and the demo of all of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.shared import FINDING, AsJson, Day, Home, show

__all__ = ["app"]

app = typer.Typer()


@app.command()
def demo(
    home: Home = None,
    project: Annotated[str | None, typer.Option(help="Run one project only.")] = None,
    no_server: Annotated[
        bool, typer.Option("--no-server", help="Run the stages as plain functions.")
    ] = False,
) -> None:
    """Run three synthetic hospitals from their PACS to released cohorts, without a network.

    Example: `accordage demo --home demo-home`
    """
    from config.settings import load_settings
    from pipelines.render import Bars, demo_summary

    settings = load_settings(home)
    with Bars() as bars:
        if no_server:
            from pipelines.demo.story import run_story

            result = run_story(settings, bars, only=project)
        else:
            from pipelines.demo.run import make
            from pipelines.server import prefect_server

            with prefect_server(settings, while_starting=lambda: make(settings)):
                from flows import run_demo

                result = run_demo(settings, bars, only=project)
    show(demo_summary(result), as_json=False)


@app.command()
def acquire(
    project: str,
    site: Annotated[str | None, typer.Option(help="One site only.")] = None,
    since: Day = None,
    until: Day = None,
    list_file: Annotated[
        Path | None,
        typer.Option("--list", help="Ask for what this CSV or Excel file lists.", exists=True),
    ] = None,
    forecast: Annotated[
        bool, typer.Option("--forecast", help="Say what would come and how long; fetch nothing.")
    ] = False,
    stay: Annotated[
        bool, typer.Option("--stay", help="Wait for hours, budgets and outages until all is here.")
    ] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Resolve and retrieve a project's studies from its sites' PACS.

    Example: `accordage acquire prostate-mpmri --site chu-atlas --since 2024-01-01`

    `--forecast` prints studies, bytes, nights, and what is ambiguous or missing.
    """
    from config.asked import AskedList
    from config.errors import TransientError
    from config.settings import load_settings
    from pipelines.render import Bars, accounts_table, error_lines, forecast_view
    from pipelines.stages import acquire as run
    from pipelines.stages import look_ahead as look
    from pipelines.workspace import open_workspace

    accounts, failed, forecasts = [], False, []
    with Bars() as bars, open_workspace(load_settings(home), bars) as ws:
        chosen = ws.project(project)
        if list_file is not None:
            chosen = chosen.model_copy(update={"list": AskedList(file=list_file)})
        for name in (site,) if site else chosen.sites:
            try:
                first, last = (d.date() if d else None for d in (since, until))
                if forecast:
                    forecasts.append(look(ws, chosen, ws.site(name), since=first, until=last))
                    continue
                accounts += run(ws, chosen, ws.site(name), since=first, until=last, stay=stay)
            except TransientError as error:
                failed = True
                typer.echo(f"{name}: {error_lines(error)}", err=True)
    if forecast:
        show([f.as_json() for f in forecasts] if as_json else forecast_view(forecasts),
             as_json=as_json)  # fmt: skip
    else:
        show(accounts_table(accounts, as_json=as_json), as_json=as_json)
    if failed or any(a.refused or a.waiting for a in accounts):
        raise typer.Exit(FINDING)


@app.command()
def prepare(
    project: str,
    refit: Annotated[
        bool, typer.Option("--refit", help="Fit the intensity model anew; every approval lapses.")
    ] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """De-identify and harmonise what has been acquired.

    Example: `accordage prepare prostate-mpmri`

    A recipe's fitted step is fitted once over the studies that are there, and the model frozen;
    studies that come later use it. With more hospitals: `accordage prepare prostate-mpmri --refit`
    """
    from config.settings import load_settings
    from pipelines.render import Bars, accounts_table
    from pipelines.stages import prepare as run
    from pipelines.workspace import open_workspace

    with Bars() as bars, open_workspace(load_settings(home), bars) as ws:
        accounts = run(ws, ws.project(project), refit=refit)
    show(accounts_table(accounts, as_json=as_json), as_json=as_json)
    if any(a.refused for a in accounts):
        raise typer.Exit(FINDING)
