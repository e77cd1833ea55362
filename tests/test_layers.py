"""What import-linter cannot see: the root modules, and who may import prefect."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("cli", "config", "deid", "harmonise", "pipelines", "portal")


def imported(path: Path) -> set[str]:
    """The first name of everything a file imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module.split(".")[0])
    return found


def sources(*packages: str) -> list[Path]:
    return sorted(p for package in packages for p in (ROOT / package).rglob("*.py"))


def test_flows_knows_pipelines_and_config_and_not_the_portal_or_the_command_line() -> None:
    ours = imported(ROOT / "flows.py") & {*PACKAGES, "flows"}
    assert ours == {"pipelines", "config"}


def test_only_the_command_line_imports_flows() -> None:
    users = {p.relative_to(ROOT).parts[0] for p in sources(*PACKAGES) if "flows" in imported(p)}
    assert users == {"cli"}


def test_only_flows_imports_prefect() -> None:
    assert "prefect" in imported(ROOT / "flows.py")
    assert [p for p in sources(*PACKAGES) if "prefect" in imported(p)] == []


@pytest.mark.parametrize("package", ["deid", "harmonise", "config"])
def test_the_inner_rooms_touch_no_network(package: str) -> None:
    network = {"socket", "pynetdicom", "httpx", "urllib", "http", "sqlalchemy"}
    assert [p.name for p in sources(package) if imported(p) & network] == []


def test_nothing_of_ours_imports_a_referee() -> None:
    referees = {"mirp", "picai_prep", "dicognito", "nibabel", "zrad", "intensity_normalization"}
    assert [p.name for p in sources(*PACKAGES) if imported(p) & referees] == []


def test_the_root_holds_one_module_and_no_other() -> None:
    assert [p.name for p in sorted(ROOT.glob("*.py"))] == ["flows.py"]
