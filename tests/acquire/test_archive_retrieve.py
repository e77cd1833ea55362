"""Bytes: what C-GET, C-MOVE and dcmtk bring is what is in the files, compressed or not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset, read_file_meta_info
from pynetdicom import AE, build_role, evt

from config.errors import EnvironmentFault, UnreadableObject
from config.site import PacsNode
from pipelines.acquire.archive import Archive
from pipelines.acquire.archive.index import entry_of_file
from pipelines.acquire.pacs import (
    ExpectedInstance,
    ReceivedObject,
    StoreReceiver,
    find_instances,
    retrieve_study,
)
from pipelines.ports import free_port
from tests.support.files import dataset_bytes, write_instance
from tests.support.orthanc import PROPOSALS, dcmtk

NodeOf = Callable[..., PacsNode]


def no_wait(_seconds: float) -> None:
    """Tests do not wait."""


def bring(
    node: PacsNode, study_uid: str, receiver: StoreReceiver, expected: list[ExpectedInstance]
) -> dict[str, ReceivedObject]:
    got: dict[str, ReceivedObject] = {}
    report = retrieve_study(
        node,
        study_uid,
        expected,
        lambda one: got.__setitem__(one.sop_uid, one),
        receiver=receiver,
        wait=no_wait,
    )
    assert (report.missing, report.unexpected, report.code) == ((), (), None)
    assert report.attempts == 1
    assert report.received == tuple(sorted(got))
    return got


@pytest.fixture(scope="module")
def compressed(realdata: Path) -> dict[str, Path]:
    """One file for each SOP Instance UID of the transfer syntax collection, by UID."""
    found: dict[str, Path] = {}
    for path in sorted((realdata / "TS").rglob("*.dcm")):
        try:
            found.setdefault(entry_of_file(path).key("IMAGE"), path)
        except UnreadableObject:
            continue
    return found


@pytest.fixture(scope="module")
def syntaxes(
    compressed: dict[str, Path], destinations: dict[str, tuple[str, int]]
) -> Iterator[Archive]:
    with Archive(compressed.values(), "SYNTAXES", destinations=destinations) as archive:
        yield archive


@pytest.mark.parametrize("method", ["c-get", "c-move"])
def test_bytes_are_those_of_the_file(
    archive: Archive, files: list[Path], node_of: NodeOf, receiver: StoreReceiver, method: str
) -> None:
    node = node_of(archive, methods=(method,))
    expected = find_instances(node, "2.25.4242.1")
    got = bring(node, "2.25.4242.1", receiver, expected)
    stored = {f"2.25.4242.{p.stem.replace('-', '.')}": dataset_bytes(p) for p in files}
    assert {uid: one.dataset for uid, one in got.items()} == {
        one.sop_uid: stored[one.sop_uid] for one in expected
    }
    one = got["2.25.4242.1.2.1"]
    assert (one.study_uid, one.series_uid) == ("2.25.4242.1", "2.25.4242.1.2")
    assert one.sop_class_uid == "1.2.840.10008.5.1.4.1.1.4"
    assert one.transfer_syntax_uid == "1.2.840.10008.1.2.1"


@pytest.mark.realdata
@pytest.mark.parametrize("method", ["c-get", "c-move"])
def test_every_transfer_syntax_arrives_as_it_is_stored(
    syntaxes: Archive,
    compressed: dict[str, Path],
    node_of: NodeOf,
    receiver: StoreReceiver,
    method: str,
) -> None:
    node = node_of(syntaxes, methods=(method,))
    seen = set()
    for study_uid in sorted({entry_of_file(p).key("STUDY") for p in compressed.values()}):
        got = bring(node, study_uid, receiver, find_instances(node, study_uid))
        for uid, one in got.items():
            path = compressed[uid]
            assert one.dataset == dataset_bytes(path), path.name
            assert one.transfer_syntax_uid == read_file_meta_info(path).TransferSyntaxUID
            seen.add(one.transfer_syntax_uid)
    assert len(seen) >= 9, seen


def test_two_syntaxes_in_one_class_both_arrive_as_stored(
    realdata: Path, tmp_path: Path, node_of: NodeOf, receiver: StoreReceiver
) -> None:
    """One context with a list of syntaxes would make the archive convert one of the two."""
    plain = write_instance(tmp_path, 7, 1, 1)
    rle = tmp_path / "rle.dcm"
    ds = dcmread(realdata / "TS/pydicom/MR_small_RLE.dcm")
    ds.StudyInstanceUID, ds.SOPInstanceUID = "2.25.4242.7", "2.25.4242.7.1.2"
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    ds.save_as(rle)
    with Archive([plain, rle], "MIXED") as archive:
        node = node_of(archive, methods=("c-get",))
        expected = [
            ExpectedInstance(one.series_uid, one.sop_uid, one.sop_class_uid)
            for one in find_instances(node, "2.25.4242.7")
        ]
        got = bring(node, "2.25.4242.7", receiver, expected)
    assert got["2.25.4242.7.1.1"].dataset == dataset_bytes(plain)
    assert got["2.25.4242.7.1.2"].dataset == dataset_bytes(rle)


def test_getscu_of_dcmtk_brings_the_same_values(
    archive: Archive, files: list[Path], tmp_path: Path
) -> None:
    keys = ("-k", "QueryRetrieveLevel=STUDY", "-k", "StudyInstanceUID=2.25.4242.1")
    where = ("127.0.0.1", str(archive.port))
    dcmtk("getscu", "-S", "-aec", "HOSPITAL", "-od", tmp_path, "+xe", *keys, *where)
    got = {dcmread(path).SOPInstanceUID: dcmread(path) for path in tmp_path.iterdir()}
    assert len(got) == 5
    for path in files[:5]:
        original = dcmread(path)
        assert got[original.SOPInstanceUID].PixelData == original.PixelData


def test_movescu_of_dcmtk_has_the_archive_send_to_storescp(
    files: list[Path], tmp_path: Path
) -> None:
    """dcmtk listens itself (--port) and counts the sub-operations; +B keeps bytes as received."""
    port = free_port()
    with Archive(files, "HOSPITAL", destinations={"MOVESCU": ("127.0.0.1", port)}) as archive:
        keys = ("-k", "QueryRetrieveLevel=SERIES", "-k", "StudyInstanceUID=2.25.4242.1")
        series = ("-k", "SeriesInstanceUID=2.25.4242.1.1")
        titles = ("-aet", "MOVESCU", "-aem", "MOVESCU", "-aec", "HOSPITAL")
        where = ("127.0.0.1", str(archive.port))
        local = ("--port", str(port), "+B")  # +B writes into the working directory
        done = dcmtk("movescu", "-v", "-S", *titles, *local, *keys, *series, *where, cwd=tmp_path)
        assert archive.log[-1].operation == "C-MOVE"
        assert archive.log[-1].results == 3
    assert "Success" in done.stdout + done.stderr
    got = {dcmread(path).SOPInstanceUID: dataset_bytes(path) for path in tmp_path.iterdir()}
    assert got == {dcmread(path).SOPInstanceUID: dataset_bytes(path) for path in files[:3]}


def test_what_storescu_sends_is_kept_and_served_again(
    realdata: Path, node_of: NodeOf, receiver: StoreReceiver
) -> None:
    path = realdata / "TS/pydicom-data/JPEG-LL.dcm"
    syntax = str(read_file_meta_info(path).TransferSyntaxUID)
    with Archive([], "EMPTY") as archive:
        where = ("127.0.0.1", str(archive.port))
        dcmtk("storescu", PROPOSALS[syntax], "-R", "-aec", "EMPTY", *where, path)
        study_uid = entry_of_file(path).key("STUDY")
        node = node_of(archive, methods=("c-get",))
        (got,) = bring(node, study_uid, receiver, find_instances(node, study_uid)).values()
    assert got.transfer_syntax_uid == syntax
    kept = read_dataset(BytesIO(got.dataset), is_implicit_VR=False, is_little_endian=True)
    assert kept.PixelData == dcmread(path).PixelData  # storescu writes the lengths its own way


def test_what_is_received_may_be_kept_in_a_folder(files: list[Path], tmp_path: Path) -> None:
    with Archive([], "EMPTY", keep_in=tmp_path) as archive:
        dcmtk("storescu", "-aec", "EMPTY", "127.0.0.1", str(archive.port), *files[:2])
        assert len(archive.index) == 2
    assert {dcmread(p).SOPInstanceUID for p in tmp_path.iterdir()} == {
        "2.25.4242.1.1.1",
        "2.25.4242.1.1.2",
    }


def test_an_uncompressed_object_is_converted_when_only_implicit_is_accepted(
    archive: Archive, files: list[Path]
) -> None:
    ct, get = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.2.2.3"
    got: list[bytes] = []

    def on_store(event: evt.Event) -> int:
        got.append(event.encoded_dataset(include_meta=False))
        return 0x0000

    ae = AE("TEST")
    ae.add_requested_context(get)
    ae.add_requested_context(ct, "1.2.840.10008.1.2")
    query = Dataset()
    query.QueryRetrieveLevel, query.StudyInstanceUID = "STUDY", "2.25.4242.3"
    assoc = ae.associate(
        "127.0.0.1",
        archive.port,
        ae_title="HOSPITAL",
        ext_neg=[build_role(ct, scp_role=True)],
        evt_handlers=[(evt.EVT_C_STORE, on_store)],
    )
    statuses = [status.Status for status, _ in assoc.send_c_get(query, get)]
    assoc.release()
    assert statuses == [0x0000]
    ds = read_dataset(BytesIO(got[0]), is_implicit_VR=True, is_little_endian=True)
    original = dcmread(files[-1])
    assert [e.tag for e in ds] == [e.tag for e in original]
    assert ds.PixelData == original.PixelData
    assert str(ds.PatientName) == "Lefèvre^Zoé"


def test_a_file_that_is_no_dicom_object_is_named_by_code_only(tmp_path: Path) -> None:
    path = tmp_path / "DUPONT_JEAN.dcm"
    path.write_bytes(b"not DICOM")
    with pytest.raises(UnreadableObject, match=r"^ARCHIVE_FILE_UNREADABLE") as caught:
        Archive([path], "X")
    assert "DUPONT" not in str(caught.value)


def test_a_port_in_use_is_a_fault_of_the_machine(archive: Archive) -> None:
    with (
        pytest.raises(EnvironmentFault, match=r"^PORT_IN_USE"),
        Archive([], "OTHER", port=archive.port),
    ):
        pass
