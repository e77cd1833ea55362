"""What runs long, and what says how things are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.shared import ENVIRONMENT, AsJson, Home, show

__all__ = ["app"]

app = typer.Typer()


@app.command()
def serve(
    home: Home = None,
    port: Annotated[int, typer.Option(help="Port of the Prefect server.")] = 4200,
) -> None:
    """Run the Prefect server and every project's schedule until stopped.

    Example: `accordage serve --home /srv/accordage`
    """
    from config.settings import load_settings
    from pipelines.server import prefect_server

    settings = load_settings(home)
    with prefect_server(settings, port) as url:
        from flows import serve_projects

        typer.echo(f"Prefect API: {url}")
        serve_projects(settings)


@app.command()
def portal(
    home: Home = None,
    host: str = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8765,
    certificate: Annotated[Path | None, typer.Option(help="Certificate chain, PEM.")] = None,
    key: Annotated[Path | None, typer.Option(help="Its private key, PEM.")] = None,
    name: Annotated[
        list[str] | None, typer.Option(help="Name by which browsers call this machine.")
    ] = None,
) -> None:
    """Open the portal: requests, reading room, releases. Others than this machine need TLS.

    `accordage account first-officer` makes the first user.

    Example: `accordage portal --host 0.0.0.0 --name hub --certificate hub.pem --key hub.key`
    """
    from config.settings import load_settings
    from portal.serve import run_portal

    run_portal(
        load_settings(home),
        host=host,
        port=port,
        certificate=certificate,
        key=key,
        names=name or [],
    )


@app.command()
def ohif(
    project: Annotated[str, typer.Argument(help="Whose images the viewer shows.")],
    dist: Annotated[Path, typer.Option(help="Folder of a built OHIF, with its index.html.")],
    token_file: Annotated[Path, typer.Option(help="File with a token of the portal.")],
    portal: Annotated[str, typer.Option(help="Address of the portal.")] = "http://127.0.0.1:8765",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8766,
) -> None:
    """Serve a viewer you fetched yourself, on this machine, over a project's DICOMweb.

    It shows which series is which: for engineers and officers, never for readers.

    Example: `accordage ohif prostate-mpmri --dist ohif/dist --token-file token`
    """
    from portal.ohif import run_viewer

    token = token_file.read_text(encoding="utf-8").strip()
    run_viewer(dist, portal, project, token, port)


@app.command()
def status(
    project: Annotated[str | None, typer.Argument()] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Show rows by outcome, refusals by code, the gate, releases and disk.

    Example: `accordage status prostate-mpmri --json`
    """
    from config.library import find_project
    from config.settings import load_settings
    from pipelines.render import status_view
    from pipelines.status import status as ask

    settings = load_settings(home)
    if project is not None:
        project = find_project(project, settings.config_root).name
    facts = ask(settings, project)
    show(facts if as_json else status_view(facts), as_json=as_json)


@app.command()
def doctor(home: Home = None, as_json: AsJson = False) -> None:
    """Check this installation and say what to mend.

    Example: `accordage doctor`
    """
    from dataclasses import asdict

    from config.settings import load_settings
    from pipelines.doctor import examine
    from pipelines.render import checks_table

    checks = examine(load_settings(home))
    show([asdict(c) for c in checks] if as_json else checks_table(checks), as_json=as_json)
    if not all(c.fine for c in checks):
        raise typer.Exit(ENVIRONMENT)
