"""Prefect: flows, tasks, retries, deployments. The only file that imports prefect.

Prefect is the clock and the window; the catalogue is the memory. Parameters, names, logs, results
and artifacts hold project and site names, keyed row ids, counts and codes: nothing of a patient.
Import this module inside `pipelines.server.prefect_server`.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from prefect import flow, serve, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy, State
from prefect.deployments.runner import RunnerDeployment
from prefect.schedules import Cron
from prefect.types.entrypoint import EntrypointType

from config.errors import AccordageError, EnvironmentFault, TransientError
from config.library import find_project, names
from config.settings import Settings, load_settings
from pipelines.acquire.resolve import resolve
from pipelines.acquire.retrieve import open_rows, retrieve
from pipelines.cohort.assemble import assemble
from pipelines.cohort.release import Released
from pipelines.demo.run import PROJECTS, WORK_MODULES, hospitals, seed_secrets
from pipelines.demo.story import finish
from pipelines.prepare.stage_deidentify import deidentify
from pipelines.prepare.stage_harmonise import harmonise
from pipelines.progress import Progress
from pipelines.status import tally
from pipelines.workspace import Workspace, open_workspace

__all__ = ["deployments", "ingest", "run_demo", "serve_projects"]

P = ParamSpec("P")
R = TypeVar("R")

RETRIES = 2
"""Tries after the first, for what may be retried; the network layer retries inside each."""
RETRY_WAITS_S = [5.0, 20.0]
"""Wait before each retry."""

_shared: ContextVar[Workspace | None] = ContextVar("workspace", default=None)


@contextmanager
def _workspace(home: str) -> Iterator[Workspace]:
    """Yield the workspace of the run in progress, or one of its own."""
    shared = _shared.get()
    if shared is not None:
        yield shared
        return
    with open_workspace(load_settings(Path(home)), sweep=False) as ws:
        yield ws


def _guarded(function: Callable[P, R]) -> Callable[P, R]:
    """Let only our own errors reach Prefect's database: a foreign message may quote a value."""

    @wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except AccordageError as error:
            raise error.with_traceback(None) from None
        except Exception as error:  # noqa: BLE001 - translated, with its place
            place = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}"
            raise EnvironmentFault("INTERNAL_ERROR", where) from None

    return guarded


def _may_retry(_task: object, _run: object, state: State[Any]) -> bool:
    """Retry what the error tree says may be retried, and nothing else."""
    return isinstance(state.data, TransientError)


_retrying = task(
    retries=RETRIES,
    retry_delay_seconds=RETRY_WAITS_S,
    retry_jitter_factor=0.5,
    retry_condition_fn=_may_retry,
    cache_policy=NO_CACHE,
    persist_result=False,
)
_once = task(cache_policy=NO_CACHE, persist_result=False)


@_retrying
@_guarded
def resolve_site(
    home: str, project: str, site: str, since: date | None, until: date | None
) -> list[str]:
    """Ask the PACS what matches; return the rows to fetch (keyed names)."""
    with _workspace(home) as ws:
        chosen, place = ws.project(project), ws.site(site)
        resolve(ws, chosen, place, since=since, until=until)
        return open_rows(ws, chosen, place)


@_retrying
@_guarded
def retrieve_batch(home: str, project: str, site: str, row_ids: list[str]) -> dict[str, int]:
    """Fetch one batch of studies; return the refusals by code."""
    with _workspace(home) as ws:
        return retrieve(ws, ws.project(project), ws.site(site), row_ids).refused


@_once
@_guarded
def deidentify_site(home: str, project: str, site: str) -> dict[str, int]:
    """De-identify what has come from a site; return the refusals by code."""
    with _workspace(home) as ws:
        return deidentify(ws, ws.project(project), ws.site(site)).refused


@_once
@_guarded
def harmonise_site(home: str, project: str, site: str, wait: bool) -> dict[str, int]:  # noqa: FBT001 - a task
    """Harmonise a site's studies, unless they wait for a model; return the refusals by code."""
    with _workspace(home) as ws:
        return harmonise(ws, ws.project(project), site, wait=wait).refused


@_once
@_guarded
def assemble_project(home: str, project: str) -> None:
    """Draw the sample to read and build its packs."""
    with _workspace(home) as ws:
        assemble(ws, ws.project(project))


@_once
@_guarded
def show_account(home: str, project: str, site: str) -> dict[str, int]:
    """Leave a table of expected, received, refused and harmonised studies; return the counts."""
    with _workspace(home) as ws:
        counts, by_code = tally(ws, project, site)
    rows = [{"what": what, "studies": n} for what, n in counts.items()]
    rows += [{"what": f"refused: {code}", "studies": n} for code, n in by_code.items()]
    create_table_artifact(
        key=f"studies-{project}-{site}".replace("_", "-").replace(".", "-"),
        table=rows,
        description=f"Studies of {project} at {site}",
    )
    return counts


@flow(name="ingest", flow_run_name="{project} at {site}", persist_result=False, log_prints=False)
def ingest(
    project: str,
    site: str,
    home: str,
    since: date | None = None,
    until: date | None = None,
    wait_for_model: bool = False,  # noqa: FBT001, FBT002 - a flow's parameter
) -> dict[str, int]:
    """Acquire, prepare and assemble a project's new studies at one site.

    ``wait_for_model`` leaves studies unharmonised while the project has no intensity model.
    """
    size = find_project(project, Path(home) / "config").batch_size
    rows = resolve_site(home, project, site, since, until)
    for start in range(0, len(rows), size):
        retrieve_batch(home, project, site, rows[start : start + size])
    deidentify_site(home, project, site)
    harmonise_site(home, project, site, wait_for_model)
    assemble_project(home, project)
    return show_account(home, project, site)


def deployments(settings: Settings) -> list[RunnerDeployment]:
    """Return one deployment a project and site, with the project's cron line and time zone."""
    made = []
    for name in names("projects", settings.config_root):
        project = find_project(name, settings.config_root)
        for site in project.sites:
            schedule = project.schedule
            made.append(
                RunnerDeployment.from_flow(
                    ingest,
                    name=f"{project.name}--{site}",
                    parameters={"project": project.name, "site": site, "home": str(settings.home)},
                    schedule=Cron(schedule.cron, schedule.timezone) if schedule else None,
                    concurrency_limit=ConcurrencyLimitConfig(
                        limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW
                    ),
                    entrypoint_type=EntrypointType.MODULE_PATH,
                    description=project.title,
                )
            )
    return made


def serve_projects(settings: Settings) -> None:
    """Register every deployment and run what is due, until stopped."""
    with open_workspace(settings):
        pass  # swept once here, and not in every task
    serve(*deployments(settings), pause_on_shutdown=False, print_starting_message=False)


def run_demo(settings: Settings, progress: Progress, only: str | None = None) -> list[Released]:
    """Run the demo's projects as flows on the server, then let the simulated reader release."""
    released = []
    with hospitals(settings) as world, open_workspace(settings, progress) as ws:
        seed_secrets(ws, world)
        ws.engine.warm(WORK_MODULES)
        token = _shared.set(ws)
        try:
            for name in (only,) if only else PROJECTS:
                _ingest_everywhere(settings, ws.project(name).sites, name)
                # the model is fitted over all hospitals, once the last has answered
                harmonise(ws, ws.project(name))
                assemble(ws, ws.project(name))
                released.append(finish(ws, name))
        finally:
            _shared.reset(token)
    return released


def _ingest_everywhere(settings: Settings, sites: Sequence[str], project: str) -> None:
    """Run the flow at every site; one that fails is shown by its state, the others go on."""
    for site in sites:
        ingest(project, site, str(settings.home), wait_for_model=True, return_state=True)
