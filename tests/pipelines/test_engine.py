"""A study's work runs here or on Dask with the same results."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.errors import AccordageError, EnvironmentFault, RejectedError
from config.settings import load_settings
from pipelines.engine import Engine


def square(job: int) -> int:
    if job == 3:
        raise RejectedError("FILE_UNREADABLE", "three")
    if job == 99:
        os._exit(1)  # as a study that exhausts its worker's memory would
    return job * job


def broken(_job: int) -> int:
    raise ZeroDivisionError


def outcome(results: Iterator[tuple[int, int | AccordageError]]) -> dict[int, object]:
    return {j: r.code if isinstance(r, AccordageError) else r for j, r in results}


@pytest.fixture
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    settings = load_settings(tmp_path, {}).model_copy(update={"jobs": request.param})
    made = Engine(settings)
    yield made
    made.close()


@pytest.mark.parametrize("engine", [1, 2], indirect=True, ids=["here", "dask"])
def test_an_error_of_ours_is_a_result_and_stops_nobody(engine: Engine) -> None:
    expected = {1: 1, 2: 4, 3: "FILE_UNREADABLE", 4: 16, 5: 25}
    assert outcome(engine.run(square, expected)) == expected


@pytest.mark.parametrize("engine", [2], indirect=True)
def test_a_study_that_kills_its_worker_twice_is_refused_and_the_others_are_done(
    engine: Engine,
) -> None:
    assert outcome(engine.run(square, [1, 99, 2])) == {1: 1, 99: "WORKER_KILLED", 2: 4}


@pytest.mark.parametrize("engine", [1], indirect=True)
def test_a_defect_is_raised_and_not_taken_for_a_result(engine: Engine) -> None:
    with pytest.raises(ZeroDivisionError):
        list(engine.run(broken, [1]))


def test_a_cluster_by_address_does_the_same(tmp_path: Path) -> None:
    from distributed import LocalCluster

    cluster = LocalCluster(
        n_workers=1, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0"
    )
    settings = load_settings(tmp_path, {"ACCORDAGE_DASK_ADDRESS": cluster.scheduler_address})
    engine = Engine(settings)
    assert outcome(engine.run(square, [2, 3])) == {2: 4, 3: "FILE_UNREADABLE"}
    engine.close()
    assert cluster.scheduler.workers  # it is not ours to stop
    cluster.close()


def test_a_cluster_that_does_not_answer_is_an_environment_fault(tmp_path: Path) -> None:
    settings = load_settings(tmp_path, {"ACCORDAGE_DASK_ADDRESS": "tcp://127.0.0.1:1"})
    engine = Engine(settings, connect_timeout_s=1)
    with pytest.raises(EnvironmentFault, match="DASK_UNREACHABLE"):
        list(engine.run(square, [1, 2]))
    engine.close()
