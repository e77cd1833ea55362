"""A receiver keeps nothing of an association that is over, and no object in memory.

``make soak-acquire`` and ``make bench-acquire`` do the same with 10,000 associations and 2 GB.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pynetdicom import AE

from config.settings import load_settings
from config.site import Site
from pipelines.acquire.receive.listener import Listener
from tests.support.files import write_instance
from tests.support.orthanc import dcmtk

MR, ECHO, EXPLICIT = "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.1.1", "1.2.840.10008.1.2.1"
LARGE_BYTES = 96 << 20
GROWTH_MB = 24
"""A quarter of the large object; what the interpreter's own bookkeeping needs."""


@pytest.fixture(scope="module")
def listener(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Listener]:
    rule = {"calling_ae_title": "MR1", "called_ae_title": "NEURO", "project": "tiny"}
    listen = {"port": 0, "processes": 1, "rules": [rule]}
    site = Site.model_validate({"name": "s", "listen": listen})
    settings = load_settings(tmp_path_factory.mktemp("home"), {})
    with Listener(settings, site, prepare=False) as opened:
        yield opened


def visit(port: int, number: int, path: Path) -> None:
    """Send, ask, abort, or connect and say nothing."""
    if number % 4 == 0:
        with socket.create_connection(("127.0.0.1", port)):
            return
    ae = AE("MR1")
    ae.add_requested_context(MR, EXPLICIT)
    ae.add_requested_context(ECHO)
    assoc = ae.associate("127.0.0.1", port, ae_title="NEURO")
    assert assoc.is_established
    if number % 4 == 1:
        assert assoc.send_c_echo().Status == 0
    elif number % 4 == 2:
        assert assoc.send_c_store(path).Status == 0
    else:
        assoc.abort()
        return
    assoc.release()


def held(pid: int) -> tuple[int, int]:
    """Return descriptors and threads of a process."""
    place = Path(f"/proc/{pid}")
    return len([*place.glob("fd/*")]), len([*place.glob("task/*")])


def held_at_most(pid: int, wanted: tuple[int, int]) -> bool:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        descriptors, threads = held(pid)
        if descriptors <= wanted[0] and threads <= wanted[1]:
            return True
        os.sched_yield()
    return False


def test_associations_that_are_over_leave_no_descriptor_and_no_thread(
    listener: Listener, tmp_path: Path
) -> None:
    (pid,) = listener.pids
    idle = held(pid)
    path = write_instance(tmp_path, 1, 1, 1)
    for number in range(4):
        visit(listener.port, number, path)
    # SQLite and the catalogue's pool keep what they opened for the first object
    few = (idle[0] + 6, idle[1])
    assert held_at_most(pid, few)
    after_first = held(pid)
    for number in range(12):
        visit(listener.port, number, path)
    assert held_at_most(pid, after_first)


def peak_mb(pid: int) -> float:
    """Return the most memory a process has ever had resident."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if "VmHWM" in line) / 1024


def test_a_large_object_is_never_in_memory(listener: Listener, tmp_path: Path) -> None:
    (pid,) = listener.pids
    sending = ("storescu", "-aet", "MR1", "-aec", "NEURO", "127.0.0.1", str(listener.port))
    dcmtk(*sending, write_instance(tmp_path, 1, 1, 2))
    before = peak_mb(pid)
    large = write_instance(tmp_path, 1, 1, 3, PixelData=bytes(LARGE_BYTES))
    dcmtk(*sending, large)
    assert peak_mb(pid) <= before + GROWTH_MB
