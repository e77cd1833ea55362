"""What can go wrong with a connection: each failure has its own code, and none hangs."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pynetdicom.association import Association
from pynetdicom.transport import AddressInformation

from config.errors import ConfigurationError, TransientError
from config.project import Selection
from config.site import PacsNode
from pipelines.acquire.archive import Archive
from pipelines.acquire.dimse import _ClosingSocket
from pipelines.acquire.pacs import echo, find_instances, find_studies, retrieve_study
from pipelines.acquire.pacs.backoff import with_retries
from pipelines.ports import free_port

NodeOf = Callable[..., PacsNode]


def node_at(port: int, **values: object) -> PacsNode:
    base = {"ae_title": "PACS", "host": "127.0.0.1", "port": port, "retries": 0}
    return PacsNode.model_validate(base | values)


@contextmanager
def peer(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """A TCP server that treats its first client as ``answer`` says, then keeps still."""
    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            client, _ = server.accept()
            with client:
                answer(client)
                done.wait(30)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            done.set()
            thread.join()


def test_a_closed_port_is_unreachable() -> None:
    with pytest.raises(TransientError, match=r"^PACS_UNREACHABLE"):
        echo(node_at(free_port()))


def test_a_wrong_called_title_is_a_matter_of_configuration(
    archive: Archive, node_of: NodeOf
) -> None:
    with pytest.raises(ConfigurationError, match=r"^PACS_REJECTED_AE: Called AE title not"):
        echo(node_of(archive).model_copy(update={"ae_title": "OTHER"}))


def test_a_rejection_is_read_also_when_the_connection_is_closed_before_we_look(
    archive: Archive, node_of: NodeOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a busy machine the thread that asked wakes only after the peer has hung up."""

    class Late(threading.Event):
        def __init__(self) -> None:
            super().__init__()
            self.closed = threading.Event()

        def wait(self, timeout: float | None = None) -> bool:
            return super().wait(timeout) and self.closed.wait(30)

    class Watched(_ClosingSocket):
        def __init__(self, assoc: Association, address: AddressInformation) -> None:
            super().__init__(assoc, address=address)
            self._ready = Late()

        def close(self) -> None:
            super().close()
            if isinstance(self._ready, Late):  # the archive's end of it has another
                self._ready.closed.set()

    monkeypatch.setattr("pipelines.acquire.dimse._ClosingSocket", Watched)
    with pytest.raises(ConfigurationError, match=r"^PACS_REJECTED_AE: Called AE title not"):
        echo(node_of(archive).model_copy(update={"ae_title": "OTHER"}))


def test_a_wrong_title_stops_a_retrieval_at_once(archive: Archive, node_of: NodeOf) -> None:
    node = node_of(archive)
    expected = find_instances(node, "2.25.4242.1")
    wrong = node.model_copy(update={"ae_title": "OTHER"})
    with pytest.raises(ConfigurationError, match=r"^PACS_REJECTED_AE"):
        retrieve_study(wrong, "2.25.4242.1", expected, print)


def test_a_peer_that_accepts_the_connection_and_says_nothing_times_out() -> None:
    with (
        peer(lambda _client: None) as port,
        pytest.raises(TransientError, match=r"^PACS_TIMEOUT$"),
    ):
        echo(node_at(port, connect_timeout_s=0.2, dimse_timeout_s=0.2))


def test_a_peer_that_hangs_up_has_aborted() -> None:
    with (
        peer(lambda client: client.shutdown(socket.SHUT_RDWR)) as port,
        pytest.raises(TransientError, match=r"^PACS_ABORTED$"),
    ):
        echo(node_at(port, connect_timeout_s=5))


def test_a_peer_that_stops_inside_its_answer_does_not_hold_us_for_ever() -> None:
    """Six bytes of an A-ASSOCIATE-AC that announces 200 more (PS3.8 Table 9-17)."""
    with (
        peer(lambda client: client.sendall(b"\x02\x00\x00\x00\x00\xc8")) as port,
        pytest.raises(TransientError, match=r"^PACS_(TIMEOUT|ABORTED)$"),
    ):
        echo(node_at(port, connect_timeout_s=0.3, dimse_timeout_s=0.2))


def test_a_peer_that_stops_inside_a_message_is_a_time_out(
    archive: Archive, node_of: NodeOf
) -> None:
    """A relay passes on the association and then half of the answer."""

    def relay(client: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", archive.port)) as upstream:
            for to, what, limit in ((upstream, client, 65536), (client, upstream, 65536)):
                to.sendall(what.recv(limit))  # A-ASSOCIATE-RQ, A-ASSOCIATE-AC
            upstream.sendall(client.recv(65536))  # C-ECHO-RQ
            client.sendall(upstream.recv(65536)[:20])  # a part of C-ECHO-RSP

    with peer(relay) as port, pytest.raises(TransientError, match=r"^PACS_(TIMEOUT|ABORTED)$"):
        echo(node_of(archive, dimse_timeout_s=0.3).model_copy(update={"port": port}))


def test_an_archive_without_the_service_is_unsupported(
    files: list[Path], node_of: NodeOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.acquire.archive.server._FIND", ())
    with Archive(files, "HOSPITAL") as limited, pytest.raises(ConfigurationError) as caught:
        find_instances(node_of(limited), "2.25.4242.1")
    assert caught.value.code == "PACS_UNSUPPORTED"


def test_waits_double_and_the_last_error_is_raised() -> None:
    waits: list[float] = []
    calls: list[int] = []

    def fail() -> None:
        calls.append(1)
        raise TransientError("PACS_TIMEOUT", str(len(calls)))

    with pytest.raises(TransientError, match=r"^PACS_TIMEOUT: 4$"):
        with_retries(node_at(104, retries=3, retry_wait_s=0.5), fail, waits.append)
    assert waits == [0.5, 1.0, 2.0]


def test_an_error_of_configuration_is_not_tried_again() -> None:
    def fail() -> None:
        raise ConfigurationError("PACS_REJECTED_AE")

    with pytest.raises(ConfigurationError):
        with_retries(node_at(104, retries=3), fail, pytest.fail)


def test_no_log_holds_anything_of_a_patient(
    archive: Archive,
    node_of: NodeOf,
    select: Callable[..., Selection],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Also when the program around us turns every logger to its lowest level."""
    with caplog.at_level(logging.DEBUG):
        node = node_of(archive)
        (study, _) = find_studies(node, select())
        expected = find_instances(node, study.study_uid)
        retrieve_study(node, study.study_uid, expected, lambda _received: None)
    assert study.patient_id == "PID001"
    for secret in ("PID001", "Lef", "ACC1", "20200115", study.study_uid):
        assert secret not in caplog.text


def test_no_thread_and_no_connection_is_left_behind(archive: Archive, node_of: NodeOf) -> None:
    before = {thread.name for thread in threading.enumerate()}
    node = node_of(archive)
    expected = find_instances(node, "2.25.4242.1")
    retrieve_study(node, "2.25.4242.1", expected, lambda _received: None)
    after = {thread.name for thread in threading.enumerate()}
    ours = ("Requestor", "pacs-watchdog", "store-receiver")
    assert [name for name in after - before if name.startswith(ours)] == []
