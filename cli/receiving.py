"""What comes without being asked for: pushed by a site, or given as files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.shared import FINDING, AsJson, Home, show

__all__ = ["app"]

app = typer.Typer()


@app.command()
def listen(site: str, home: Home = None) -> None:
    """Receive what a site's scanners and routers send, and prepare each study that is whole.

    Example: `accordage listen chu-atlas`

    The site file says who may send, to which project, and after how many quiet seconds a study
    counts as whole. Runs until stopped; objects that nothing explains are kept apart.
    """
    import signal

    from config.codes import explain_code
    from config.library import find_site
    from config.settings import load_settings
    from pipelines.acquire.receive.listener import Listener

    def on_event(what: str, whom: str) -> None:
        known = "" if what == "prepared" else f": {explain_code(whom).en}"
        typer.echo(f"{what} {whom}{known}", err=True)

    def on_signal(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    settings = load_settings(home)
    chosen = find_site(site, settings.config_root)
    signal.signal(signal.SIGTERM, on_signal)
    try:
        with Listener(settings, chosen, on_event) as listener:
            typer.echo(f"{site}: listening on port {listener.port}")
            listener.wait()
    except KeyboardInterrupt:
        typer.echo(f"{site}: stopped")


@app.command("import")
def import_files(
    project: str,
    paths: Annotated[list[Path], typer.Argument(help="Files, folders, zips or DICOMDIRs.")],
    site: Annotated[str, typer.Option(help="Site the studies are of.")],
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Import files, folders, zips and DICOMDIRs as studies of a project.

    Example: `accordage import prostate-mpmri --site chu-atlas /media/cdrom/DICOMDIR`

    They go the way of what a PACS delivers: the same store, the same rows. `accordage prepare`
    takes them from there. Files are counted, never named: a name may hold an identity.
    """
    from config.codes import explain_code
    from config.settings import load_settings
    from pipelines.acquire.bring import bring
    from pipelines.workspace import open_workspace

    with open_workspace(load_settings(home)) as ws:
        done = bring(ws, ws.project(project), ws.site(site), paths)
    facts = {
        "studies": done.studies,
        "instances": done.instances,
        "not_dicom": done.not_dicom,
        "refused": done.refused,
    }
    show(facts, as_json=as_json)
    if not as_json:
        for code in sorted(done.refused):
            typer.echo(f"{code}: {explain_code(code).en} {explain_code(code).next_en}", err=True)
    if done.refused:
        raise typer.Exit(FINDING)
