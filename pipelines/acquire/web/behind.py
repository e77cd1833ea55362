"""One thread that does in order what it is given, a bounded number of calls behind its giver."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

__all__ = ["Behind"]

_CALLS = 16
"""Calls that may wait; each holds two megabytes at most."""


class Behind:
    """Runs calls in a thread while the block goes on; at its end all have been run.

    The first exception of a call is raised to the giver, and no later call is run.
    """

    def __init__(self) -> None:
        self._calls: queue.Queue[tuple[Callable[..., None], Any] | None] = queue.Queue(_CALLS)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="behind", daemon=True)

    def do(self, call: Callable[..., None], *arguments: Any) -> None:
        """Have a call run after those given before; wait while too many are."""
        if self._error is not None:
            raise self._error
        self._calls.put((call, arguments))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._calls.put(None)
        self._thread.join()
        if self._error is not None and error is None:
            raise self._error

    def _run(self) -> None:
        while (given := self._calls.get()) is not None:
            if self._error is None:
                call, arguments = given
                try:
                    call(*arguments)
                except BaseException as error:  # noqa: BLE001, raised again by the giver
                    self._error = error
