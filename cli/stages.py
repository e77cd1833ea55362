"""The stages of a project, and the demo of all of them."""

from __future__ import annotations

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
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Resolve and retrieve a project's studies from its sites' PACS.

    Example: `accordage acquire prostate-mpmri --site chu-atlas --since 2024-01-01`
    """
    from config.errors import TransientError
    from config.settings import load_settings
    from pipelines.render import Bars, accounts_table, error_lines
    from pipelines.stages import acquire as run
    from pipelines.workspace import open_workspace

    accounts, failed = [], False
    with Bars() as bars, open_workspace(load_settings(home), bars) as ws:
        chosen = ws.project(project)
        for name in (site,) if site else chosen.sites:
            try:
                first, last = (d.date() if d else None for d in (since, until))
                accounts += run(ws, chosen, ws.site(name), since=first, until=last)
            except TransientError as error:
                failed = True
                typer.echo(f"{name}: {error_lines(error)}", err=True)
    show(accounts_table(accounts, as_json=as_json), as_json=as_json)
    if failed or any(a.refused for a in accounts):
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
