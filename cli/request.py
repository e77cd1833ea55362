"""Requests for a cohort: file, count, approve."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.shared import AsJson, Home, research, show

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Requests for a cohort: file, count, approve.")

By = Annotated[str, typer.Option("--by", help="Your name in the book.")]
Role = Annotated[str, typer.Option("--as", help="requester, officer or engineer.")]


@app.command("new")
def request_new(
    file: Annotated[Path, typer.Argument(help="The request, YAML.")], by: By, home: Home = None
) -> None:
    """File a request as a draft, or file a draft again.

    Example: `accordage request new my-request.yaml --by j.martin`
    """
    from config.loader import load_yaml
    from config.request import CohortRequest
    from pipelines.requests.book import Author, file_request, show_request

    request = load_yaml(file, CohortRequest)
    with research(home) as catalogue:
        file_request(catalogue, request, Author(by, "requester"))
        show(show_request(catalogue, request.name)[1], as_json=False)


@app.command("list")
def request_list(home: Home = None, as_json: AsJson = False) -> None:
    """List the requests with their states.

    Example: `accordage request list`
    """
    from pipelines.requests.book import requests

    with research(home) as catalogue:
        show(requests(catalogue), as_json=as_json)


@app.command("show")
def request_show(name: str, home: Home = None, as_json: AsJson = False) -> None:
    """Show a request: its criteria in words, its state, every step with its author.

    Example: `accordage request show my-request`
    """
    from pipelines.requests.book import show_request

    with research(home) as catalogue:
        show(show_request(catalogue, name)[1], as_json=as_json)


@app.command("count")
def request_count(name: str, home: Home = None, as_json: AsJson = False) -> None:
    """Count the subjects a request is about: never fewer than ten, and a lower bound.

    Example: `accordage request count my-request`
    """
    from datetime import UTC, datetime

    from config.settings import load_settings
    from pipelines.catalogue.database import open_research
    from pipelines.requests.book import show_request
    from pipelines.requests.feasibility import counted

    settings = load_settings(home)
    catalogue = open_research(settings)
    try:
        criteria = show_request(catalogue, name)[0].criteria
        facts = counted(settings, catalogue, criteria, datetime.now(UTC).date())
    finally:
        catalogue.close()
    show(facts, as_json=as_json)


@app.command("step")
def request_step(
    name: str,
    step: Annotated[str, typer.Argument(help="submit, count, approve, decline, return, ...")],
    by: By,
    role: Role,
    note: Annotated[str, typer.Option(help="Why; kept with the step.")] = "",
    home: Home = None,
) -> None:
    """Move a request on; who files a request never approves it.

    Example: `accordage request step my-request submit --by j.martin --as requester`
    """
    from datetime import UTC, datetime

    from config.settings import load_settings
    from pipelines.requests.approval import approvals_needed
    from pipelines.requests.book import Author, take_step

    with research(home) as catalogue:
        today = datetime.now(UTC).date()
        wanted = approvals_needed(load_settings(home), catalogue, name, today)
        state = take_step(catalogue, name, step, Author(by, role), note, approvals=wanted)
    typer.echo(f"{name}: {state}")


@app.command("due")
def request_due(home: Home = None, as_json: AsJson = False) -> None:
    """List the released requests whose last day is near or past, with the reminder that stands.

    Example: `accordage request due --json`
    """
    from dataclasses import asdict
    from datetime import UTC, datetime

    from pipelines.requests.expiry import due

    with research(home) as catalogue:
        found = due(catalogue, datetime.now(UTC).date())
    show([{**asdict(one), "ends": one.ends.isoformat()} for one in found], as_json=as_json)


@app.command("approve")
def request_approve(name: str, by: By, note: str = "", home: Home = None) -> None:
    """Approve a request as data officer; never one's own.

    Example: `accordage request approve my-request --by a.officer`
    """
    request_step(name, "approve", by, "officer", note, home)
