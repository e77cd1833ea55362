"""Work on one machine by forked processes: they start in milliseconds and know what is loaded."""

from __future__ import annotations

import gc
import multiprocessing
import pickle
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Any, Self, TypeVar, cast

__all__ = ["Crew", "Memory"]

Job = TypeVar("Job")
Result = TypeVar("Result")
Memory = dict[str, Any]
"""What one process has learnt from earlier jobs; a result never depends on it."""
_TRIES = 2
"""Times that a job may kill its process."""
_LEAVE_S = 10.0
"""How long a process may take to end once it has nothing to do."""


class Crew:
    """Processes that work until the block ends; forked when there is first something to share.

    Parameters
    ----------
    processes : int
        How many work at once; with one, all is done here.
    """

    def __init__(self, processes: int) -> None:
        self.processes = processes
        self._members: list[_Member] = []
        self._leaving: list[_Member] = []
        self._own: Memory = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.rest()
        for member in self._leaving:
            member.join()
        self._leaving = []

    def rest(self) -> None:
        """Let the processes end while other work goes on."""
        for member in self._members:
            member.dismiss()
        self._leaving += self._members
        self._members = []

    def run(
        self, work: Callable[[Job, Memory], Result], jobs: Sequence[Job]
    ) -> Iterator[tuple[Job, Result | None]]:
        """Yield each job with its result, in order; None where it killed its process twice.

        Parameters
        ----------
        work : callable
            A function of a module; takes a job and the memory of the process that it runs in.
        jobs : sequence
            Small values: paths and numbers.
        """
        if self.processes < 2 or len(jobs) < 2:
            for job in jobs:
                yield job, work(job, self._own)
            return
        while len(self._members) < min(self.processes, len(jobs)):
            self._members.append(_Member())
        settled: dict[int, Any] = {}
        waiting = self._settled(work, jobs)
        for number, job in enumerate(jobs):
            while number not in settled:
                settled.update([next(waiting)])
            yield job, settled.pop(number)

    def _settled(
        self, work: Callable[[Any, Memory], Any], jobs: Sequence[Any]
    ) -> Iterator[tuple[int, Any]]:
        """Yield the number of each job with its result, as they come."""
        todo = deque(range(len(jobs)))
        deaths = [0] * len(jobs)
        for member in self._members:
            if todo:
                member.give(work, todo[0], jobs[todo.popleft()])
        while busy := {m.pipe: m for m in self._members if m.number is not None}:
            for pipe in wait(list(busy)):
                member = busy[cast("Connection", pipe)]
                number, answer = cast("int", member.number), member.answer()
                if answer is None:
                    deaths[number] += 1
                    member = self._replaced(member)
                    if deaths[number] < _TRIES:
                        todo.appendleft(number)
                if todo:  # before anything else: it waits
                    member.give(work, todo[0], jobs[todo.popleft()])
                if answer is not None:
                    yield number, _opened(answer)
                elif deaths[number] == _TRIES:
                    yield number, None

    def _replaced(self, dead: _Member) -> _Member:
        dead.dismiss()
        dead.join()
        fresh = _Member()
        self._members[self._members.index(dead)] = fresh
        return fresh


@dataclass(eq=False)
class _Member:
    """One forked process and the pipe to it; ``number`` is the job that it is at."""

    number: int | None = None
    pipe: Connection = field(init=False)
    process: Any = field(init=False)

    def __post_init__(self) -> None:
        context = multiprocessing.get_context("fork")
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=_serve, args=(other, self.pipe), daemon=True)
        self.process.start()
        other.close()

    def give(self, work: Callable[[Any, Memory], Any], number: int, job: Any) -> None:
        self.number = number
        try:
            self.pipe.send((work, job))
        except BrokenPipeError:
            return  # it is dead, as the answer will say

    def answer(self) -> bytes | None:
        """Return what it says, None when it is dead; it has no job then."""
        self.number = None
        try:
            return self.pipe.recv_bytes()
        except (EOFError, ConnectionResetError):
            return None

    def dismiss(self) -> None:
        """Let it end: at once when it is at a job that nobody waits for.

        It would not see this end of the pipe closed: processes forked later have it too.
        """
        if self.number is None:
            with suppress(OSError):
                self.pipe.send(None)
        else:
            self.process.terminate()
        self.pipe.close()

    def join(self) -> None:
        """Wait until it has ended; one that is stuck has answered before, and is killed.

        A fork may inherit a lock that a thread of its parent held, and wait for it at its end.
        """
        self.process.join(_LEAVE_S)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def _serve(pipe: Connection, parents: Connection) -> None:
    """Do one job after another until there is no more."""
    parents.close()
    gc.freeze()  # what is shared stays so: to look for garbage in it would be to copy it
    memory: Memory = {}
    try:
        while (given := pipe.recv()) is not None:
            work, job = given
            pipe.send_bytes(_answer(work, job, memory))
    except (EOFError, BrokenPipeError, ConnectionResetError, KeyboardInterrupt):
        return  # nobody waits any more


def _answer(work: Callable[[Any, Memory], Any], job: Any, memory: Memory) -> bytes:
    try:
        return pickle.dumps((work(job, memory), None))
    except Exception as error:  # noqa: BLE001 - raised again where it was asked for
        try:
            return pickle.dumps((None, error))
        except Exception:  # noqa: BLE001 - whatever hinders it: the kind of error is known
            return pickle.dumps((None, RuntimeError(type(error).__name__)))


def _opened(answer: bytes) -> Any:
    result, error = pickle.loads(answer)  # noqa: S301 - of our own process
    if error is not None:
        raise error
    return result
