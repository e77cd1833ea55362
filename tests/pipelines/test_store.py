"""The zones on disk: content-addressed, apart, and closed to others."""

from __future__ import annotations

import hashlib
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import dcmread

from config.errors import ConfigurationError
from config.settings import load_settings
from pipelines.store import IdentifiedStore, ResearchStore, dataset_digest

CT = "1.2.840.10008.5.1.4.1.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
IMPLICIT = "1.2.840.10008.1.2"
DATASET = b"\x10\x00\x20\x00LO\x04\x00ABCD"
"""(0010,0020) PatientID LO of four bytes in explicit VR little endian (PS3.5 7.1.2)."""


@pytest.fixture
def store(tmp_path: Path) -> IdentifiedStore:
    made = IdentifiedStore(load_settings(tmp_path, {}))
    made.prepare()
    return made


def test_the_digest_is_over_transfer_syntax_and_dataset_bytes() -> None:
    assert (
        dataset_digest(EXPLICIT, DATASET) == hashlib.sha256(EXPLICIT.encode() + DATASET).hexdigest()
    )
    assert dataset_digest(EXPLICIT, DATASET) != dataset_digest(IMPLICIT, DATASET)


def test_received_bytes_are_kept_as_they_came_in_a_part_10_file(store: IdentifiedStore) -> None:
    blob = store.put_received(CT, "1.2.3", EXPLICIT, DATASET)
    data = store.absolute(blob.path).read_bytes()
    assert data.endswith(DATASET)
    assert data[:132] == b"\0" * 128 + b"DICM"
    ds = dcmread(BytesIO(data))
    assert ds.PatientID == "ABCD"
    assert ds.file_meta.MediaStorageSOPInstanceUID == "1.2.3"
    assert ds.file_meta.TransferSyntaxUID == EXPLICIT
    assert blob.size == len(data)


def test_equal_bytes_are_kept_once(store: IdentifiedStore) -> None:
    one = store.put_received(CT, "1.2.3", EXPLICIT, DATASET)
    two = store.put_received(CT, "1.2.3", EXPLICIT, DATASET)
    assert one == two
    assert len(list((store.root / "objects").rglob("*.dcm"))) == 1


def test_the_identified_zone_is_closed_to_others(store: IdentifiedStore) -> None:
    assert store.root.stat().st_mode & 0o777 == 0o700


def test_a_secret_is_made_once_and_is_closed_to_others(store: IdentifiedStore) -> None:
    first = store.secret("project-x")
    assert len(first) == 32
    assert store.secret("project-x") == first
    assert store.secret("project-y") != first
    assert (store.root / "secrets" / "project-x.key").stat().st_mode & 0o777 == 0o600


def test_a_secret_that_others_can_read_is_refused(store: IdentifiedStore) -> None:
    store.secret("project-x")
    (store.root / "secrets" / "project-x.key").chmod(0o644)
    with pytest.raises(ConfigurationError, match="SECRET_READABLE"):
        store.secret("project-x")


def test_the_two_zones_share_no_folder(tmp_path: Path) -> None:
    settings = load_settings(tmp_path, {})
    here, there = IdentifiedStore(settings).root, ResearchStore(settings).root
    assert here not in there.parents
    assert there not in here.parents
