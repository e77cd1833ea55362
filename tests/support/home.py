"""A home folder that asks one archive by one method, its command line, and what it releases."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from typer.testing import CliRunner

from cli import app
from tests.support.orthanc import OrthancServer

SITE = """\
name: chu-tests
label: CHU of the tests
patient_id_issuer: CHU-TESTS
pacs:
  ae_title: {aet}
  host: 127.0.0.1
  port: {port}
  methods: [{method}]
  receiver: {{ae_title: ACCORDAGE, host: 127.0.0.1, port: {receiver}}}
"""

PROJECT = """\
name: {name}
sites: [chu-tests]
select: {{modality: {modality}, study_date: 2000-01-01..2026-12-31}}
policy: research-longitudinal
recipe: {recipe}
review: {{max_reject_rate: 0.05, readers: 1, sample: 1}}
delivery: {{formats: [dicom, nifti], expires: 2030-12-31}}
"""

PROJECTS = {"prostate": ("MR", "prostate-mpmri"), "breast": ("MG", "mammography")}
"""Name -> modality asked for and recipe."""

SECRETS = ("project-prostate", "project-breast", "site-chu-tests", "signing")


@dataclass(frozen=True)
class Cohort:
    """A released folder and its two tables."""

    folder: Path

    def manifest(self) -> list[dict[str, Any]]:
        return pq.read_table(self.folder / "manifest.parquet").to_pylist()

    def requests(self) -> list[dict[str, Any]]:
        return pq.read_table(self.folder / "requests.parquet").to_pylist()

    def row(self, role: str, b_value: float | None = None, vendor: str = "") -> dict[str, Any]:
        """Return the one volume of a role (of a vendor)."""
        (found,) = [
            row
            for row in self.manifest()
            if (row["role"], row["b_value"]) == (role, b_value)
            and vendor in (row["vendor"] or "").lower()
        ]
        return found

    def slices(self, row: dict[str, Any]) -> list[Path]:
        """Return the derived objects of a volume, in the order of their names."""
        return sorted((self.folder / row["dicom_path"]).iterdir())


@dataclass(frozen=True)
class Home:
    """One installation; every one has the same secrets, so that two must make the same bytes."""

    root: Path

    @classmethod
    def make(cls, root: Path, orthanc: OrthancServer, method: str, receiver: int) -> Home:
        """Write sites, projects and secrets; ``receiver`` is the port the archive moves to."""
        site = SITE.format(aet=orthanc.aet, port=orthanc.port, method=method, receiver=receiver)
        _write(root / "config" / "sites" / "chu-tests.yaml", site)
        for name, (modality, recipe) in PROJECTS.items():
            project = PROJECT.format(name=name, modality=modality, recipe=recipe)
            _write(root / "config" / "projects" / f"{name}.yaml", project)
        _write(root / "settings.yaml", "jobs: 1\n")  # a cluster's start-up outweighs two studies
        zones = itertools.product(("identified", "research"), enumerate(SECRETS, start=1))
        for zone, (number, name) in zones:
            path = root / zone / "secrets" / f"{name}.key"
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.write_bytes(bytes([number]) * 32)
            path.chmod(0o600)
        return cls(root)

    def command(self, *arguments: str | Path, expect: int = 0) -> str:
        """Run ``accordage`` in a process of its own; return its answer, or else its complaint."""
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "ACCORDAGE"))}
        found = subprocess.run(
            [Path(sys.executable).with_name("accordage"), *arguments],
            env=clean | {"ACCORDAGE_HOME": str(self.root), "COLUMNS": "200"},
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert found.returncode == expect, f"{arguments}: {found.returncode}\n{found.stderr}"
        return found.stdout or found.stderr

    def call(self, *arguments: str | Path, expect: int = 0) -> str:
        """Run the same command line in this process, which saves its start-up."""
        words = [*(str(word) for word in arguments), "--home", str(self.root)]
        found = CliRunner().invoke(app, words, catch_exceptions=False)
        assert found.exit_code == expect, f"{arguments}: {found.exit_code}\n{found.stderr}"
        return found.stdout

    def acquire_and_prepare(self, project: str, expect: int = 0) -> dict[str, dict[str, Any]]:
        """Run both commands; return their accounts by stage."""
        printed = json.loads(self.call("acquire", project, "--json"))
        printed += json.loads(self.call("prepare", project, "--json", expect=expect))
        return {account["stage"]: account for account in printed}

    def read_and_release(self, project: str) -> Cohort:
        """Accept every sampled pair and release."""
        listed = json.loads(self.call("cohort", "review", project, "--json"))
        accepted = [part for pair in listed["pairs"] for part in ("--accept", pair["sha256"])]
        self.call("cohort", "review", project, "--reader", "r1", *accepted)
        printed = self.call("cohort", "release", project)
        assert printed.startswith("released: ")
        return Cohort(self.root / "research" / "cohorts" / project / "v1")

    def received(self) -> dict[str, Path]:
        """Return the received objects by the digest that names them."""
        return {path.stem: path for path in (self.root / "identified/objects").rglob("*.dcm")}

    def volumes(self) -> dict[str, Path]:
        """Return every file of every harmonised study, by its path below the zone's volumes."""
        folder = self.root / "research" / "volumes"
        return {str(p.relative_to(folder)): p for p in folder.rglob("*") if p.is_file()}


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
