"""The synthetic hospitals, made once for all tests of the demo."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from pydicom import Dataset, dcmread

from pipelines.demo.hospitals import World, make_hospitals


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_hospitals(tmp_path_factory.mktemp("tiny"), scale="tiny")


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> World:
    """The full world."""
    return make_hospitals(tmp_path_factory.mktemp("demo"))


def _read(paths: Iterable[Path]) -> list[Dataset]:
    return [dcmread(path) for path in sorted(paths)]


class Studies:
    """The objects of a world, by site, study folder and series folder."""

    def __init__(self, world: World) -> None:
        self.world = world

    def series(self, site: str, study: str, number: int) -> list[Dataset]:
        return _read((self.world.sites[site].folder / study / f"s{number:02d}").iterdir())

    def study_folders(self, site: str, kind: str) -> list[str]:
        return sorted(p.name for p in self.world.sites[site].folder.iterdir() if kind in p.name)

    def headers(self) -> list[tuple[Path, Dataset]]:
        """One header of every series."""
        first = {path.parent: path for s in self.world.sites.values() for path in s.files[::-1]}
        return [(path, dcmread(path, stop_before_pixels=True)) for path in sorted(first.values())]


@pytest.fixture(scope="session")
def tiny_studies(tiny: World) -> Studies:
    return Studies(tiny)


@pytest.fixture(scope="session")
def demo_studies(demo: World) -> Studies:
    return Studies(demo)
