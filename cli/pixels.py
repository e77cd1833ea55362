"""Text in pixels: where devices write it, and the sheets on which what was read is reviewed."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from cli.shared import FINDING, AsJson, Home, show

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Text in images: device signatures, review sheets.")


@app.command("propose")
def propose(
    src: Annotated[Path, typer.Argument(help="Images of many patients: folder, zip, DICOMDIR.")],
    out: Annotated[Path, typer.Option(help="Folder for proposals and their pictures.")],
    exams: Annotated[int, typer.Option(min=3, help="Fewest patients to compare.")] = 5,
    as_json: AsJson = False,
) -> None:
    """Find the text that stands still over many patients' images, device by device.

    Writes a YAML file and a picture for each kind of image. The picture shows what all patients
    have in common; look at it, correct the file, then `pixels accept` it. Keep the folder in the
    identified zone.

    Example: `accordage pixels propose incoming/ --out proposals/`
    """
    from pipelines.render import Bars
    from pipelines.signatures.propose import propose_signatures

    with Bars() as bars:
        made = propose_signatures(src, out, bars, fewest_exams=exams)
    if as_json:
        show([asdict(one) for one in made], as_json=True)
    else:
        for one in made:
            said = one.code or f"{one.places} places"
            typer.echo(f"{one.name}: {one.exams} patients, {said}")
    if not any(one.code is None for one in made):
        raise typer.Exit(FINDING)


@app.command("accept")
def accept(
    file: Annotated[Path, typer.Argument(help="A proposal, as written or corrected.")],
    by: Annotated[str, typer.Option(help="Who accepts it.")],
    reason: Annotated[str, typer.Option(help="On what ground.")],
    replace: Annotated[bool, typer.Option("--replace", help="In place of an older one.")] = False,
    home: Home = None,
) -> None:
    """Accept a proposed signature: its places are blanked from now on.

    Example: `accordage pixels accept proposals/acme-480x640-1a2b3c.yaml --by "A. Martin"
    --reason "checked on 12 exams of the new scanner"`
    """
    from datetime import UTC, datetime

    from config.settings import load_settings
    from pipelines.signatures.accept import accept_signature

    root = load_settings(home).config_root
    today = datetime.now(UTC).date()
    path = accept_signature(file, root, by=by, reason=reason, on=today, replace=replace)
    typer.echo(f"accepted: {path}")


@app.command("open-sheet")
def open_sheet(
    source: Annotated[Path, typer.Argument(help="Sealed review sheet.")],
    target: Annotated[Path, typer.Argument(help="File to write (mode 0600).")],
    key: Annotated[Path, typer.Option(help="Private key of its holder.")],
) -> None:
    """Open a review sheet that was sealed for the holder of a key.

    Example: `accordage pixels open-sheet run.html.sealed run.html --key martin.pem`
    """
    from config.files import whole_file
    from pipelines.prepare.review_sheet import open_sheet as opened
    from pipelines.vault.keyfiles import read_private

    private = read_private(key, typer.prompt("Passphrase", hide_input=True, err=True))
    with whole_file(target, mode=0o600) as stream:
        for piece in opened(source, private):
            stream.write(piece)


@app.command("verify-sheet")
def verify_sheet(
    page: Annotated[Path, typer.Argument(help="Review sheet, opened if it was sealed.")],
) -> None:
    """Check that a review sheet is as it was written; exit 1 when it is not.

    Example: `accordage pixels verify-sheet run.html`
    """
    from pipelines.prepare.review_sheet import verify_sheet as verified

    if not verified(page.read_bytes()):
        typer.echo("changed since it was written", err=True)
        raise typer.Exit(FINDING)
    typer.echo("as it was written")
