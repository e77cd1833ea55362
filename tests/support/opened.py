"""Which files are opened under some folders, by whatever process and library: inotify(7)."""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

IN_OPEN = 0x20
IN_ISDIR = 0x40000000
EVENT = struct.Struct("iIII")
QUEUE_BYTES = 1 << 22


class OpenedFiles:
    """Context in which `names` lists the files opened under folders that existed at its start."""

    def __init__(self, folders: Iterable[Path]) -> None:
        self._folders = [d for top in folders for d in (top, *top.rglob("*")) if d.is_dir()]
        self._watches: dict[int, Path] = {}

    def __enter__(self) -> Self:
        libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        assert self._descriptor >= 0, os.strerror(ctypes.get_errno())
        for folder in self._folders:
            watch = libc.inotify_add_watch(self._descriptor, os.fsencode(folder), IN_OPEN)
            assert watch >= 0, os.strerror(ctypes.get_errno())
            self._watches[watch] = folder
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._descriptor)

    def names(self) -> list[Path]:
        """Return the files opened since the last call; folders that were listed do not count."""
        found = []
        while True:
            try:
                data = os.read(self._descriptor, QUEUE_BYTES)
            except BlockingIOError:
                return found
            at = 0
            while at < len(data):
                watch, mask, _, length = EVENT.unpack_from(data, at)
                name = data[at + EVENT.size : at + EVENT.size + length].rstrip(b"\0")
                at += EVENT.size + length
                assert watch in self._watches, "the queue ran over: too much was opened"
                if mask & IN_OPEN and not mask & IN_ISDIR:
                    found.append(self._watches[watch] / os.fsdecode(name))
