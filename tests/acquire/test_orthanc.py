"""Against an independent PACS: Debian's Orthanc, filled by dcmtk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.filereader import read_file_meta_info

from config.errors import ConfigurationError
from config.project import Selection
from config.site import PacsNode
from pipelines.acquire.archive.index import entry_of_file
from pipelines.acquire.pacs import (
    ExpectedInstance,
    ReceivedObject,
    StoreReceiver,
    echo,
    find_instances,
    find_studies,
    retrieve_study,
)
from tests.support.files import write_instance
from tests.support.orthanc import PROPOSALS, OrthancServer

pytestmark = [pytest.mark.orthanc, pytest.mark.realdata]

ACHIEVA = "MR/prostate-mri-0001-philips-achieva"
COMPRESSED = (
    "TS/pydicom-data/MR2_J2KI.dcm",
    "TS/pydicom-data/JPEG-LL.dcm",
    "TS/pydicom-data/US1_J2KR.dcm",
    "TS/pydicom/MR_small_RLE.dcm",
    "TS/pylibjpeg-data/CT1_JLSN.dcm",
)
Got = dict[str, ReceivedObject]


@pytest.fixture(scope="module")
def sent(realdata: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """By SOP Instance UID: a Philips T2W series, five compressed objects, two of our own."""
    paths = [*sorted((realdata / ACHIEVA).rglob("*.dcm"))[:8]]
    paths += [realdata / name for name in COMPRESSED]
    folder = tmp_path_factory.mktemp("own")
    paths += [write_instance(folder, 1, 1, number) for number in (1, 2)]
    return {entry_of_file(path).key("IMAGE"): path for path in paths}


@pytest.fixture(scope="module")
def orthanc(
    start_orthanc: Callable[..., OrthancServer],
    sent: dict[str, Path],
    destinations: dict[str, tuple[str, int]],
) -> Iterator[OrthancServer]:
    server = start_orthanc(destinations)
    server.load(sent.values())
    yield server
    server.stop()


@pytest.fixture(scope="module")
def node(orthanc: OrthancServer) -> PacsNode:
    url = f"http://127.0.0.1:{orthanc.http_port}/dicom-web"
    place = {"ae_title": orthanc.aet, "host": "127.0.0.1", "port": orthanc.port}
    return PacsNode.model_validate({**place, "dicomweb": {"url": url}})


@pytest.fixture(scope="module")
def studies(sent: dict[str, Path]) -> list[str]:
    return sorted({entry_of_file(path).key("STUDY") for path in sent.values()})


def bring(
    node: PacsNode, study_uid: str, expected: list[ExpectedInstance], receiver: StoreReceiver
) -> Got:
    got: Got = {}
    report = retrieve_study(
        node,
        study_uid,
        expected,
        lambda received: got.__setitem__(received.sop_uid, received),
        receiver=receiver,
    )
    assert (report.code, report.missing, report.unexpected) == (None, (), ())
    assert (report.method, report.attempts) == (node.methods[0], 1)
    return got


@pytest.fixture(scope="module")
def by_method(node: PacsNode, studies: list[str], receiver: StoreReceiver) -> dict[str, Got]:
    got: dict[str, Got] = {"c-get": {}, "c-move": {}, "dicomweb": {}}
    for study_uid in studies:
        expected = find_instances(node, study_uid)
        for method, into in got.items():
            way = node.model_copy(update={"methods": (method,)})
            into.update(bring(way, study_uid, expected, receiver))
    return got


def test_it_answers_an_echo_and_checks_its_title(node: PacsNode) -> None:
    assert echo(node) < 5
    with pytest.raises(ConfigurationError, match=r"^PACS_REJECTED_AE"):
        echo(node.model_copy(update={"ae_title": "OTHER"}))


def test_the_studies_sent_are_found(
    node: PacsNode, studies: list[str], sent: dict[str, Path], select: Callable[..., Selection]
) -> None:
    dated = {
        ds.StudyInstanceUID
        for ds in (dcmread(path, stop_before_pixels=True) for path in sent.values())
        if ds.Modality == "MR" and ds.get("StudyDate")
    }
    found = find_studies(node, select("MR"))
    assert {study.study_uid for study in found} == dated
    assert "2.25.4242.1" in dated
    (own,) = [study for study in found if study.study_uid == "2.25.4242.1"]
    assert (own.instance_count, own.series_count, own.modalities) == (2, 1, ("MR",))
    assert own.patient_id == "PID001"
    assert [s.study_uid for s in find_studies(node, select("MR", "*RM PROST*"))] == ["2.25.4242.1"]


def test_every_instance_sent_is_listed_with_its_class(
    node: PacsNode, studies: list[str], sent: dict[str, Path]
) -> None:
    listed = [one for study_uid in studies for one in find_instances(node, study_uid)]
    assert {(one.sop_uid, one.sop_class_uid) for one in listed} == {
        (uid, entry_of_file(path).sop_class_uid) for uid, path in sent.items()
    }


def test_c_get_c_move_and_wado_rs_bring_equal_bytes(
    by_method: dict[str, Got], sent: dict[str, Path]
) -> None:
    assert set(by_method["c-get"]) == set(sent)
    assert by_method["c-get"] == by_method["c-move"]
    assert by_method["c-get"] == by_method["dicomweb"]


def test_qido_rs_lists_the_same_studies_and_instances_as_c_find(
    node: PacsNode, studies: list[str], select: Callable[..., Selection]
) -> None:
    assert node.dicomweb is not None
    web = node.model_copy(
        update={"dicomweb": node.dicomweb.model_copy(update={"query": True}), "port": 1}
    )
    for asked in (select("MR"), select("MR", "*RM PROST*"), select("US")):
        by_web = {study.study_uid for study in find_studies(web, asked)}
        assert by_web == {study.study_uid for study in find_studies(node, asked)}
    for study_uid in studies:
        listed = [(one.series_uid, one.sop_uid) for one in find_instances(web, study_uid)]
        asked_for = find_instances(node, study_uid)
        assert listed == [(one.series_uid, one.sop_uid) for one in asked_for]


def test_compressed_objects_arrive_compressed(
    by_method: dict[str, Got], sent: dict[str, Path]
) -> None:
    """Else the archive has spent its time on decompressing, and the bytes depend on the method."""
    got = {uid: one.transfer_syntax_uid for uid, one in by_method["c-get"].items()}
    assert got == {uid: read_file_meta_info(path).TransferSyntaxUID for uid, path in sent.items()}
    assert len(set(got.values()) & set(PROPOSALS)) >= 5


def test_several_servers_run_side_by_side(
    start_orthanc: Callable[..., OrthancServer],
    orthanc: OrthancServer,
    tmp_path: Path,
    select: Callable[..., Selection],
) -> None:
    """A variant with the same UIDs needs a server of its own."""
    other = start_orthanc(aet="SECOND")
    other.load([write_instance(tmp_path, 1, 1, 1)])
    node = PacsNode(ae_title="SECOND", host="127.0.0.1", port=other.port)
    assert [study.instance_count for study in find_studies(node, select("MR"))] == [1]
    other.stop()


def test_an_unknown_move_destination_ends_in_a_report(
    node: PacsNode, receiver: StoreReceiver
) -> None:
    stranger = node.receiver.model_copy(update={"ae_title": "NOBODY"})
    lost = node.model_copy(update={"methods": ("c-move",), "receiver": stranger, "retries": 0})
    expected = find_instances(node, "2.25.4242.1")
    report = retrieve_study(lost, "2.25.4242.1", expected, print, grace_s=0.05)
    assert report.code == "STUDY_NOT_DELIVERED"
    assert report.received == ()
