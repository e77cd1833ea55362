"""What is done with a release that is out: verify, compare, withdraw, find."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from cli.cohort import app
from cli.shared import FINDING, AsJson, Home, show

__all__ = ["app"]


@app.command("verify")
def cohort_verify(
    folder: Annotated[Path, typer.Argument(help="The release's folder.")], as_json: AsJson = False
) -> None:
    """Compare every file of a release with its checksums; exit 1 when something differs.

    Example: `accordage cohort verify prostate-mpmri/v1`
    """
    from pipelines.cohort.verify import verify
    from pipelines.render import Bars

    with Bars() as bars:
        found = verify(folder, bars)
    show({**asdict(found), "whole": found.whole}, as_json=as_json)
    if not found.whole:
        raise typer.Exit(FINDING)


@app.command("diff")
def cohort_diff(
    former: Annotated[Path, typer.Argument(help="Folder of the former version.")],
    later: Annotated[Path, typer.Argument(help="Folder of the later version.")],
    as_json: AsJson = False,
) -> None:
    """Say what changed between two versions: volumes added, gone, made anew; rows' outcomes.

    Example: `accordage cohort diff prostate-mpmri/v1 prostate-mpmri/v2`
    """
    from pipelines.cohort.diff import diff

    show(diff(former, later).as_json(), as_json=as_json)


@app.command("holders")
def cohort_holders(project: str, home: Home = None, as_json: AsJson = False) -> None:
    """List the versions that hold an image in which a reader recognised the patient.

    Example: `accordage cohort holders prostate-mpmri`
    """
    from config.settings import load_settings
    from pipelines.cohort.review import recognised
    from pipelines.withdraw.holdings import holders
    from pipelines.workspace import open_workspace

    with open_workspace(load_settings(home), sweep=False) as ws:
        name = ws.project(project).name
        found = {
            volume: holders(ws.research, ws.catalogue, name, volume)
            for volume in recognised(ws.catalogue, name)
        }
    show(found, as_json=as_json)


@app.command("seal")
def cohort_seal(
    folder: Annotated[Path, typer.Argument(help="The release's folder.")],
    target: Annotated[Path, typer.Argument(help="File to write.")],
    to: Annotated[list[str], typer.Option(help="Recipient's public key, age1...; may repeat.")],
) -> None:
    """Write a release as one file that only its recipients open, with the program `age`.

    Example: `accordage cohort seal prostate-mpmri/v1 prostate-v1.tar.age --to age1...`
    """
    from pipelines.cohort.sealed import seal_release

    seal_release(folder, f"{folder.resolve().parent.name}-{folder.resolve().name}", to, target)
    typer.echo(target)


@app.command("evidence")
def cohort_evidence(
    project: str,
    out: Annotated[Path, typer.Argument(help="Folder for the documents.")],
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Write what readers said as DICOM: a report a read (SR), a note a reject (KOS 113001).

    Example: `accordage cohort evidence prostate-mpmri evidence/`
    """
    from config.settings import load_settings
    from pipelines.cohort.evidence import write_evidence
    from pipelines.workspace import open_workspace

    with open_workspace(load_settings(home), sweep=False) as ws:
        found = write_evidence(ws, ws.project(project).name, out)
    show(found, as_json=as_json)


@app.command("withdraw")
def cohort_withdraw(
    project: str,
    subject: Annotated[str, typer.Argument(help="Pseudonym, S-...")],
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Carry out a patient's opposition: remove their images, close versions, release anew.

    Versions that hold the subject are removed as a whole and replaced; the receipt names nobody.
    `accordage vault lookup` tells the hub's rows of a person; do this for each project.

    Example: `accordage cohort withdraw prostate-mpmri S-JHYW4YTDPJ`
    """
    from config.settings import load_settings
    from pipelines.render import Bars
    from pipelines.withdraw.withdraw import withdraw
    from pipelines.workspace import open_workspace

    with Bars() as bars, open_workspace(load_settings(home), bars) as ws:
        receipt = withdraw(ws, ws.project(project), subject)
    show(asdict(receipt), as_json=as_json)
