"""The demo's story without a server: the same stages, called as plain functions."""

from __future__ import annotations

from config.errors import TransientError
from config.settings import Settings
from pipelines.cohort.assemble import assemble
from pipelines.cohort.release import Released, release
from pipelines.demo.run import PROJECTS, WORK_MODULES, hospitals, read_by_simulation, seed_secrets
from pipelines.progress import Progress
from pipelines.stages import acquire, prepare
from pipelines.workspace import Workspace, open_workspace

__all__ = ["finish", "run_story"]


def run_story(settings: Settings, progress: Progress, only: str | None = None) -> list[Released]:
    """Run the demo's projects from archives to releases."""
    released = []
    with hospitals(settings) as world, open_workspace(settings, progress) as ws:
        seed_secrets(ws, world)
        ws.engine.warm(WORK_MODULES)
        for name in (only,) if only else PROJECTS:
            project = ws.project(name)
            for site in project.sites:
                try:
                    acquire(ws, project, ws.site(site))
                except TransientError as error:
                    progress.begin(f"{site}: {error.code}", 0)
            prepare(ws, project)
            assemble(ws, project)
            released.append(finish(ws, name))
    return released


def finish(ws: Workspace, name: str) -> Released:
    """Let the simulated reader read what waits, then release."""
    read_by_simulation(ws, name)
    return release(ws, ws.project(name))
