"""Every method brings the same bytes; `make methods` does the same with all real objects."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.acquire.pacs import StoreReceiver
from tests.support.dcmtk_peers import DcmqrscpServer
from tests.support.files import write_instance
from tests.support.methods import METHODS, Compared, Modalities, Start, compare, rounds_of

pytestmark = [pytest.mark.orthanc, pytest.mark.realdata]

FOLDERS = ("CT", "DX", "MG", "MR", "PETCT", "PT", "RT", "SEG", "SM", "SR", "TS", "US", "charset")


@pytest.fixture(scope="module")
def compared(
    realdata: Path,
    start_orthanc: Start,
    receiver: StoreReceiver,
    tmp_path_factory: pytest.TempPathFactory,
) -> Compared:
    """The smallest files of each folder, and a pair that share a UID."""
    folder = tmp_path_factory.mktemp("pair")
    running: list[DcmqrscpServer] = []

    def start_plain(callers: Modalities, syntax: str) -> DcmqrscpServer:
        place = tmp_path_factory.mktemp("dcmqrscp")
        running.append(DcmqrscpServer(place, callers, syntax).start())
        return running[-1]

    paths = [write_instance(folder / "a", 1, 1, 1)]
    paths.append(write_instance(folder / "b", 1, 1, 1, ImageComments="other"))
    for name in FOLDERS:
        found = [p for p in (realdata / name).rglob("*.dcm") if p.is_file()]
        paths += sorted(found, key=lambda path: (path.stat().st_size, path))[:3]
    done = compare(paths, start_orthanc, start_plain, receiver, tmp_path_factory.mktemp("homes"))
    for server in running:
        server.stop()
    return done


def test_c_get_c_move_and_wado_rs_bring_equal_bytes(compared: Compared) -> None:
    assert compared.accepted >= 2 * len(FOLDERS)
    assert compared.differing == []
    for method in METHODS:
        assert f"{method} from Orthanc" not in compared.not_carried
    assert compared.equal["Orthanc"] == compared.accepted
    assert compared.equal["dcmqrscp"] > compared.accepted / 2
    assert "c-get from dcmqrscp" not in compared.not_carried


def test_dcmtks_own_tools_bring_the_same_bytes(compared: Compared) -> None:
    assert compared.equal_to_peers["movescu from Orthanc"] == compared.accepted
    assert compared.equal_to_peers["getscu from dcmqrscp"] > compared.accepted / 3
    assert not compared.rewritten["movescu from Orthanc"]


def test_an_import_has_the_values_the_network_brings(compared: Compared) -> None:
    assert compared.import_unequal == []
    assert compared.not_imported == 0


def test_files_that_share_a_uid_are_dealt_apart(tmp_path: Path) -> None:
    first = write_instance(tmp_path / "a", 1, 1, 1)
    twin = write_instance(tmp_path / "b", 1, 1, 1)
    other = write_instance(tmp_path / "a", 1, 1, 2)
    assert rounds_of([first, twin, other]) == [[first, other], [twin]]
