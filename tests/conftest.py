"""Fixtures every room may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support import needs

pytest_plugins = ["tests.support.orthanc"]

ROOT = Path(__file__).resolve().parent.parent


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
