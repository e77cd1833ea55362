"""Trying again: a transient failure waits, doubled each time, and a limit."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from config.errors import TransientError
from config.site import PacsNode

__all__ = ["Wait", "with_retries"]

T = TypeVar("T")
Wait = Callable[[float], None]
"""Waits a number of seconds; ``time.sleep`` except in tests."""


def with_retries(node: PacsNode, call: Callable[[], T], wait: Wait) -> T:
    """Call; after a ``TransientError`` wait ``node.retry_wait_s`` (then twice it), call again.

    Raises
    ------
    TransientError
        The last one, after ``node.retries`` further calls.
    """
    for retry in range(node.retries):
        try:
            return call()
        except TransientError:
            wait(node.retry_wait_s * 2**retry)
    return call()
