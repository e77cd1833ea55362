"""Our top-level names resolve to us, whatever else the index has under them."""

from __future__ import annotations

import importlib
import subprocess
import sys
from importlib.metadata import entry_points, metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize(
    "name", ["cli", "config", "deid", "harmonise", "pipelines", "portal", "flows"]
)
def test_a_top_level_name_is_ours(name: str, tmp_path: Path) -> None:
    found = subprocess.run(
        [sys.executable, "-c", f"import importlib.util as u; print(u.find_spec('{name}').origin)"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert ROOT in Path(found.stdout.strip()).parents


def test_the_command_is_installed() -> None:
    (script,) = entry_points(group="console_scripts", name="accordage")
    assert script.value == "cli:main"
    assert callable(importlib.import_module("cli").main)


def test_it_can_never_be_uploaded_by_mistake() -> None:
    assert "Private :: Do Not Upload" in metadata("accordage").get_all("Classifier")


def test_the_locks_name_no_index_and_pin_every_hash() -> None:
    for lock in sorted((ROOT / "deploy" / "locks").glob("*.lock")):
        text = lock.read_text(encoding="utf-8")
        assert "://" not in text, lock.name
        pins = [line for line in text.splitlines() if "==" in line]
        assert pins
        assert all(line.endswith("\\") for line in pins), lock.name


def test_help_does_not_import_the_heavy_parts() -> None:
    code = (
        "import sys, cli\n"
        "heavy = {'prefect', 'SimpleITK', 'highdicom', 'distributed', 'numpy', 'pydicom'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
