"""Where a study's work runs: here, on a local Dask cluster, or on one by address."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar

from config.errors import AccordageError, EnvironmentFault, RejectedError
from config.settings import Settings
from pipelines.processes import Crew, Memory

__all__ = ["Engine"]

Job = TypeVar("Job")
Result = TypeVar("Result")

WINDOW_PER_WORKER = 3
"""Futures in flight for each worker: enough to keep it busy, few enough to keep memory flat."""

WORKER_SETTINGS = {
    "distributed.scheduler.allowed-failures": 1,  # a study that kills its worker twice is refused
    "distributed.admin.tick.limit": "60s",
    "distributed.worker.daemon": True,
}
WORKER_ENVIRONMENT = {
    "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENCV_FOR_THREADS_NUM": "1",
    "OPENBLAS_NUM_THREADS": "1",
}


class Engine:
    """Runs one function over many jobs; a job holds paths and hashes, a result is a small value.

    A cluster is started at the first call with more than one job, and kept until `close`.
    """

    def __init__(self, settings: Settings, connect_timeout_s: float = 30.0) -> None:
        self._settings = settings
        self._connect_timeout_s = connect_timeout_s
        self._client: Any = None
        self._warming: Any = None  # futures: a worker forgets what nobody holds
        self._cluster: Any = None

    def warm(self, modules: Sequence[str]) -> None:
        """Start the cluster and let its workers import ``modules`` while other work goes on."""
        if self._settings.jobs > 1 or self._settings.dask_address is not None:
            self._warming = self._connect().map(
                import_all, [modules] * self._settings.jobs, pure=False
            )

    @property
    def jobs(self) -> int:
        """How many processes work at once."""
        return self._settings.jobs

    def crew(self) -> Crew:
        """Return who does the work of one command, for a ``with`` block.

        Forked processes need no cluster; one by address is used when there is one.
        """
        if self._settings.dask_address is None:
            return Crew(self._settings.jobs)
        return _ClusterCrew(self)

    def run(
        self, work: Callable[[Job], Result], jobs: Iterable[Job]
    ) -> Iterator[tuple[Job, Result | AccordageError]]:
        """Yield each job with its result, or with the error it ended in, as they settle.

        Only errors of our tree are results; any other is a defect and is raised.
        """
        todo = list(jobs)
        alone = self._settings.dask_address is None and (self._settings.jobs == 1 or len(todo) < 2)
        if alone:
            for job in todo:
                try:
                    yield job, work(job)
                except AccordageError as error:
                    yield job, error
            return
        yield from self._run_on_cluster(work, todo)

    def _run_on_cluster(
        self, work: Callable[[Job], Result], jobs: list[Job]
    ) -> Iterator[tuple[Job, Result | AccordageError]]:
        from distributed import as_completed

        client = self._connect()
        window = WINDOW_PER_WORKER * max(1, len(client.scheduler_info(n_workers=-1)["workers"]))
        waiting = iter(jobs)
        pending: dict[Any, Job] = {}
        running = as_completed(loop=client.loop)

        def feed() -> None:
            for job in waiting:
                future = client.submit(work, job, pure=False, retries=0)
                pending[future] = job
                running.add(future)
                if len(pending) >= window:
                    return

        feed()
        for future in running:
            job = pending.pop(future)
            yield job, _outcome(future)
            future.release()
            feed()

    def _connect(self) -> Any:
        if self._client is not None:
            return self._client
        import dask
        from distributed import Client, LocalCluster

        logging.getLogger("distributed").setLevel(logging.CRITICAL)
        dask.config.set(WORKER_SETTINGS)
        dask.config.set({"distributed.comm.timeouts.connect": self._connect_timeout_s})
        try:
            if self._settings.dask_address is None:
                dask.config.set({"distributed.nanny.pre-spawn-environ": WORKER_ENVIRONMENT})
                self._cluster = LocalCluster(
                    n_workers=self._settings.jobs,
                    threads_per_worker=1,
                    host="127.0.0.1",
                    dashboard_address="127.0.0.1:0",  # None would claim a fixed port
                    silence_logs=logging.CRITICAL,
                )
            self._client = Client(
                self._cluster or self._settings.dask_address, set_as_default=False
            )
        except (OSError, TimeoutError) as error:
            raise EnvironmentFault("DASK_UNREACHABLE", type(error).__name__) from error
        return self._client

    def close(self) -> None:
        """Stop what was started."""
        if self._client is not None:
            self._client.close()
        if self._cluster is not None:
            self._cluster.close()
        self._client = self._cluster = self._warming = None


class _ClusterCrew(Crew):
    """The workers of a cluster, which remember nothing from job to job."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine.jobs)
        self._engine = engine

    def run(
        self, work: Callable[[Job, Memory], Result], jobs: Sequence[Job]
    ) -> Iterator[tuple[Job, Result | None]]:
        for job, result in self._engine.run(partial(_without_memory, work), jobs):
            if not isinstance(result, AccordageError):
                yield job, result
            elif result.code == "WORKER_KILLED":
                yield job, None
            else:
                raise result


def _without_memory(work: Callable[[Job, Memory], Result], job: Job) -> Result:
    return work(job, {})


def import_all(modules: Sequence[str]) -> None:
    """Import modules by name."""
    for name in modules:
        importlib.import_module(name)


def _outcome(future: Any) -> Any:
    """Return a settled future's result, or its error when it is one of ours."""
    from distributed import KilledWorker

    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, KilledWorker):
        return RejectedError("WORKER_KILLED")
    if isinstance(error, AccordageError):
        return error
    raise error
