"""Fixtures every room may use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.support import needs

pytest_plugins = ["tests.support.orthanc"]

# How long one example takes says how busy the machine is, not whether the claim holds.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

ROOT = Path(__file__).resolve().parent.parent

TOGETHER = {
    "tests/endtoend/hospital/": "hospital",
    "tests/endtoend/test_demo_": "demo",
    "tests/endtoend/test_second_run": "demo",
    "tests/endtoend/test_kill": "demo",
    "tests/withdraw/": "withdraw",
}
"""Tests that look at what one long fixture made run in one process; others a file at a time."""


UNMEASURED = (
    "tests/endtoend/",
    "tests/portal/",
    "tests/withdraw/",
    "tests/acquire/test_acquire_chaos.py",
    "tests/acquire/test_methods.py",
    "tests/acquire/test_simulations.py",
    "tests/cohort/test_twin_proof.py",
    "tests/deid/test_fuzz.py",
    "tests/deid/test_realdata.py",
    "tests/requests/test_counts.py",
)
"""Tests of whole runs, in which no line is counted: counting slows Python by a third, and a line
that a whole run passed by chance is not a line that a test looked at."""


class Scheduling(LoadScopeScheduling):
    """Hands the processes whole files, and the end-to-end tests by the run they look at."""

    def _split_scope(self, nodeid: str) -> str:
        shared = (run for start, run in TOGETHER.items() if nodeid.startswith(start))
        return next(shared, nodeid.partition("::")[0])


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling:
    return Scheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest, so that no process is left with one at the end."""
    items.sort(key=lambda item: not item.nodeid.startswith("tests/endtoend/"))


@pytest.fixture(autouse=True, scope="module")
def _measured_or_not(request: pytest.FixtureRequest) -> Iterator[None]:
    """Count lines only where tests look at single rooms."""
    plugin = request.config.pluginmanager.get_plugin("_cov")
    control = getattr(plugin, "cov_controller", None)
    if control is None or not request.node.nodeid.startswith(UNMEASURED):
        yield
        return
    control.pause()
    yield
    control.resume()


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The machine's own settings must not leak into a test."""
    kept = {"ACCORDAGE_REALDATA", "ACCORDAGE_REFERENCE"}
    for name in set(os.environ) - kept:
        if name.startswith(("PREFECT_", "ACCORDAGE_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("ACCORDAGE_HOME", str(tmp_path / "accordage-home"))


@pytest.fixture(scope="session")
def realdata() -> Path:
    """The shared collection of real DICOM."""
    return needs.folder("ACCORDAGE_REALDATA", ROOT.parent / "shared" / "realdata")


@pytest.fixture(scope="session")
def reference() -> Path:
    """The shared reference tables."""
    return needs.folder("ACCORDAGE_REFERENCE", ROOT.parent / "shared" / "reference")
