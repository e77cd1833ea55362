"""Audit what was released."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.shared import FINDING, AsJson, show

__all__ = ["app"]

app = typer.Typer()


@app.command()
def audit(
    dst: Path,
    against: Annotated[
        Path | None, typer.Option(help="The originals: their identity is searched in DST.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Search released files for identity, independently of the de-identifier.

    Example: `accordage audit released/ --against incoming/`
    """
    from pipelines.audit.folder import audit_folder
    from pipelines.audit.show import findings_table
    from pipelines.quiet import hush
    from pipelines.render import Bars

    hush()
    with Bars() as bars:
        report = audit_folder(dst, against, bars)
    show(report.as_json() if as_json else findings_table(report), as_json=as_json)
    if not report.clean:
        raise typer.Exit(FINDING)
