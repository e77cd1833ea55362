"""Associate with the receiver n times, in four ways, and see whether anything of them stays.

``python benchmarks/soak_receiver.py --associations 10000`` ends with an error when the receiver
process has more descriptors or threads than after its first hundred, or more than 20 MB more
memory. A fourth of the peers sends an object, a fourth only asks whether we are there, a fourth
aborts, a fourth connects and says nothing.
"""

from __future__ import annotations

import argparse
import socket
import sys
import tempfile
import time
from pathlib import Path

from acquire_scene import make_slices, rss_mb
from pynetdicom import AE, _config
from pynetdicom.association import Association

from config.settings import load_settings
from config.site import Site
from pipelines.acquire.receive.listener import Listener

CT, ECHO, EXPLICIT = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.1", "1.2.840.10008.1.2.1"
MORE_MB = 20.0
SETTLED = 100


def usage(pid: int) -> tuple[int, int, float]:
    """Return descriptors, threads and resident megabytes of a process."""
    place = Path(f"/proc/{pid}")
    return len([*place.glob("fd/*")]), len([*place.glob("task/*")]), rss_mb(pid)


def quiet_usage(pid: int, wanted: tuple[int, int] | None = None) -> tuple[int, int, float]:
    """Return the usage once it is as wanted, or at the latest after ten seconds."""
    deadline = time.monotonic() + 10
    while True:
        found = usage(pid)
        is_there = wanted is not None and (found[0] <= wanted[0] and found[1] <= wanted[1])
        if is_there or time.monotonic() > deadline:
            return found
        time.sleep(0.1)


def associate(port: int) -> Association:
    ae = AE("SCANNER")
    ae.add_requested_context(CT, EXPLICIT)
    ae.add_requested_context(ECHO)
    assoc = ae.associate("127.0.0.1", port, ae_title="US")
    assert assoc.is_established
    return assoc


def visit(port: int, number: int, path: Path) -> None:
    """Be one peer."""
    if number % 4 == 0:
        with socket.create_connection(("127.0.0.1", port)):
            return
    assoc = associate(port)
    if number % 4 == 1:
        assert assoc.send_c_echo().Status == 0
    elif number % 4 == 2:
        assert assoc.send_c_store(path).Status == 0
    else:
        assoc.abort()
        return
    assoc.release()


def soak(associations: int, home: Path) -> list[str]:
    """Return what has grown."""
    _config.LOG_HANDLER_LEVEL = "none"
    (path,) = make_slices(home / "ct", 1)
    rule = {"calling_ae_title": "SCANNER", "called_ae_title": "US", "project": "p"}
    listen = {"port": 0, "processes": 1, "recycle_after": 10**9, "rules": [rule]}
    site = Site.model_validate({"name": "s", "listen": listen})
    with Listener(load_settings(home, {}), site, prepare=False) as listener:
        (pid,) = listener.pids
        start = None
        for number in range(associations):
            visit(listener.port, number, path)
            if number + 1 == min(SETTLED, associations // 2):
                start = quiet_usage(pid)
                print(f"after {number + 1}: descriptors, threads, MB: {start}", flush=True)
        assert start is not None
        end = quiet_usage(pid, start[:2])
        print(f"after {associations}: descriptors, threads, MB: {end}")
    return [
        f"{what}: {was:.0f} -> {now:.0f}"
        for what, was, now, room in zip(
            ("descriptors", "threads", "MB"), start, end, (0, 0, MORE_MB), strict=True
        )
        if now > was + room
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--associations", type=int, default=10_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        grown = soak(asked.associations, Path(folder))
    if grown:
        sys.exit("leaks: " + "; ".join(grown))


if __name__ == "__main__":
    main()
