"""One explicit Prefect server on loopback with a home of its own; never the ephemeral mode.

Nothing here imports prefect: its settings are read from the environment when it is imported, so
the environment must be ready before (``flows.py`` is imported inside this context).
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from config.errors import EnvironmentFault
from config.files import disk_faults
from config.settings import Settings
from pipelines.ports import free_port

__all__ = ["prefect_environment", "prefect_server"]

START_TIMEOUT_S = 90.0
"""A first start makes Prefect's database: 9 to 11 s were seen on two cores."""

PR_SET_PDEATHSIG = 1
"""prctl(2): the child is told when its parent dies, so that no server outlives a killed run."""


def prefect_environment(settings: Settings, url: str) -> dict[str, str]:
    """Return the variables under which prefect must be imported: our server, no telemetry."""
    return {
        "PREFECT_HOME": str(settings.home / "prefect"),
        "PREFECT_API_URL": url,
        "PREFECT_PROFILES_PATH": str(settings.home / "prefect" / "profiles.toml"),
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
        "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_CLI_COLORS": "false",
        "PREFECT_LOGGING_LEVEL": os.environ.get("PREFECT_LOGGING_LEVEL", "ERROR"),
        "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "false",
        "PREFECT_SHOW_UPDATE_NOTICE": "false",
        "ACCORDAGE_HOME": str(settings.home),
    }


@contextmanager
def prefect_server(
    settings: Settings,
    port: int | None = None,
    while_starting: Callable[[], object] | None = None,
) -> Iterator[str]:
    """Yield the URL of a Prefect API, with the environment set for importing prefect.

    A server named in the settings is used as it is; else one is started on loopback, and stopped
    at the end or when this process dies. ``while_starting`` is called once in the meantime.

    Raises
    ------
    EnvironmentFault
        ``SERVER_UNREACHABLE`` when it does not answer in time.
    """
    if settings.prefect_api_url is not None:
        with _environment(prefect_environment(settings, settings.prefect_api_url)):
            yield settings.prefect_api_url
        return
    chosen = port or free_port()
    url = f"http://127.0.0.1:{chosen}/api"
    with _environment(prefect_environment(settings, url)):
        process = _start(settings, chosen)
        try:
            if while_starting is not None:
                while_starting()
            _wait_healthy(url, process)
            yield url
        finally:
            _stop(process)


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set variables for this process and its children, and put the old ones back."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _start(settings: Settings, port: int) -> subprocess.Popen[bytes]:
    home = settings.home / "prefect"
    with disk_faults():
        home.mkdir(parents=True, exist_ok=True)
        log = (home / "server.log").open("ab")
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1"]
    with log:
        return subprocess.Popen(  # noqa: S603 - our own interpreter, fixed arguments
            [*command, "--port", str(port), "--no-ui"],
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            cwd=Path(home),
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - before any thread of ours exists
            start_new_session=True,
        )


def _die_with_parent() -> None:
    """Ask the kernel to end this child with its parent (Linux)."""
    try:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    except (OSError, AttributeError):
        return


def _wait_healthy(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise EnvironmentFault("SERVER_UNREACHABLE", f"exit code {process.returncode}")
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=2):  # noqa: S310 - loopback
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise EnvironmentFault("SERVER_UNREACHABLE", f"no answer in {START_TIMEOUT_S:g} s")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the server and whatever it started."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
        except ProcessLookupError:
            break
        try:
            process.wait(timeout=10)
            break
        except subprocess.TimeoutExpired:
            continue
