"""One installation with a project, three pairs, its people, and its portal."""

from __future__ import annotations

import re
import shutil
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from httpx import Response
from starlette.exceptions import StarletteDeprecationWarning

from config.settings import Settings, load_settings
from harmonise.volume import Grid, Volume
from pipelines.access.people import People, Person
from pipelines.access.sessions import Sessions
from pipelines.catalogue.database import Catalogue, open_research
from pipelines.catalogue.research import Pack
from pipelines.cohort.packs import build_pack
from pipelines.store import ResearchStore
from portal.app import create_app
from portal.blinding import Blinding, Shown

with warnings.catch_warnings():
    # Starlette 1 asks for a successor of httpx that Prefect, which shares it, does not use yet.
    warnings.simplefilter("ignore", StarletteDeprecationWarning)
    from starlette.testclient import TestClient

SECRET = b"a key that only this test knows."
ORIGIN = "http://127.0.0.1"
PROJECT = "prostate"
CHEAP = (4, 1, 1)
"""Cost of a password's hash here; what the product takes is tested by itself."""
PASSWORD = "correct horse battery"

PROJECT_FILE = """
name: prostate
title: Prostate MRI
sites: [hopital-nord, hopital-sud]
select: {modality: MR, study_date: 2020-01-01..2020-12-31}
policy: basic
recipe: prostate-mpmri
delivery: {expires: 2030-01-01}
"""

PEOPLE = {
    "officer": Person("a.officer", "A. Officer", ("officer",)),
    "engineer": Person("e.engineer", "E. Engineer", ("engineer",)),
    "requester": Person("r.team", "R. Team", ("requester",)),
    "radiologist": Person("e.martin", "Dr Élise Martin", ("radiologist",), (PROJECT,)),
    "second": Person("b.second", "Dr B. Second", ("radiologist",), (PROJECT,)),
    "senior": Person("s.senior", "Dr S. Senior", ("radiologist",), (PROJECT,), senior=True),
    "elsewhere": Person("o.other", "Dr O. Other", ("radiologist",), ("mammography",)),
}

ANSWERS = {
    "preferred": "left",
    "confidence": "2",
    "only_on": "no",
    "guessed": "right",
    "seconds": "31.5",
}


@dataclass
class User:
    """A browser in which somebody is signed in."""

    client: TestClient
    person: Person

    def get(self, path: str, **values: object) -> Response:
        return self.client.get(path, **values)

    def form_token(self, path: str = "/log") -> str:
        found = re.search(r'name="form_token" value="([0-9a-f]+)"', self.client.get(path).text)
        assert found
        return found[1]

    def send(
        self, path: str, form: dict[str, object], origin: str | None = ORIGIN, **values: object
    ) -> Response:
        """Post a form as a browser would, with this session's token unless another is given."""
        given = {"form_token": self.form_token(), **form}
        headers = {"origin": origin} if origin else {}
        return self.client.post(path, data=given, headers=headers, follow_redirects=False, **values)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A home with the project, its three pairs and everybody of `PEOPLE`; copied for each test."""
    made = load_settings(tmp_path_factory.mktemp("portal") / "home", {})
    folder = made.config_root / "projects"
    folder.mkdir(parents=True)
    (folder / "prostate.yaml").write_text(PROJECT_FILE, encoding="utf-8")
    catalogue = open_research(made)
    people = People(catalogue, cost=CHEAP)
    for person in PEOPLE.values():
        people.accept(people.invite(person, "test"), PASSWORD)
    sites = ("hopital-nord", "hopital-nord", "hopital-sud")
    digests = [add_pack(made, catalogue, number, site) for number, site in enumerate(sites)]
    catalogue.close()
    return made.home, digests


@pytest.fixture
def settings(tmp_path: Path, template: tuple[Path, list[str]]) -> Settings:
    shutil.copytree(template[0], tmp_path / "home")
    return load_settings(tmp_path / "home", {})


@pytest.fixture
def catalogue(settings: Settings) -> Iterator[Catalogue]:
    opened = open_research(settings)
    yield opened
    opened.close()


@pytest.fixture
def people(catalogue: Catalogue) -> People:
    return People(catalogue, cost=CHEAP)


def add_pack(
    settings: Settings, catalogue: Catalogue, number: int, site: str = "hopital-nord"
) -> str:
    """Add a pair: noise against its average along rows, as a smoothing step would leave it."""
    rng = np.random.default_rng(number)
    grid = Grid((3, 16, 20), (3.0, 0.5, 0.5))
    values = rng.normal(100, 20, grid.shape).astype(np.float32)
    smooth = np.broadcast_to(values.mean(axis=2, keepdims=True), grid.shape) / 50
    before = Volume(values, grid, "[arb'U]")
    after = Volume(np.ascontiguousarray(smooth), grid, "1")
    root = ResearchStore(settings).packs
    sha256 = build_pack(before, after, root, role="t2w_ax", recipe="prostate-mpmri")
    stratum = f"{site} / t2w_ax"
    row = Pack(project=PROJECT, sha256=sha256, volume_id=f"volume-{number}", stratum=stratum)
    with catalogue.session() as session:
        session.add(row)
    return sha256


@pytest.fixture
def digests(template: tuple[Path, list[str]]) -> list[str]:
    return template[1]


@pytest.fixture
def blinding() -> Blinding:
    return Blinding(SECRET)


def tokens_of(blinding: Blinding, digests: list[str], reader: str = "e.martin") -> list[str]:
    """In the order of the list a reader sees."""
    return sorted(blinding.token(Shown(PROJECT, reader, sha256)) for sha256 in digests)


@pytest.fixture
def tokens(digests: list[str], blinding: Blinding) -> list[str]:
    return tokens_of(blinding, digests)


@pytest.fixture
def nobody(settings: Settings) -> Iterator[TestClient]:
    """A browser in which nobody is signed in."""
    app = create_app(settings, secret=SECRET)
    with TestClient(app, base_url=ORIGIN, raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture
def sign_in(nobody: TestClient, catalogue: Catalogue) -> Iterator[object]:
    """Sign in anybody of `PEOPLE` in a browser of their own."""
    opened: list[TestClient] = []

    def enter(who: str) -> User:
        client = TestClient(nobody.app, base_url=ORIGIN, raise_server_exceptions=False)
        client.cookies.set("accordage_session", Sessions(catalogue).begin(PEOPLE[who].name))
        opened.append(client)
        return User(client, PEOPLE[who])

    yield enter
    for client in opened:
        client.close()


@pytest.fixture
def reader(sign_in) -> User:
    return sign_in("radiologist")
