"""Talk to a site's PACS."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

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


@app.command("report")
def pacs_report(
    site: str,
    out: Annotated[Path | None, typer.Option(help="File to write; else it is printed.")] = None,
    home: Home = None,
) -> None:
    """Write one page that shows what was taken from a PACS, when, at what rate.

    Example: `accordage pacs report chu-atlas --out chu-atlas.md`
    """
    import time

    from config.files import write_whole
    from config.library import find_site
    from config.settings import load_settings
    from pipelines.acquire.planning.pacs_report import pacs_report as page
    from pipelines.catalogue.database import open_identified

    settings = load_settings(home)
    ledger = open_identified(settings)
    try:
        text = page(ledger, find_site(site, settings.config_root), time.time())
    finally:
        ledger.close()
    if out is None:
        typer.echo(text)
    else:
        write_whole(out, text.encode())


@app.command("probe")
def pacs_probe(
    site: str,
    dicomweb: Annotated[str | None, typer.Option(help="URL of its DICOMweb service.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the proposed site file here.")] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Find out what a PACS can do and how fast, and propose its site file.

    Example: `accordage pacs probe chu-atlas --out chu-atlas.yaml`

    One small study is fetched by each method and thrown away.
    """
    from config.files import write_whole
    from config.library import find_site
    from config.settings import load_settings
    from pipelines.acquire.planning.probe import probe, proposed_site
    from pipelines.render import probe_view

    found = find_site(site, load_settings(home).config_root)
    result = probe(found, dicomweb=dicomweb)
    if out is not None:
        write_whole(out, proposed_site(found, result).encode())
    show(result.as_json() if as_json else probe_view(result), as_json=as_json)


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
