"""Kill the demo with ``kill -9`` at random moments, run it again, and compare with a quiet run.

``make chaos`` runs ten kills over the whole demo. The undisturbed duration is measured first; the
i-th of n moments is drawn uniformly from the i-th n-th of it, so that all of it is covered.
Odd kills hit the whole process group, even ones only the parent: its children must follow.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

FOLLOW_S = 15.0
"""How long children may take to follow their parent."""
NOT_COMPARED = frozenset({"stage_run", "pacs_event", "pacs_health", "pacs_lease"})
"""Tables that count runs and what was asked of a PACS, not results."""


@dataclass(frozen=True)
class Kill:
    """One kill and what was found after the rerun."""

    moment_s: float
    how: str
    server: bool
    hit: bool
    orphans: tuple[str, ...]
    exit_code: int
    differences: tuple[str, ...]

    @property
    def fine(self) -> bool:
        """Tell whether the rerun ended well and nothing differs."""
        return self.exit_code == 0 and not self.differences and not self.orphans


def environment(home: Path) -> dict[str, str]:
    """Return our environment without the machine's own settings, marked with the home folder."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "ACCORDAGE_"))}
    return kept | {"ACCORDAGE_HOME": str(home)}


def start_demo(home: Path, *options: str) -> subprocess.Popen[bytes]:
    """Start the demo in a process group of its own."""
    program = Path(sys.executable).with_name("accordage")
    return subprocess.Popen(
        [str(program), "demo", "--home", str(home), *options],
        env=environment(home),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def alive(home: Path) -> list[str]:
    """Return the processes that were started for a home folder: parents, workers, servers."""
    mark = f"ACCORDAGE_HOME={home}".encode()
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        try:
            if mark not in (folder / "environ").read_bytes().split(b"\0"):
                continue
            words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if words:  # a zombie has no command line
            found.append(f"{folder.name} {words[:80]}")
    return found


def wait_gone(home: Path) -> list[str]:
    """Wait until nothing runs for a home folder; return what is still there in the end."""
    deadline = time.monotonic() + FOLLOW_S
    while (left := alive(home)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left


def facts(home: Path, projects: Sequence[str]) -> dict[str, str]:
    """Return what must not depend on kills: cohorts' bytes, rows of every table, every file."""
    result = {}
    for project in projects:
        releases = home / "research" / "cohorts" / project
        result[f"versions of {project}"] = " ".join(sorted(p.name for p in releases.iterdir()))
        for name in ("manifest.parquet", "checksums.sha256"):
            content = (releases / "v1" / name).read_bytes()
            result[f"{name} of {project}"] = _sha256(content)
    for zone in ("identified", "research"):
        result |= _counts(home / zone / "catalogue.sqlite", zone)
        files = sorted(
            f"{p.relative_to(home)} {p.stat().st_size}"
            for p in (home / zone).rglob("*")
            if p.is_file() and not p.name.startswith("catalogue.sqlite")
        )
        result[f"files of {zone}"] = f"{len(files)} {_sha256(repr(files).encode())}"
    return result


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _counts(path: Path, zone: str) -> dict[str, str]:
    with sqlite3.connect(path) as base:
        names = [n for (n,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        counts = {
            f"{zone}.{name}": str(base.execute(f"SELECT COUNT(*) FROM {name}").fetchone()[0])
            for name in names
            if name not in NOT_COMPARED
        }
    base.close()
    return counts


def differences(expected: Mapping[str, str], found: Mapping[str, str]) -> tuple[str, ...]:
    """Name what differs."""
    return tuple(
        f"{name}: {expected.get(name)} expected, {found.get(name)} found"
        for name in sorted({*expected, *found})
        if expected.get(name) != found.get(name)
    )


def kill_and_rerun(
    home: Path,
    moment_s: float,
    options: Sequence[str],
    projects: Sequence[str],
    expected: Mapping[str, str],
    *,
    group: bool,
) -> Kill:
    """Kill the demo after ``moment_s``, run it again to its end, and compare."""
    process = start_demo(home, *options)
    try:
        process.wait(timeout=moment_s)
    except subprocess.TimeoutExpired:
        (os.killpg if group else os.kill)(process.pid, signal.SIGKILL)
    code = process.wait()
    orphans = wait_gone(home)
    again = start_demo(home, *options).wait()
    found = facts(home, projects) if again == 0 else {}
    return Kill(
        moment_s=moment_s,
        how="group" if group else "parent",
        server="--no-server" not in options,
        hit=code == -signal.SIGKILL,
        orphans=tuple(orphans),
        exit_code=again,
        differences=differences(expected, found) if again == 0 else (),
    )


def moments(duration_s: float, kills: int, seed: int) -> list[float]:
    """Draw one moment uniformly from each of ``kills`` equal parts of the duration."""
    rng = random.Random(seed)
    return [duration_s * (i + rng.random()) / kills for i in range(kills)]


def _line(number: int, kill: Kill) -> str:
    what = "same" if kill.fine else "; ".join([*kill.differences, *kill.orphans]) or "rerun failed"
    mode = "server" if kill.server else "plain"
    hit = "yes" if kill.hit else "ended before"
    when = f"{number:>4} {kill.moment_s:>8.1f} {mode:<7} {kill.how:<7} {hit:<13}"
    return f"{when} {kill.exit_code:>4}  {what}"


def main() -> int:
    """Run the kills, print a table, return 1 on any difference."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--project", help="one of the demo's projects only")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--folder", type=Path, help="where the homes are made (default: temporary)")
    given = parser.parse_args()
    projects = [given.project] if given.project else ["prostate-mpmri", "mammography-screening"]
    common = ["--project", given.project] if given.project else []
    with tempfile.TemporaryDirectory(dir=given.folder, prefix="chaos-") as work:
        quiet = Path(work) / "quiet"
        start = time.monotonic()
        if start_demo(quiet, "--no-server", *common).wait() != 0:
            print("the undisturbed run failed")
            return 1
        duration_s = time.monotonic() - start
        expected = facts(quiet, projects)
        shutil.rmtree(quiet)
        print(
            f"undisturbed: {duration_s:.1f} s, {len(expected)} facts to compare, seed {given.seed}"
        )
        print("kill  after s mode    killed  hit           exit  after the rerun", flush=True)
        fine = True
        for number, moment_s in enumerate(moments(duration_s, given.kills, given.seed), start=1):
            home = Path(work) / f"kill-{number}"
            options = [*([] if number % 2 == 0 else ["--no-server"]), *common]
            kill = kill_and_rerun(
                home, moment_s, options, projects, expected, group=number % 2 == 1
            )
            print(_line(number, kill), flush=True)
            fine = fine and kill.fine
            shutil.rmtree(home, ignore_errors=True)
    print("every rerun equals the undisturbed run" if fine else "DIFFERENCES FOUND")
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
