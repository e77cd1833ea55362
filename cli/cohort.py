"""Assemble, review and release a cohort."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.shared import AsJson, Home, show

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Assemble, review and release a cohort.")


@app.command("build")
def cohort_build(project: str, home: Home = None) -> None:
    """Draw the sample to read and build its review packs.

    Example: `accordage cohort build prostate-mpmri`
    """
    from config.settings import load_settings
    from pipelines.cohort.assemble import assemble
    from pipelines.render import Bars, accounts_table
    from pipelines.workspace import open_workspace

    with Bars() as bars, open_workspace(load_settings(home), bars) as ws:
        account = assemble(ws, ws.project(project))
    show(accounts_table([account], as_json=False), as_json=False)


@app.command("review")
def cohort_review(
    project: str,
    reader: Annotated[str | None, typer.Option(help="Who reads.")] = None,
    accept: Annotated[list[str] | None, typer.Option(help="Digest of a pair.")] = None,
    reject: Annotated[str | None, typer.Option(help="Digest of a pair.")] = None,
    reason: Annotated[list[str] | None, typer.Option(help="Coded reason of the reject.")] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """List the sampled pairs, or keep a verdict (the portal shows the pictures).

    Example: `accordage cohort review prostate-mpmri --reader r1 --accept 3f2a...`
    """
    from config.settings import load_settings
    from pipelines.cohort.verdicts import keep_verdicts, list_pairs

    settings = load_settings(home)
    if accept or reject:
        keep_verdicts(settings, project, reader, accept or [], reject, reason or [])
    show(list_pairs(settings, project), as_json=as_json)


@app.command("report")
def cohort_report(project: str, home: Home = None) -> None:
    """Write the report of what would be released now, read or not.

    Example: `accordage cohort report prostate-mpmri`
    """
    from config.settings import load_settings
    from pipelines.cohort.release import draft_report
    from pipelines.workspace import open_workspace

    with open_workspace(load_settings(home), sweep=False) as ws:
        typer.echo(draft_report(ws, ws.project(project)))


@app.command("release")
def cohort_release(project: str, home: Home = None) -> None:
    """Release the next version; refused until the sample is read.

    Example: `accordage cohort release prostate-mpmri`
    """
    from config.settings import load_settings
    from pipelines.cohort.release import release
    from pipelines.workspace import open_workspace

    with open_workspace(load_settings(home), sweep=False) as ws:
        made = release(ws, ws.project(project))
    typer.echo(f"{'released' if made.new else 'unchanged'}: {made.folder}")
