"""A PACS to test against, that misbehaves when told to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.shared import USAGE

__all__ = ["app"]

app = typer.Typer()


@app.command("demo-pacs")
def demo_pacs(
    folder: Annotated[Path, typer.Argument(help="Part 10 files to serve.", exists=True)],
    ae_title: Annotated[str, typer.Option(help="AE title of the archive.")] = "DEMO-PACS",
    port: Annotated[int, typer.Option(min=0, max=65535, help="TCP port; 0 takes any.")] = 11112,
    faults: Annotated[
        str, typer.Option(help="A YAML file, or words: silent_success,drop_after_n=3")
    ] = "",
    destination: Annotated[
        list[str] | None, typer.Option(help="C-MOVE destination, AETITLE=host:port.")
    ] = None,
) -> None:
    """Serve a folder as a PACS on loopback, with faults if asked for, until stopped.

    Example: `accordage demo-pacs images/ --faults drop_after_n=3,count_error=1`
    """
    import threading

    from pipelines.acquire.archive import Archive, read_faults

    given = read_faults(faults)
    destinations = {}
    for one in destination or ():
        title, _, address = one.partition("=")
        host, _, number = address.rpartition(":")
        if not (title and host and number.isdigit()):
            typer.echo("error: --destination is written AETITLE=host:port", err=True)
            raise typer.Exit(USAGE)
        destinations[title] = (host, int(number))
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    archive = Archive(
        files,
        ae_title,
        port=port,
        faults=given.archive,
        faults_by_study=given.studies,
        destinations=destinations,
    )
    with archive:
        typer.echo(f"{ae_title} on 127.0.0.1:{archive.port}, {len(archive.index)} instances")
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            typer.echo(f"{len(archive.log)} requests served")
