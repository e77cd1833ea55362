"""A bundle is received whole and signed, or not at all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from config.errors import RejectedError
from config.settings import load_settings
from pipelines.catalogue.database import Catalogue, open_research
from pipelines.catalogue.research import ResearchObject, StudyRow
from pipelines.prepare.bundle import read_bundle, sign_key, write_bundle
from pipelines.prepare.receive_bundle import receive_bundle
from pipelines.store import ResearchStore

KEY = sign_key(b"k" * 32)
DATA = b"a de-identified object"
DIGEST = hashlib.sha256(DATA).hexdigest()
ROW = {
    "row_id": "R-1",
    "project": "p",
    "site": "s",
    "subject": "S-ABCDEFGHJK",
    "study_uid": "2.25.1",
    "outcome": "deidentified",
    "acquired_as": "complete",
    "code": None,
    "detail": "",
    "expected": 1,
    "received": 1,
    "quarantined": {},
}
OBJECT = {"sha256": DIGEST, "series_uid": "2.25.2", "sop_uid": "2.25.3", "size": len(DATA)}


@pytest.fixture
def outgoing(tmp_path: Path) -> Path:
    folder = tmp_path / "outgoing"
    (folder / DIGEST[:2]).mkdir(parents=True)
    (folder / DIGEST[:2] / f"{DIGEST}.dcm").write_bytes(DATA)
    return folder


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return write_bundle(tmp_path / "bundles", KEY, ROW, [OBJECT], {})


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[tuple[ResearchStore, Catalogue]]:
    settings = load_settings(tmp_path, {})
    store = ResearchStore(settings)
    store.prepare()
    catalogue = open_research(settings)
    yield store, catalogue
    catalogue.close()


def rows(catalogue: Catalogue) -> list[tuple[str, str]]:
    with catalogue.session() as session:
        return [(r.row_id, r.outcome) for r in session.scalars(select(StudyRow))]


def test_a_signed_bundle_brings_its_row_and_objects(
    hub: tuple[ResearchStore, Catalogue], bundle: Path, outgoing: Path
) -> None:
    store, catalogue = hub
    receive_bundle(store, catalogue, bundle, outgoing, KEY.public_key())
    assert store.object_path(DIGEST).read_bytes() == DATA
    assert rows(catalogue) == [("R-1", "deidentified")]
    with catalogue.session() as session:
        assert session.scalars(select(ResearchObject.sha256)).all() == [DIGEST]


def test_receiving_a_bundle_twice_changes_nothing(
    hub: tuple[ResearchStore, Catalogue], bundle: Path, outgoing: Path
) -> None:
    store, catalogue = hub
    for _ in range(2):
        receive_bundle(store, catalogue, bundle, outgoing, KEY.public_key())
    with catalogue.session() as session:
        assert len(session.scalars(select(ResearchObject)).all()) == 1


def test_a_changed_bundle_is_refused_and_leaves_no_row(
    hub: tuple[ResearchStore, Catalogue], bundle: Path, outgoing: Path
) -> None:
    store, catalogue = hub
    outer = json.loads(bundle.read_bytes())
    outer["content"]["row"]["subject"] = "S-OTHERPERSON"
    bundle.write_text(json.dumps(outer))
    with pytest.raises(RejectedError, match="BUNDLE_NOT_TRUSTED"):
        receive_bundle(store, catalogue, bundle, outgoing, KEY.public_key())
    assert rows(catalogue) == []


def test_a_bundle_signed_by_somebody_else_is_refused(bundle: Path) -> None:
    with pytest.raises(RejectedError, match="BUNDLE_NOT_TRUSTED"):
        read_bundle(bundle, sign_key(b"x" * 32).public_key())


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"content": {}, "signature": "AA=="}'])
def test_what_is_no_bundle_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "b.json"
    path.write_bytes(content)
    with pytest.raises(RejectedError, match="BUNDLE_NOT_TRUSTED"):
        read_bundle(path, KEY.public_key())


def test_an_object_that_was_altered_on_the_way_is_refused(
    hub: tuple[ResearchStore, Catalogue], bundle: Path, outgoing: Path
) -> None:
    store, catalogue = hub
    (outgoing / DIGEST[:2] / f"{DIGEST}.dcm").write_bytes(b"another object, same place")
    with pytest.raises(RejectedError, match="BUNDLE_INCOMPLETE"):
        receive_bundle(store, catalogue, bundle, outgoing, KEY.public_key())
    assert rows(catalogue) == []


def test_equal_content_gives_equal_bundle_bytes(tmp_path: Path) -> None:
    one = write_bundle(tmp_path / "1", KEY, ROW, [OBJECT], {}).read_bytes()
    two = write_bundle(tmp_path / "2", KEY, ROW, [OBJECT], {}).read_bytes()
    assert one == two
