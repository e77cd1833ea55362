"""Measure how fast objects come in: receiver, C-GET and WADO-RS, each beside bare pynetdicom.

``make bench-acquire`` prints a table, writes ``benchmarks/results/acquire.json`` and the table of
``docs/benchmarks.md``. 1,000 CT slices of 0.5 MB (``--slices``), Debian's Orthanc as the source,
dcmtk's storescu as the sender. Everything lies on a RAM disk where there is one (``--folder`` for
another place): what is measured is the program, not the disk. The contestants of a comparison run
in turn, ``--rounds`` times; the median counts.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import platform
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from acquire_scene import (
    ROOT,
    PeakMemory,
    bare_get,
    bare_receiver,
    make_multiframe,
    make_slices,
    send,
)

from config.settings import load_settings
from config.site import PacsNode, Site
from config.version import code_version
from pipelines.acquire.keep import Keeper
from pipelines.acquire.pacs import find_instances, retrieve_study
from pipelines.acquire.receive.listener import Listener
from pipelines.workspace import open_workspace
from tests.support.orthanc import OrthancServer

HERE = Path(__file__).parent
RESULT = HERE / "results" / "acquire.json"
PAGE = HERE.parent / "docs" / "benchmarks.md"
START, END = "<!-- acquire -->", "<!-- acquire end -->"
RAM = Path("/dev/shm")
STUDY = f"{ROOT}.1"
Measure = Callable[[], float]


class Bench:
    """The slices, where everything lies, and how often each thing is measured."""

    def __init__(self, folder: Path, slices: int, rounds: int) -> None:
        self.folder = folder
        self.rounds = rounds
        self.paths = make_slices(folder / "ct", slices)

    def in_turn(self, contestants: dict[str, Measure]) -> dict[str, float]:
        """Return the median instances a second of each."""
        seen: dict[str, list[float]] = {name: [] for name in contestants}
        for _ in range(self.rounds):
            for name, measure in contestants.items():
                seen[name].append(len(self.paths) / measure())
                print(f"{name}: {seen[name][-1]:.0f}/s", flush=True)
        return {name: statistics.median(values) for name, values in seen.items()}

    @contextmanager
    def place(self) -> Iterator[Path]:
        made = self.folder / uuid4().hex[:8]
        made.mkdir()
        try:
            yield made
        finally:
            shutil.rmtree(made)

    @contextmanager
    def listener(self, processes: int) -> Iterator[Listener]:
        rule = {"calling_ae_title": "SCANNER", "called_ae_title": "US", "project": "p"}
        listen = {"port": 0, "processes": processes, "rules": [rule]}
        site = Site.model_validate({"name": "s", "listen": listen})
        with (
            self.place() as home,
            Listener(load_settings(home, {}), site, prepare=False) as opened,
        ):
            yield opened

    def received(self, processes: int, *, nodelay: bool = True) -> float:
        """Return the seconds our receiver takes, rows committed."""
        with self.listener(processes) as opened:
            return send(opened.port, self.paths, processes, nodelay=nodelay)

    def bare(self) -> float:
        """Return the seconds a bare receiver takes that only writes."""
        with self.place() as folder, bare_receiver(folder) as port:
            return send(port, self.paths)

    def memory_mb(self, gigabytes: float) -> float:
        """Return the peak resident memory of the receiver with one large multi-frame object."""
        with self.place() as folder:
            path = make_multiframe(folder / "large.dcm", gigabytes)
            with self.listener(1) as opened, PeakMemory(opened.pids) as memory:
                send(opened.port, [path])
            return memory.peak_mb


class Source:
    """Orthanc with the slices, and the ways to get them out."""

    def __init__(self, bench: Bench, orthanc: OrthancServer) -> None:
        self._bench = bench
        self._orthanc = orthanc

    def retrieved(self, method: str) -> float:
        """Return the seconds a retrieval takes, rows committed, every instance accounted for."""
        node = PacsNode.model_validate(
            {
                "ae_title": "ORTHANC",
                "host": "127.0.0.1",
                "port": self._orthanc.port,
                "methods": [method],
                "dicomweb": {"url": f"http://127.0.0.1:{self._orthanc.http_port}/dicom-web"},
            }
        )
        expected = find_instances(node, STUDY)
        with self._bench.place() as home, open_workspace(load_settings(home, {})) as ws:
            keeper = Keeper(ws.identified, ws.ledger, "s")
            incoming = ws.identified.incoming
            start = time.perf_counter()
            report = retrieve_study(node, STUDY, expected, keeper, spool_in=incoming)
            seconds = time.perf_counter() - start
        assert report.code is None, report.code
        return seconds

    def bare_get(self) -> float:
        """Return the seconds a bare C-GET loop takes that only writes."""
        with self._bench.place() as folder:
            return bare_get(self._orthanc.port, STUDY, folder, len(self._bench.paths))

    def bare_web(self) -> float:
        """Return the seconds the study's WADO-RS answer takes to come, thrown away."""
        accept = 'multipart/related; type="application/dicom"; transfer-syntax=*'
        connection = http.client.HTTPConnection("127.0.0.1", self._orthanc.http_port)
        start = time.perf_counter()
        connection.request("GET", f"/dicom-web/studies/{STUDY}", headers={"Accept": accept})
        with connection.getresponse() as answer:
            while answer.read(1 << 20):
                pass
        connection.close()
        return time.perf_counter() - start


def measure(bench: Bench, gigabytes: float) -> dict[str, Any]:
    """Return every figure."""
    figures = bench.in_turn(
        {
            "bare receiver": bench.bare,
            "receiver": lambda: bench.received(1),
            "receiver, two processes, two senders": lambda: bench.received(2),
        }
    )
    with bench.place() as folder:
        orthanc = OrthancServer(folder).start()
        try:
            orthanc.load(bench.paths)
            source = Source(bench, orthanc)
            figures |= bench.in_turn(
                {
                    "bare C-GET": source.bare_get,
                    "C-GET": lambda: source.retrieved("c-get"),
                    "bare WADO-RS": source.bare_web,
                    "WADO-RS": lambda: source.retrieved("dicomweb"),
                }
            )
        finally:
            orthanc.stop()
    few = Bench(bench.folder, min(len(bench.paths), 60), 1)
    figures["receiver, dcmtk as shipped"] = len(few.paths) / few.received(1, nodelay=False)
    return {
        "instances_per_s": {name: round(value) for name, value in figures.items()},
        "large_object_gb": gigabytes,
        "receiver_peak_mb": round(bench.memory_mb(gigabytes)),
    }


GOALS = (
    ("receiver", "bare receiver", 0.8),
    ("receiver, two processes, two senders", "receiver", 1.6),
    ("C-GET", "bare C-GET", 0.9),
    ("WADO-RS", "C-GET", 3.0),
)


def table(found: dict[str, Any]) -> str:
    """Return the figures as Markdown."""
    rate = found["instances_per_s"]
    beside = {name: (other, goal) for name, other, goal in GOALS}
    lines = ["| path | instances/s | beside | ratio | goal |", "|---|---:|---|---:|---:|"]
    for name, value in rate.items():
        if name in beside:
            other, goal = beside[name]
            ratio = value / rate[other]
            lines.append(f"| {name} | {value} | {other} | {ratio:.2f} | {goal} |")
        else:
            lines.append(f"| {name} | {value} | | | |")
    lines.append("")
    lines.append(
        f"Receiver's peak memory with a multi-frame object of {found['large_object_gb']} GB: "
        f"{found['receiver_peak_mb']} MB (goal: 150 MB)."
    )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slices", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--gigabytes", type=float, default=2.0)
    parser.add_argument("--folder", type=Path, default=RAM if RAM.is_dir() else None)
    parser.add_argument("--dry", action="store_true", help="write nothing")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        bench = Bench(Path(folder), asked.slices, asked.rounds)
        found = measure(bench, asked.gigabytes)
    found |= {
        "slices": asked.slices,
        "rounds": asked.rounds,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python "
        f"{platform.python_version()}",
        "code": code_version(),
    }
    text = table(found)
    print(text)
    if not asked.dry:
        RESULT.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        before, rest = PAGE.read_text(encoding="utf-8").split(START, 1)
        after = rest.split(END, 1)[1]
        PAGE.write_text(f"{before}{START}\n{text}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
