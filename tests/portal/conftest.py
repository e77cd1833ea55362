"""One installation with a project, three pairs, and its portal."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from starlette.exceptions import StarletteDeprecationWarning

from config.settings import Settings, load_settings
from harmonise.volume import Grid, Volume
from pipelines.catalogue.database import Catalogue, open_research
from pipelines.catalogue.research import Pack
from pipelines.cohort.packs import build_pack
from pipelines.store import ResearchStore
from portal.app import create_app
from portal.blinding import Blinding

with warnings.catch_warnings():
    # Starlette 1 asks for a successor of httpx that Prefect, which shares it, does not use yet.
    warnings.simplefilter("ignore", StarletteDeprecationWarning)
    from starlette.testclient import TestClient

SECRET = b"a key that only this test knows."
ORIGIN = "http://127.0.0.1"
PROJECT = "prostate"

PROJECT_FILE = """
name: prostate
title: Prostate MRI
sites: [hopital-nord, hopital-sud]
select: {modality: MR, study_date: 2020-01-01..2020-12-31}
policy: basic
recipe: prostate-mpmri
delivery: {expires: 2030-01-01}
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = load_settings(tmp_path / "home", {})
    folder = made.config_root / "projects"
    folder.mkdir(parents=True)
    (folder / "prostate.yaml").write_text(PROJECT_FILE, encoding="utf-8")
    return made


@pytest.fixture
def catalogue(settings: Settings) -> Iterator[Catalogue]:
    opened = open_research(settings)
    yield opened
    opened.close()


@pytest.fixture
def digests(settings: Settings, catalogue: Catalogue) -> list[str]:
    """Three pairs: noise against its average along rows, as a smoothing step would leave it."""
    rng = np.random.default_rng(7)
    grid = Grid((3, 16, 20), (3.0, 0.5, 0.5))
    made = []
    root = ResearchStore(settings).packs
    for number, site in enumerate(("hopital-nord", "hopital-nord", "hopital-sud")):
        values = rng.normal(100, 20, grid.shape).astype(np.float32)
        smooth = np.broadcast_to(values.mean(axis=2, keepdims=True), grid.shape) / 50
        before = Volume(values, grid, "[arb'U]")
        after = Volume(np.ascontiguousarray(smooth), grid, "1")
        made.append(build_pack(before, after, root, role="t2w_ax", recipe="prostate-mpmri"))
        with catalogue.session() as session:
            session.add(
                Pack(
                    project=PROJECT,
                    sha256=made[-1],
                    volume_id=f"volume-{number}",
                    stratum=f"{site} / t2w_ax",
                )
            )
    return made


@pytest.fixture
def blinding() -> Blinding:
    return Blinding(SECRET)


@pytest.fixture
def tokens(digests: list[str], blinding: Blinding) -> list[str]:
    """In the order of the list a reader sees."""
    return sorted(blinding.token(PROJECT, sha256) for sha256 in digests)


@pytest.fixture
def client(settings: Settings, digests: list[str]) -> Iterator[TestClient]:
    app = create_app(settings, secret=SECRET)
    with TestClient(app, base_url=ORIGIN, raise_server_exceptions=False) as opened:
        yield opened
