"""What comes without being asked for: pushed by a site, or given as files."""

from __future__ import annotations

import typer

from cli.shared import Home

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
