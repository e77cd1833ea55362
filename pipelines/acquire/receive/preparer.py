"""The process that turns pushed studies into research data as they become whole."""

from __future__ import annotations

import importlib
import select
import socket
import time
from contextlib import suppress

from config.errors import AccordageError
from config.settings import Settings
from config.site import Site
from pipelines.acquire.receive.entry import FAILED, PREPARED, READY
from pipelines.acquire.receive.push import settle
from pipelines.prepare.stage_deidentify import deidentify
from pipelines.prepare.stage_harmonise import harmonise
from pipelines.workspace import Workspace, open_workspace

__all__ = ["run_preparer"]

_LOOK_S = 0.5
"""Longest wait between two looks at what has come."""
_AGAIN_S = 30.0
"""Wait before what failed is tried again."""
_WORK_MODULES = ("pipelines.prepare.deidentify", "pipelines.prepare.harmonise")


def run_preparer(settings: Settings, site: Site, channel: socket.socket) -> None:
    """De-identify and harmonise pushed studies until the parent closes its end.

    What a killed process left half-way is taken up at the start: every project of the rules is
    looked at once, which costs nothing where all is done.
    """
    assert site.listen is not None
    for name in _WORK_MODULES:  # the first study must not wait for imports
        importlib.import_module(name)
    open_projects = {rule.project for rule in site.listen.rules}
    not_before_s = 0.0
    with open_workspace(settings, sweep=False) as ws:
        channel.send(READY)
        while True:
            found = settle(ws, site, time.time())
            open_projects |= set(found.projects)
            if open_projects and time.monotonic() >= not_before_s:
                open_projects = _prepare(ws, site, open_projects, channel)
                not_before_s = time.monotonic() + (_AGAIN_S if open_projects else 0)
            if _told_to_stop(channel, min(_LOOK_S, found.next_in_s or _LOOK_S)):
                return


def _prepare(ws: Workspace, site: Site, projects: set[str], channel: socket.socket) -> set[str]:
    """Prepare the projects' studies of this site; return those to try again."""
    failed = set()
    for name in sorted(projects):
        try:
            project = ws.project(name)
            done = deidentify(ws, project, site).done
            harmonise(ws, project, site.name)
            if done:
                _tell(channel, PREPARED + name.encode())
        except AccordageError as error:
            failed.add(name)
            _tell(channel, FAILED + error.code.encode())
    return failed


def _tell(channel: socket.socket, message: bytes) -> None:
    with suppress(OSError):
        channel.send(message)


def _told_to_stop(channel: socket.socket, wait_s: float) -> bool:
    ready, _, _ = select.select([channel], [], [], max(wait_s, 0.01))
    return bool(ready) and not channel.recv(64)
