"""An installation with two released projects over the same patients of a tiny hospital."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from config.settings import load_settings
from pipelines.acquire.archive import Archive
from pipelines.cohort.assemble import assemble
from pipelines.cohort.release import release
from pipelines.cohort.review import record_decision, review_items
from pipelines.demo.hospitals import make_hospitals
from pipelines.stages import acquire, prepare
from pipelines.workspace import Workspace, open_workspace
from tests.support.installation import write_installation
from tests.support.twin import no_twin

PROJECTS = ("tiny", "other")


def read_all(ws: Workspace, name: str) -> None:
    """Accept every sampled pair that nobody has read."""
    assemble(ws, ws.project(name))
    for item in review_items(ws.catalogue, name):
        if not item.verdicts:
            record_decision(ws.catalogue, name, item.sha256, reader="r1", verdict="accept")


def reject(ws: Workspace, name: str, sha256: str, reason: str) -> None:
    record_decision(ws.catalogue, name, sha256, reader="r1", verdict="reject", reasons=[reason])


@pytest.fixture(scope="session")
def released_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Two projects; of the first a second version without the volume a reader rejected."""
    patch = pytest.MonkeyPatch()
    patch.setattr("pipelines.cohort.release.prove", no_twin)
    folder = tmp_path_factory.mktemp("released")
    world = make_hospitals(folder / "world", scale="tiny")
    home = folder / "home"
    settings = load_settings(home, {}).model_copy(update={"jobs": 1})
    with Archive(world.sites["chu-atlas"].files, "ATLAS") as archive:
        write_installation(settings, archive.port)
        tiny = settings.config_root / "projects" / "tiny.yaml"
        facts = yaml.safe_load(tiny.read_text(encoding="utf-8"))
        facts["recipe"] = "native"
        facts["review"] = {"sample": 2, "max_reject_rate": 0.9}
        for name in PROJECTS:
            text = yaml.safe_dump(facts | {"name": name})
            tiny.with_name(f"{name}.yaml").write_text(text, encoding="utf-8")
        with open_workspace(settings) as ws:
            for name in PROJECTS:
                project = ws.project(name)
                acquire(ws, project, ws.site("chu-atlas"))
                prepare(ws, project)
                read_all(ws, name)
                release(ws, project)
            first = review_items(ws.catalogue, "tiny")[0]
            reject(ws, "tiny", first.sha256, "banding")
            release(ws, ws.project("tiny"))
    yield home
    patch.undo()


@pytest.fixture
def ws(released_home: Path, tmp_path: Path) -> Iterator[Workspace]:
    home = tmp_path / "home"
    shutil.copytree(released_home, home)
    with open_workspace(load_settings(home, {}).model_copy(update={"jobs": 1})) as opened:
        yield opened
