"""What every command shares: options, exit codes, how an answer is shown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from pipelines.catalogue.database import Catalogue

__all__ = [
    "ENVIRONMENT",
    "FINDING",
    "USAGE",
    "AsJson",
    "Day",
    "Home",
    "Jobs",
    "research",
    "show",
]

Home = Annotated[
    Path | None,
    typer.Option("--home", help="Home folder (default: ACCORDAGE_HOME, else ~/.accordage)."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]
Jobs = Annotated[int, typer.Option("--jobs", min=1, help="Worker processes.")]
Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"])]

FINDING, USAGE, ENVIRONMENT = 1, 2, 3
"""Exit codes beside 0, done: finding or partial; usage or configuration; environment."""


@contextmanager
def research(home: Path | None) -> Iterator[Catalogue]:
    """Open the research catalogue of a home for one command."""
    from config.settings import load_settings
    from pipelines.catalogue.database import open_research

    catalogue = open_research(load_settings(home))
    try:
        yield catalogue
    finally:
        catalogue.close()


def show(value: Any, *, as_json: bool) -> None:
    """Print plain values as JSON, or what rich can render."""
    if as_json:
        typer.echo(json.dumps(value, indent=1, sort_keys=True, default=str))
        return
    from rich.console import Console

    Console().print(value, soft_wrap=isinstance(value, str))  # a path must stay whole
