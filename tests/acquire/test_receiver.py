"""Our receiver takes what was asked for, refuses the rest, and never lies about a full disk."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import CalledProcessError

import pytest

from config.errors import EnvironmentFault
from config.site import PacsNode, Receiver
from pipelines.acquire.archive import Archive
from pipelines.acquire.pacs import (
    ExpectedInstance,
    ReceivedObject,
    RetrieveReport,
    StoreReceiver,
    find_instances,
    retrieve_study,
)
from pipelines.acquire.pacs.intake import Intake, identify
from tests.support.files import dataset_bytes, write_instance
from tests.support.orthanc import dcmtk

MR = "1.2.840.10008.5.1.4.1.1.4"
EXPLICIT = "1.2.840.10008.1.2.1"
NodeOf = Callable[..., PacsNode]


def push(receiver: StoreReceiver, *paths: Path, title: str = "ACCORDAGE") -> str:
    done = dcmtk("storescu", "-d", "-aec", title, "127.0.0.1", str(receiver.port), *paths)
    return done.stdout + done.stderr


def expected(number: int) -> ExpectedInstance:
    return ExpectedInstance("2.25.4242.1.1", f"2.25.4242.1.1.{number}", MR)


def test_what_an_open_intake_expects_is_taken(receiver: StoreReceiver, files: list[Path]) -> None:
    kept: list[ReceivedObject] = []
    intake = Intake("2.25.4242.1", [expected(1), expected(2)], kept.append)
    with receiver.expecting(intake):
        push(receiver, *files[:2])
    assert [one.sop_uid for one in kept] == ["2.25.4242.1.1.1", "2.25.4242.1.1.2"]
    assert kept[0].dataset == dataset_bytes(files[0])
    assert intake.missing == []


def test_what_nobody_asked_for_is_refused_and_counted(files: list[Path]) -> None:
    with StoreReceiver(Receiver()) as receiver:
        with pytest.raises(CalledProcessError) as caught:
            push(receiver, files[0])
        assert receiver.strays == 1
    assert "0124" in caught.value.stdout + caught.value.stderr  # refused: not authorised


def test_several_retrievals_share_one_receiver(
    archive: Archive, node_of: NodeOf, receiver: StoreReceiver
) -> None:
    """Three studies at once, one of them by two callers: each gets its own, whole."""
    node = node_of(archive, methods=("c-move",))
    studies = ["2.25.4242.1", "2.25.4242.1", "2.25.4242.2", "2.25.4242.3"]
    kept: list[list[str]] = [[] for _ in studies]

    def bring(number: int) -> RetrieveReport:
        study_uid = studies[number]
        listed = find_instances(node, study_uid)
        return retrieve_study(
            node,
            study_uid,
            listed,
            lambda one: kept[number].append(one.study_uid),
            receiver=receiver,
        )

    with ThreadPoolExecutor(4) as pool:
        reports = list(pool.map(bring, range(4)))
    assert [report.code for report in reports] == [None] * 4
    assert [len(report.received) for report in reports] == [5, 5, 2, 1]
    assert [set(uids) for uids in kept] == [{study_uid} for study_uid in studies]


def test_another_called_title_is_rejected(receiver: StoreReceiver, files: list[Path]) -> None:
    with pytest.raises(CalledProcessError):
        push(receiver, files[0], title="SOMEONE")


def test_a_full_disk_answers_a700(receiver: StoreReceiver, files: list[Path]) -> None:
    def full(_received: ReceivedObject) -> None:
        raise EnvironmentFault("DISK_FULL")

    intake = Intake("2.25.4242.1", [expected(1)], full)
    with receiver.expecting(intake), pytest.raises(CalledProcessError) as caught:
        push(receiver, files[0])
    assert "a700" in (caught.value.stdout + caught.value.stderr).lower()
    with pytest.raises(EnvironmentFault, match=r"^DISK_FULL$"):
        intake.raise_fault()


def test_a_port_in_use_is_a_fault_of_the_machine(receiver: StoreReceiver) -> None:
    with (
        pytest.raises(EnvironmentFault, match=r"^PORT_IN_USE"),
        StoreReceiver(Receiver(port=receiver.port)),
    ):
        pass


def test_the_same_bytes_twice_reach_the_sink_once_and_other_bytes_again(tmp_path: Path) -> None:
    """The same UID with other bytes is a conflict, and the store keeps both."""
    kept: list[ReceivedObject] = []
    intake = Intake("2.25.4242.1", [expected(1)], kept.append)
    first = dataset_bytes(write_instance(tmp_path, 1, 1, 1))
    second = dataset_bytes(write_instance(tmp_path, 1, 1, 1, ImageComments="other"))
    for data in (first, first, second):
        assert intake.take(MR, "2.25.4242.1.1.1", EXPLICIT, data) == 0x0000
    assert [one.dataset for one in kept] == [first, second]


def test_an_object_whose_inside_contradicts_its_envelope_is_another_s(tmp_path: Path) -> None:
    kept: list[ReceivedObject] = []
    intake = Intake("2.25.4242.1", [expected(1)], kept.append)
    other = dataset_bytes(write_instance(tmp_path, 2, 1, 1))
    assert intake.take(MR, "2.25.4242.1.1.1", EXPLICIT, other) == 0x0000
    assert intake.take(MR, "2.25.4242.1.1.1", EXPLICIT, b"\x08\x00") == 0x0000
    assert (kept, intake.strangers) == ([], ["2.25.4242.1.1.1"])
    assert len(intake.missing) == 1


@pytest.mark.parametrize("junk", [b"", b"\x00", b"\xff" * 64, b"\x08\x00\x18\x00UI\xff\xff1.2"])
def test_bytes_that_are_no_dataset_have_no_identity(junk: bytes) -> None:
    assert identify(junk, EXPLICIT)[0] == ""
    assert identify(junk, "1.2.840.10008.1.2.1.99")[0] == ""
