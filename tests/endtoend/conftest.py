"""The demo, run once with its server, for every test that only looks at what it left."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipelines.demo.hospitals import World, load_world

PROGRAM = Path(sys.executable).with_name("accordage")


@dataclass(frozen=True)
class DemoRun:
    """One finished run of ``accordage demo``."""

    home: Path
    stdout: bytes
    stderr: bytes
    seconds: float

    @property
    def world(self) -> World:
        """The hospitals with their answer key."""
        world = load_world(self.home / "demo" / "hospitals")
        assert world is not None
        return world

    def release(self, project: str) -> Path:
        """The project's first release."""
        return self.home / "research" / "cohorts" / project / "v1"


def run_program(home: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    """Run the program with a home folder and none of the machine's own settings."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "ACCORDAGE_"))}
    command: Sequence[str] = (str(PROGRAM), *words, "--home", str(home))
    return subprocess.run(command, env=kept, capture_output=True, check=False, timeout=800)


@pytest.fixture(scope="session")
def demo_run(tmp_path_factory: pytest.TempPathFactory) -> DemoRun:
    """The whole demo with its Prefect server, from an empty home folder."""
    home = tmp_path_factory.mktemp("demo") / "home"
    start = time.perf_counter()
    done = run_program(home, "demo")
    seconds = time.perf_counter() - start
    assert done.returncode == 0, done.stderr.decode()
    print(f"the demo took {seconds:.1f} s")  # noqa: T201 - said, not asserted
    return DemoRun(home, done.stdout, done.stderr, seconds)
