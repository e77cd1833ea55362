"""Volumes, packs and a research catalogue for the cohort tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from config.settings import Settings, load_settings
from harmonise.volume import Grid, Volume
from pipelines.catalogue.database import Catalogue, open_research

GRID = Grid((3, 4, 5), (3.0, 0.5, 0.5))


@pytest.fixture
def grid() -> Grid:
    return GRID


@pytest.fixture
def before() -> Volume:
    """0..59 in reading order, arbitrary units."""
    return Volume(np.arange(60, dtype=np.float32).reshape(GRID.shape), GRID, "[arb'U]")


@pytest.fixture
def after() -> Volume:
    """The same order on another scale: (v - 30) / 10."""
    values = (np.arange(60, dtype=np.float32).reshape(GRID.shape) - 30) / 10
    return Volume(values, GRID, "1")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(tmp_path / "home", {})


@pytest.fixture
def catalogue(settings: Settings) -> Iterator[Catalogue]:
    opened = open_research(settings)
    yield opened
    opened.close()
