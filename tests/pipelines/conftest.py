"""A tiny world of three hospitals, and an installation that asks one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from config.settings import load_settings
from pipelines.acquire.archive import Archive, Faults
from pipelines.demo.hospitals import World, make_hospitals
from pipelines.workspace import Workspace, open_workspace
from tests.support.installation import write_installation


@pytest.fixture(scope="session")
def tiny_world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_hospitals(tmp_path_factory.mktemp("world"), scale="tiny")


Asking = Callable[..., AbstractContextManager[Workspace]]


@pytest.fixture
def asking(tiny_world: World, tmp_path: Path) -> Asking:
    """Open a workspace whose one site is an archive with the faults given."""

    @contextmanager
    def opened(faults: Faults | None = None, **node: object) -> Iterator[Workspace]:
        settings = load_settings(tmp_path / "home", {}).model_copy(update={"jobs": 1})
        site = tiny_world.sites["chu-atlas"]
        with Archive(site.files, "ATLAS", faults=faults or Faults()) as archive:
            write_installation(settings, archive.port, **node)
            with open_workspace(settings) as ws:
                yield ws

    return opened
