"""The audit shares no code with what it checks."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return names


def test_no_module_of_the_audit_imports_the_de_identifier_or_what_runs_it() -> None:
    for path in (ROOT / "pipelines" / "audit").rglob("*.py"):
        ours = {name for name in imported(path) if name.startswith(("deid", "pipelines"))}
        allowed = ("pipelines.audit", "pipelines.progress")
        assert all(name.startswith(allowed) for name in ours), path.name


def test_the_audit_parses_with_its_own_walker() -> None:
    """pydicom builds the twin and decodes samples; of the search it gives the dictionary alone."""
    for path in (ROOT / "pipelines" / "audit").glob("*.py"):
        used = {name for name in imported(path) if name.startswith("pydicom")}
        assert used <= {"pydicom.datadict"}, path.name
