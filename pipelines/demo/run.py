"""The demo: three hospitals in process, from their archives to two released cohorts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import yaml

from config.files import write_whole
from config.settings import Settings
from pipelines.acquire.archive import Archive, Faults
from pipelines.cohort.review import record_decision, review_items
from pipelines.demo.hospitals import World, make_hospitals
from pipelines.workspace import Workspace

__all__ = [
    "PROJECTS",
    "READER",
    "WORK_MODULES",
    "hospitals",
    "make",
    "read_by_simulation",
    "seed_secrets",
]

PROJECTS = ("prostate-mpmri", "mammography-screening")
"""Shipped projects the demo runs."""

WORK_MODULES = (
    "pipelines.prepare.deidentify",
    "pipelines.prepare.study_finder",
    "rapidocr",
    "pipelines.prepare.harmonise",
)
"""What the workers will need: imported while the hospitals are asked."""

READER = "simulated-reader"
"""Name under which the demo's verdicts are kept; they are marked SIMULATED everywhere."""

DEMO_KEY = b"accordage demo: published on purpose, never for real patients"
"""The demo's fixed key; what it makes is marked SIMULATED."""


def make(settings: Settings) -> World:
    """Make the hospitals' files under the home folder, once."""
    return make_hospitals(settings.home / "demo" / "hospitals")


@contextmanager
def hospitals(settings: Settings) -> Iterator[World]:
    """Make the hospitals once, start an archive for each, and write their site files."""
    world = make(settings)
    with ExitStack() as stack:
        for site in world.sites.values():
            faults = Faults(unavailable_study_uids=frozenset(site.unavailable_study_uids))
            archive = stack.enter_context(Archive(site.files, ae_title(site.name), faults=faults))
            _write_site(settings, site.name, site.label, site.patient_id_issuer, archive.port)
        yield world


def ae_title(site: str) -> str:
    """Return a hospital's AE title (16 characters at most, PS3.8)."""
    return site.upper()[:16]


def _write_site(settings: Settings, name: str, label: str, issuer: str, port: int) -> None:
    facts = {
        "name": name,
        "label": label,
        "patient_id_issuer": issuer,
        "pacs": {"ae_title": ae_title(name), "host": "127.0.0.1", "port": port},
    }
    path: Path = settings.config_root / "sites" / f"{name}.yaml"
    text = "# Written by `accordage demo` at each start.\n" + yaml.safe_dump(facts)
    write_whole(path, text.encode())


def seed_secrets(ws: Workspace, world: World) -> None:
    """Put the published demo keys in place, so that every demo makes the same bytes."""
    names = [f"project-{p}" for p in PROJECTS] + [f"site-{s}" for s in world.sites] + ["signing"]
    for name in names:
        ws.identified.secret(name, hashlib.sha256(DEMO_KEY + name.encode()).digest())
    for name in (f"project-{p}" for p in PROJECTS):
        ws.research.secret(name, hashlib.sha256(DEMO_KEY + name.encode()).digest())


def read_by_simulation(ws: Workspace, project: str) -> int:
    """Accept every sampled pair nobody has read, as the simulated reader; return how many."""
    waiting = [i for i in review_items(ws.catalogue, project) if not i.verdicts]
    for item in waiting:
        record_decision(
            ws.catalogue, project, item.sha256, reader=READER, verdict="accept", simulated=True
        )
    return len(waiting)
