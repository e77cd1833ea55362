"""Accounts of the portal: the first officer; the rest is done in the portal."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.shared import AsJson, Home, research, show

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Accounts of the portal.")


@app.command("first-officer")
def account_first_officer(
    name: Annotated[str, typer.Argument(help="Sign-in name: a.officer")],
    display: Annotated[str, typer.Option(help="Name that others see.")] = "",
    address: Annotated[
        str, typer.Option(help="Where browsers find the portal.")
    ] = "http://127.0.0.1:8765",
    home: Home = None,
) -> None:
    """Make the first data officer; prints the link that opens the account.

    Refused once an officer can sign in: officers invite everybody else, in the portal.

    Example: `accordage account first-officer a.officer --display "A. Officer"`
    """
    from pipelines.access.people import People

    with research(home) as catalogue:
        secret = People(catalogue).first_officer(name, display or name)
    typer.echo(f"{address.rstrip('/')}/invitation/{secret}")


@app.command("list")
def account_list(home: Home = None, as_json: AsJson = False) -> None:
    """List the accounts with their roles.

    Example: `accordage account list`
    """
    from dataclasses import asdict

    from pipelines.access.people import People

    with research(home) as catalogue:
        show([asdict(person) for person in People(catalogue).all()], as_json=as_json)


@app.command("verify-log")
def account_verify_log(home: Home = None, as_json: AsJson = False) -> None:
    """Check the chain of the log of acts; prints its length and newest digest.

    Example: `accordage account verify-log`
    """
    from pipelines.access.log import verify_acts

    with research(home) as catalogue:
        number, digest = verify_acts(catalogue)
    show({"acts": number, "newest": digest}, as_json=as_json)
