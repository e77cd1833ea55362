"""Talk to a site's PACS."""

from __future__ import annotations

import typer

from cli.shared import AsJson, Home, show

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Talk to a site's PACS.")


@app.command("echo")
def pacs_echo(site: str, home: Home = None) -> None:
    """Ask a PACS whether it is there (C-ECHO).

    Example: `accordage pacs echo chu-atlas`
    """
    from config.library import find_site
    from config.settings import load_settings
    from pipelines.acquire.pacs import echo
    from pipelines.acquire.resolve import pacs_of

    echo(pacs_of(find_site(site, load_settings(home).config_root)))
    typer.echo(f"{site}: the PACS answers")


@app.command("find")
def pacs_find(site: str, project: str, home: Home = None, as_json: AsJson = False) -> None:
    """Count the studies of a project at a site (C-FIND); nothing is fetched or saved.

    Example: `accordage pacs find chu-atlas prostate-mpmri`
    """
    from config.library import find_project, find_site
    from config.settings import load_settings
    from pipelines.acquire.pacs import find_studies
    from pipelines.acquire.resolve import pacs_of

    root = load_settings(home).config_root
    found = find_studies(pacs_of(find_site(site, root)), find_project(project, root).select)
    counts = [s.instance_count for s in found]
    known = sum(c for c in counts if c is not None)
    facts = {"site": site, "studies": len(found), "instances": known if counts else 0}
    show(facts, as_json=as_json)
