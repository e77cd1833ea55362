"""The lists that were handed in: what became of every line, and repairs to accept."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from cli.shared import USAGE, AsJson, Home, show

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Lists of accession or patient numbers.")


@app.command("show")
def lists_show(
    project: str,
    out: Annotated[
        Path | None, typer.Option(help="Write the receipt of every line here, as CSV.")
    ] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Count a project's lines by outcome; with --out, write what became of each.

    Example: `accordage lists show prostate-mpmri --out receipt.csv`
    """
    from config.files import write_whole
    from config.settings import load_settings
    from pipelines.acquire.asked.receipt import receipt, receipt_csv
    from pipelines.catalogue.database import open_identified

    ledger = open_identified(load_settings(home))
    try:
        if out is not None:
            write_whole(out, receipt_csv(ledger, project).encode(), mode=0o600)
        counts = Counter(f"{one.outcome} {one.code}" for one in receipt(ledger, project))
    finally:
        ledger.close()
    show(dict(sorted(counts.items())), as_json=as_json)


@app.command("proposals")
def lists_proposals(
    project: str,
    out: Annotated[Path, typer.Option(help="File to write, mode 0600: it names numbers.")],
    home: Home = None,
) -> None:
    """Write the repairs that wait: line, number given, number proposed, evidence.

    Example: `accordage lists proposals prostate-mpmri --out proposals.csv`
    """
    import csv
    import io

    from config.files import write_whole
    from config.settings import load_settings
    from pipelines.acquire.asked.receipt import proposed
    from pipelines.catalogue.database import open_identified

    ledger = open_identified(load_settings(home))
    try:
        found = proposed(ledger, project)
    finally:
        ledger.close()
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["site", "line", "given", "proposal", "evidence"])
    writer.writerows([p.site, p.line, p.given, p.proposal, p.evidence] for p in found)
    write_whole(out, stream.getvalue().encode(), mode=0o600)
    typer.echo(f"{len(found)} proposals: {out}")


@app.command("accept")
def lists_accept(
    project: str,
    by: Annotated[str, typer.Option(help="Who accepts, as it is kept with each line.")],
    line: Annotated[list[int] | None, typer.Option(help="Line to accept; may be repeated.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Accept every single proposal.")] = False,
    home: Home = None,
) -> None:
    """Accept proposed repairs; the lines are asked for at the next `accordage acquire`.

    Example: `accordage lists accept prostate-mpmri --line 17 --line 23 --by "C. Martin"`
    """
    from config.settings import load_settings
    from pipelines.acquire.asked.receipt import accept
    from pipelines.catalogue.database import open_identified

    if bool(line) == every:
        typer.echo("error: give either --line or --all", err=True)
        raise typer.Exit(USAGE)
    ledger = open_identified(load_settings(home))
    try:
        number = accept(ledger, project, None if every else line, by)
    finally:
        ledger.close()
    typer.echo(f"{number} accepted")
