"""A list of 23,000 accession numbers: resolved, forecast and resumable, with flat memory.

``make accession-list`` writes the list as a spreadsheet left it (lost zeros, doubled, ambiguous and
nonsense lines), has it resolved by a child process that is killed once with ``kill -9``, and
compares every line's outcome with what was planted. The child's memory is compared with that for a
tenth of the list.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import yaml

from config.settings import load_settings
from pipelines.acquire.archive import Archive
from pipelines.acquire.archive.synthetic import SyntheticStudy, entries_of
from pipelines.acquire.asked.receipt import receipt
from pipelines.acquire.planning.forecast import forecast
from pipelines.acquire.resolve import resolve
from pipelines.catalogue.database import open_identified
from pipelines.workspace import open_workspace

ROOT = Path(__file__).resolve().parents[1]


def plant(lines: int) -> tuple[list[SyntheticStudy], list[str], Counter[str]]:
    """Return the archive's studies, the list's lines, and how many must end how."""
    studies, text, truth = [], [], Counter[str]()
    for n in range(lines):
        number = f"{n:010}"
        study = SyntheticStudy(
            f"2.25.99{n}", f"P{n}", number, f"2024{1 + n % 12:02}{1 + n % 28:02}", instances=1
        )
        kind = n % 100
        if kind < 5:  # a spreadsheet took the zeros
            studies.append(study)
            text.append(str(n) if n else "0")
            truth["ASKED_PROPOSED"] += 1
        elif kind < 9:
            text.append(f"NONE{n}")
            truth["ASKED_NOT_FOUND"] += 1
        elif kind == 9:
            text.append("1.23E+09" if n % 200 == 9 else "*")
            truth["ASKED_UNUSABLE"] += 1
        elif kind == 10:
            studies += [study, SyntheticStudy(f"2.25.98{n}", f"P{n}", number, "20240101")]
            text.append(number)
            truth["ASKED_AMBIGUOUS"] += 1
        else:
            studies.append(study)
            text.append(number)
            truth["FOUND"] += 1
    return studies, text, truth


def write_home(home: Path, port: int, text: list[str]) -> None:
    """Write the list and the settings."""
    home.mkdir(parents=True, exist_ok=True)
    path = home / "list.csv"
    path.write_text("accession\n" + "".join(f"{one}\n" for one in text), encoding="utf-8")
    pacs = {"ae_title": "LIST", "host": "127.0.0.1", "port": port}
    project = {
        "name": "list", "sites": ["site"], "policy": "strict", "recipe": "native",
        "select": {"modality": "CT", "study_date": "2024-01-01..2024-12-31"},
        "list": {"file": str(path)}, "delivery": {"expires": "2030-12-31"},
    }  # fmt: skip
    for name, content in {
        "sites/site": {"name": "site", "pacs": pacs},
        "projects/list": project,
    }.items():
        target = home / "config" / f"{name}.yaml"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(yaml.safe_dump(content), encoding="utf-8")


def peak_memory_mb() -> int:
    """Return the most memory this program took; what `getrusage` says a child has from its parent.

    Linux's proc_pid_status(5).
    """
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    (peak,) = [line for line in lines if line.startswith("VmHWM")]
    return int(peak.split()[1]) // 1024


def resolve_here(home: Path) -> None:
    """Resolve and forecast (in the child), and print its figures and its memory."""
    with open_workspace(load_settings(home, {})) as ws:
        project, site = ws.project("list"), ws.site("site")
        base_mb = peak_memory_mb()
        resolve(ws, project, site, sample=True)
        said = forecast(ws, project, site)
    figures = {"base_mb": base_mb, "peak_mb": peak_memory_mb(), "studies": said.studies}
    print(json.dumps(figures | {"bytes": said.bytes, "nights": said.nights}))


def run(lines: int, *, kill_after_s: float | None) -> tuple[list[str], dict[str, object]]:
    """Resolve a planted list in a child; return problems and figures."""
    studies, text, truth = plant(lines)
    entries = [e for study in studies for e in entries_of(study, with_pixels=False)]
    problems: list[str] = []
    with (
        tempfile.TemporaryDirectory(prefix="list-") as folder,
        Archive([], "LIST", entries=entries) as archive,
    ):
        home = Path(folder)
        write_home(home, archive.port, text)
        command = [sys.executable, __file__, "--child", folder]
        settled_before = 0
        if kill_after_s is not None:
            child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
            try:
                child.wait(timeout=kill_after_s)
            except subprocess.TimeoutExpired:
                os.kill(child.pid, signal.SIGKILL)
            child.wait()
            settled_before = sum(_outcomes(home).values()) - _outcomes(home)["not asked yet"]
        asked_before = len(archive.log)
        start = time.monotonic()
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        figures: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
        figures |= {
            "lines": lines,
            "seconds": round(time.monotonic() - start, 1),
            "settled_before_the_kill": settled_before,
            "asked_after_the_kill": len(archive.log) - asked_before,
        }
        found = _outcomes(home)
        if found != truth:
            problems.append(f"{dict(found)} of {dict(truth)}")
        if figures["studies"] != truth["FOUND"]:
            problems.append(f"forecast {figures['studies']} studies of {truth['FOUND']}")
    return problems, figures


def _outcomes(home: Path) -> Counter[str]:
    ledger = open_identified(load_settings(home, {}))
    try:
        return Counter(
            "not asked yet" if r.outcome == "not_asked" else r.code for r in receipt(ledger, "list")
        )
    finally:
        ledger.close()


def main() -> int:
    """Run a tenth of the list and the whole, print both, return 1 on any problem."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=23_000)
    parser.add_argument("--kill-after-s", type=float, default=30.0)
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    if given.child:
        resolve_here(given.child)
        return 0
    problems, small = run(given.lines // 10, kill_after_s=None)
    more, whole = run(given.lines, kill_after_s=given.kill_after_s)
    problems += more
    growth_mb = int(str(whole["peak_mb"])) - int(str(small["peak_mb"]))
    if growth_mb > 30:
        problems.append(f"{growth_mb} MB more for ten times the lines")
    result = {"tenth": small, "whole": whole, "growth_mb": growth_mb, "problems": problems}
    text = json.dumps(result, indent=1)
    print(text)
    if given.out:
        given.out.write_text(text + "\n", encoding="utf-8")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
