"""An archive with two MR studies and one CT, and nodes that point to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config.project import Selection
from config.site import PacsNode, Receiver
from pipelines.acquire.archive import Archive
from pipelines.acquire.pacs import StoreReceiver
from tests.support.files import write_instance

EVERYTHING = "1900-01-01..2100-12-31"
NodeOf = Callable[..., PacsNode]


def make_files(folder: Path) -> list[Path]:
    """Study 1: MR, series of 3 and 2 images. Study 2: MR + SR. Study 3: CT. One patient each."""
    files = [write_instance(folder, 1, 1, n) for n in (1, 2, 3)]
    files += [write_instance(folder, 1, 2, n) for n in (1, 2)]
    files.append(write_instance(folder, 2, 1, 1, StudyDate="20210630", StudyDescription="IRM FOIE"))
    files.append(
        write_instance(
            folder,
            2,
            2,
            1,
            StudyDate="20210630",
            StudyDescription="IRM FOIE",
            Modality="SR",
            SOPClassUID="1.2.840.10008.5.1.4.1.1.7",
        )
    )
    ct = "1.2.840.10008.5.1.4.1.1.2"
    values = {"Modality": "CT", "StudyDescription": "SCANNER PROSTATE", "StudyDate": "20191231"}
    files.append(write_instance(folder, 3, 1, 1, SOPClassUID=ct, **values))
    return files


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return make_files(tmp_path_factory.mktemp("hospital"))


@pytest.fixture(scope="session")
def receiver() -> Iterator[StoreReceiver]:
    with StoreReceiver(Receiver()) as open_receiver:
        yield open_receiver


@pytest.fixture(scope="session")
def destinations(receiver: StoreReceiver) -> dict[str, tuple[str, int]]:
    return {"ACCORDAGE": ("127.0.0.1", receiver.port)}


@pytest.fixture(scope="session")
def archive(files: list[Path], destinations: dict[str, tuple[str, int]]) -> Iterator[Archive]:
    with Archive(files, "HOSPITAL", destinations=destinations) as opened:
        yield opened


@pytest.fixture(scope="session")
def node_of() -> NodeOf:
    def make(archive: Archive, **values: object) -> PacsNode:
        return PacsNode.model_validate(
            {"ae_title": archive.ae_title, "host": "127.0.0.1", "port": archive.port, **values}
        )

    return make


@pytest.fixture(scope="session")
def select() -> Callable[..., Selection]:
    def make(modality: str = "MR", description: str = "*", dates: str = EVERYTHING) -> Selection:
        return Selection.model_validate(
            {"modality": modality, "study_description": description, "study_date": dates}
        )

    return make
