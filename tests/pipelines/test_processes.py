"""Forked processes: every job has its result, whoever dies."""

from __future__ import annotations

import multiprocessing
import os
import threading
from multiprocessing import util

import pytest

from config.errors import RejectedError
from pipelines.processes import Crew, Memory


def square(job: int, _memory: Memory) -> int:
    return job * job


def counted(_job: int, memory: Memory) -> tuple[int, int]:
    memory["jobs"] = memory.get("jobs", 0) + 1
    return os.getpid(), memory["jobs"]


def deadly(job: int, _memory: Memory) -> int:
    if job == 13:
        os._exit(1)  # as one that is out of memory
    return job * job


def deadly_once(job: str, _memory: Memory) -> str:
    try:
        os.close(os.open(job, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return "done"
    os._exit(1)


def never_ends(job: int, _memory: Memory) -> int:
    util.Finalize(None, threading.Event().wait, exitpriority=1)
    return job * job


def refused(job: int, _memory: Memory) -> int:
    raise RejectedError("FILE_UNREADABLE", str(job))


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_results_come_in_the_order_of_the_jobs(processes: int) -> None:
    with Crew(processes) as crew:
        assert list(crew.run(square, range(20))) == [(n, n * n) for n in range(20)]
        assert list(crew.run(square, [4])) == [(4, 16)]
        assert list(crew.run(square, [])) == []


def test_a_process_keeps_what_it_learnt_for_the_next_jobs_and_the_next_run() -> None:
    with Crew(2) as crew:
        results = [result for _ in range(2) for _, result in crew.run(counted, range(6)) if result]
    by_process: dict[int, list[int]] = {}
    for process, count in results:
        by_process.setdefault(process, []).append(count)
    assert len(results) == 12
    assert os.getpid() not in by_process
    assert len(by_process) <= 2
    assert all(sorted(counts) == [*range(1, len(counts) + 1)] for counts in by_process.values())


def test_who_has_rested_works_again() -> None:
    with Crew(2) as crew:
        assert [result for _, result in crew.run(square, [1, 2, 3])] == [1, 4, 9]
        crew.rest()
        assert [result for _, result in crew.run(square, [4, 5])] == [16, 25]
    assert multiprocessing.active_children() == []


def test_a_job_that_kills_its_process_twice_has_no_result_and_the_others_have() -> None:
    jobs = [1, 13, *range(2, 12)]
    with Crew(2) as crew:
        assert list(crew.run(deadly, jobs)) == [(n, None if n == 13 else n * n) for n in jobs]
        assert [result for _, result in crew.run(square, [5, 6])] == [25, 36]


def test_a_job_that_kills_its_process_once_is_done_the_second_time(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("marks")
    jobs = [str(folder / name) for name in "abcd"]
    with Crew(2) as crew:
        assert [result for _, result in crew.run(deadly_once, jobs)] == ["done"] * 4


def test_an_error_of_the_work_is_raised_and_leaves_no_process_behind() -> None:
    with pytest.raises(RejectedError, match="FILE_UNREADABLE"), Crew(2) as crew:
        list(crew.run(refused, range(8)))
    assert multiprocessing.active_children() == []


def test_whoever_stops_listening_leaves_no_process_behind() -> None:
    with Crew(2) as crew:
        next(crew.run(square, range(100)))
    assert multiprocessing.active_children() == []


def test_a_process_that_is_stuck_at_its_end_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pipelines.processes._LEAVE_S", 0.1)
    with Crew(2) as crew:
        assert [result for _, result in crew.run(never_ends, [1, 2, 3])] == [1, 4, 9]
    assert multiprocessing.active_children() == []
