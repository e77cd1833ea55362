"""The command line; thin, one function a command. Commands import what they need when they run."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path

import typer

from cli import (
    account,
    audit,
    config_files,
    demo_pacs,
    files,
    lists,
    pacs,
    pixels,
    receiving,
    releases,
    request,
    service,
    stages,
    vault,
)
from cli.shared import ENVIRONMENT, FINDING, USAGE
from config.errors import AccordageError, ConfigurationError, EnvironmentFault

__all__ = ["app", "main"]

app = typer.Typer(
    name="accordage",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Tunes imaging from every hospital to one pitch. Start with `accordage demo`.",
)
for group in (stages, receiving, files, audit, service, demo_pacs):
    app.add_typer(group.app)
app.add_typer(account.app, name="account")
app.add_typer(config_files.app, name="config")
app.add_typer(pacs.app, name="pacs")
app.add_typer(lists.app, name="lists")
app.add_typer(pixels.app, name="pixels")
app.add_typer(releases.app, name="cohort")  # with the commands of `cli.cohort`
app.add_typer(request.app, name="request")
app.add_typer(vault.app, name="vault")


def main() -> None:
    """Run the command line; an error of ours becomes one clear line and its exit code."""
    from pipelines.quiet import hush

    hush()
    try:
        app()
    except AccordageError as error:
        from pipelines.render import error_lines

        typer.echo(error_lines(error), err=True)
        sys.exit(_exit_code(error))
    except OSError as error:
        typer.echo(f"error: {type(error).__name__}: {error.strerror}", err=True)
        sys.exit(ENVIRONMENT)
    except Exception as error:  # noqa: BLE001 - a foreign message may quote a patient's value
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}"
        typer.echo(f"error: a defect in the program: {where}", err=True)
        if os.environ.get("ACCORDAGE_DEBUG"):
            traceback.print_exc()
        sys.exit(FINDING)


def _exit_code(error: AccordageError) -> int:
    if isinstance(error, ConfigurationError):
        return USAGE
    return ENVIRONMENT if isinstance(error, EnvironmentFault) else FINDING
