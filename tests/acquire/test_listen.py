"""What a site pushes is kept before the sender is answered; strangers are refused, none lost."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import select

from config.errors import ConfigurationError, EnvironmentFault
from config.settings import Settings, load_settings
from config.site import Site
from pipelines.acquire.receive.listener import Listener
from pipelines.catalogue import identified as table
from pipelines.catalogue.database import open_identified
from pipelines.catalogue.receiving import PushedInstance, QuarantinedObject
from pipelines.store import dataset_digest
from tests.support import needs
from tests.support.files import dataset_bytes, write_instance
from tests.support.tls import Papers, make_papers

EXPLICIT = "1.2.840.10008.1.2.1"
RULE = {"calling_ae_title": "MR1", "called_ae_title": "NEURO", "project": "tiny", "quiet_s": 3600}
PACS = {"ae_title": "HOSPITAL", "host": "127.0.0.1", "port": 104}
SILENT_PEERS = 5


def site(**listen: object) -> Site:
    values = {"port": 0, "processes": 1, "rules": [RULE], **listen}
    return Site.model_validate({"name": "chu-atlas", "listen": values, "pacs": PACS})


class Rig:
    """A listener, what it told, and storescu."""

    def __init__(self, settings: Settings, place: Site) -> None:
        self.settings = settings
        self.told: list[tuple[str, str]] = []
        self.changed = threading.Condition()
        self.listener = Listener(settings, place, self.note, prepare=False)

    def note(self, what: str, whom: str) -> None:
        with self.changed:
            self.told.append((what, whom))
            self.changed.notify_all()

    def await_told(self, what: str, whom: str) -> bool:
        with self.changed:
            return self.changed.wait_for(lambda: (what, whom) in self.told, timeout=60)

    def push(self, *paths: Path, calling: str = "MR1", called: str = "NEURO", tls=()) -> str:
        """Return what storescu printed, prefixed by its exit code."""
        done = subprocess.run(
            [needs.program("storescu", "dcmtk"), "-v", *tls, "-aet", calling, "-aec", called,
             "127.0.0.1", str(self.listener.port), *map(str, paths)],
            env=os.environ | {"TCP_NODELAY": "1"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )  # fmt: skip
        return f"{done.returncode} {done.stdout}{done.stderr}"

    def rows(self, model: type) -> list:
        ledger = open_identified(self.settings)
        with ledger.session() as session:
            found = session.scalars(select(model)).all()
            session.expunge_all()
        ledger.close()
        return [*found]


Open = Callable[..., Rig]


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    return make_papers(tmp_path_factory.mktemp("papers"))


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Open]:
    with ExitStack() as stack:

        def make(**listen: object) -> Rig:
            settings = load_settings(tmp_path_factory.mktemp("home"), {})
            rig = Rig(settings, site(**listen))
            stack.enter_context(rig.listener)
            return rig

        yield make


@pytest.fixture(scope="module")
def rig(opened: Open) -> Rig:
    return opened()


def test_the_bytes_kept_are_those_sent_and_their_row_is_there_when_the_sender_hears_of_success(
    rig: Rig, files: list[Path]
) -> None:
    answer = rig.push(*files[:2])
    assert answer.startswith("0 ")
    rows = {row.sop_uid: row for row in rig.rows(table.ReceivedObject)}
    for path, uid in zip(files[:2], ("2.25.4242.1.1.1", "2.25.4242.1.1.2"), strict=True):
        kept = rig.settings.identified_root / rows[uid].path
        assert dataset_bytes(kept) == dataset_bytes(path)
        assert rows[uid].sha256 == dataset_digest(EXPLICIT, dataset_bytes(path))
        assert rows[uid].size == kept.stat().st_size
    pushed = {row.sop_uid: row for row in rig.rows(PushedInstance)}
    assert {(row.project, row.settled) for row in pushed.values()} == {("tiny", False)}


def test_the_same_object_twice_is_one_and_other_bytes_under_its_uid_are_a_conflict(
    rig: Rig, tmp_path: Path
) -> None:
    first = write_instance(tmp_path / "a", 7, 1, 1)
    other = write_instance(tmp_path / "b", 7, 1, 1, ImageComments="other")
    for path in (first, first, other):
        assert rig.push(path).startswith("0 ")
    rows = [r for r in rig.rows(table.ReceivedObject) if r.sop_uid == "2.25.4242.7.1.1"]
    assert [row.conflict for row in rows] == [True, True]
    assert len({row.sha256 for row in rows}) == 2


@pytest.mark.parametrize(("calling", "called"), [("OTHER", "NEURO"), ("MR1", "OTHER")])
def test_strange_ae_titles_are_rejected_and_told_without_who_it_was(
    rig: Rig, files: list[Path], calling: str, called: str
) -> None:
    before = len(rig.rows(table.ReceivedObject))
    answer = rig.push(files[2], calling=calling, called=called)
    assert "Rejected Permanent" in answer
    assert rig.await_told("refused", "RECEIVE_AE_REFUSED")
    assert len(rig.rows(table.ReceivedObject)) == before


def test_what_no_rule_and_no_request_explains_is_quarantined_and_what_was_asked_is_kept(
    opened: Open, files: list[Path], tmp_path: Path
) -> None:
    """The PACS of the site moves to us: one instance was asked for, the other was not."""
    rig = opened()
    ledger = open_identified(rig.settings)
    row = {c.name: "" for c in table.RequestRow.__table__.columns}
    row |= {"row_id": "R-1", "site": "chu-atlas", "outcome": "found", "expected": 1, "received": 0}
    with ledger.session() as session:
        session.add(table.RequestRow(**row | {"attempts": 0}))
        session.flush()
        session.add(
            table.ExpectedInstance(
                row_id="R-1", sop_uid="2.25.4242.1.1.1", series_uid="", sop_class_uid=""
            )
        )
    ledger.close()
    assert rig.push(*files[:2], calling="HOSPITAL", called="ACCORDAGE").startswith("0 ")
    assert [r.sop_uid for r in rig.rows(table.ReceivedObject)] == ["2.25.4242.1.1.1"]
    (apart,) = rig.rows(QuarantinedObject)
    assert (apart.sop_uid, apart.code) == ("2.25.4242.1.1.2", "RECEIVE_UNEXPLAINED")
    assert dataset_bytes(rig.settings.identified_root / apart.path) == dataset_bytes(files[1])
    assert rig.await_told("quarantined", "RECEIVE_UNEXPLAINED")


def test_a_host_outside_the_networks_is_closed_at_once(opened: Open) -> None:
    rig = opened(hosts=["10.0.0.0/8"])
    with socket.create_connection(("127.0.0.1", rig.listener.port), timeout=30) as peer:
        assert peer.recv(1) == b""
    assert rig.await_told("refused", "RECEIVE_HOST_REFUSED")


def test_an_object_cut_off_in_the_middle_leaves_nothing(rig: Rig, files: list[Path]) -> None:
    """The sender dies after its command and half of its dataset."""
    from io import BytesIO

    from pynetdicom import AE
    from pynetdicom.dimse_primitives import C_STORE
    from pynetdicom.pdu_primitives import P_DATA

    ae = AE("MR1")
    mr = "1.2.840.10008.5.1.4.1.1.4"
    ae.add_requested_context(mr, EXPLICIT)
    assoc = ae.associate("127.0.0.1", rig.listener.port, ae_title="NEURO")
    request = C_STORE()
    request.MessageID, request.Priority = 1, 2
    request.AffectedSOPClassUID, request.AffectedSOPInstanceUID = mr, "2.25.4242.1.1.3"
    request.DataSet = BytesIO(dataset_bytes(files[2]))
    from pynetdicom.dimse_messages import C_STORE_RQ

    message = C_STORE_RQ()
    message.primitive_to_message(request)
    fragments = list(message.encode_msg(1, 128))
    incoming = rig.settings.identified_root / "incoming"
    for fragment in fragments[: len(fragments) // 2]:
        assert isinstance(fragment, P_DATA)
        assoc.dul.send_pdu(fragment)
    deadline = time.monotonic() + 30
    while not [*incoming.glob("*.partial")] and time.monotonic() < deadline:
        os.sched_yield()
    assert [*incoming.glob("*.partial")]
    assoc.abort()
    while [*incoming.glob("*.partial")] and time.monotonic() < deadline:
        os.sched_yield()
    assert [*incoming.glob("*.partial")] == []
    assert "2.25.4242.1.1.3" not in {r.sop_uid for r in rig.rows(table.ReceivedObject)}


def test_a_process_is_replaced_after_its_share_and_nobody_is_refused_meanwhile(
    opened: Open, tmp_path: Path
) -> None:
    rig = opened(recycle_after=2)
    first = rig.listener.pids
    for number in range(1, 7):
        assert rig.push(write_instance(tmp_path, 9, 1, number)).startswith("0 ")
    assert set(rig.listener.pids) != set(first)
    assert len(rig.rows(table.ReceivedObject)) == 6


def test_a_killed_process_is_replaced_and_what_it_was_promised_is_there(
    opened: Open, tmp_path: Path
) -> None:
    rig = opened()
    assert rig.push(write_instance(tmp_path, 9, 1, 1)).startswith("0 ")
    os.kill(rig.listener.pids[0], signal.SIGKILL)
    assert rig.await_told("failed", "RECEIVE_PROCESS_DIED")
    assert rig.push(write_instance(tmp_path, 9, 1, 2)).startswith("0 ")
    assert len(rig.rows(table.ReceivedObject)) == 2


def test_a_full_disk_answers_a700_and_nothing_is_promised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk fills between the first byte and the last."""
    from config.listen import PushRule
    from pipelines.acquire.receive.arrivals import Arrivals
    from pipelines.acquire.receive.spool import FileSpool
    from pipelines.acquire.receive.streaming import Arriving
    from pipelines.store import IdentifiedStore

    settings = load_settings(tmp_path / "home", {})
    store = IdentifiedStore(settings)
    store.prepare()
    ledger = open_identified(settings)
    data = dataset_bytes(write_instance(tmp_path, 1, 1, 1))
    names = ("1.2.840.10008.5.1.4.1.1.4", "2.25.4242.1.1.1", EXPLICIT)
    arriving = Arriving(lambda: FileSpool(store.incoming, *names))
    arriving.write(data[:100])

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.write", full)
    arriving.write(data[100:])
    monkeypatch.undo()
    with pytest.raises(EnvironmentFault, match=r"^DISK_FULL"):
        arriving.take()
    arrivals = Arrivals("s", store, ledger)
    spool = FileSpool(store.incoming, *names)
    spool.write(data)
    monkeypatch.setattr("os.fsync", full)
    rule = PushRule(calling_ae_title="A", called_ae_title="B", project="p")
    assert arrivals.take(spool, rule) == 0xA700  # PS3.4 Table B.2-1: out of resources
    monkeypatch.undo()
    assert [*store.incoming.glob("*.partial")] == []
    with ledger.session() as session:
        assert session.scalars(select(table.ReceivedObject)).all() == []
    ledger.close()


def test_an_object_that_is_not_who_the_sender_says_is_refused(tmp_path: Path) -> None:
    from pipelines.acquire.receive.arrivals import Arrivals
    from pipelines.acquire.receive.spool import FileSpool
    from pipelines.store import IdentifiedStore

    settings = load_settings(tmp_path / "home", {})
    store = IdentifiedStore(settings)
    store.prepare()
    ledger = open_identified(settings)
    arrivals = Arrivals("s", store, ledger)
    data = dataset_bytes(write_instance(tmp_path, 1, 1, 1))
    mr = "1.2.840.10008.5.1.4.1.1.4"
    for sop_uid, content, status in (("2.25.1", data, 0xA900), ("2.25.1", b"\x08\x00", 0xC000)):
        spool = FileSpool(store.incoming, mr, sop_uid, EXPLICIT)
        spool.write(content)
        assert arrivals.take(spool, None) == status
    assert [*store.root.glob("quarantine/*/*")] == []
    ledger.close()


def test_with_silent_peers_on_the_tls_port_a_sender_needs_no_longer(
    opened: Open, papers: Papers, tmp_path: Path
) -> None:
    """A load balancer's health check opens a connection and says nothing."""
    rig = opened(tls=papers.tls("receiver").model_dump())
    paths = [write_instance(tmp_path, 11, 1, n) for n in range(1, 21)]
    tls = papers.dcmtk("scanner")

    def timed() -> float:
        start = time.perf_counter()
        assert rig.push(*paths, tls=tls).startswith("0 ")
        return time.perf_counter() - start

    def besieged() -> float:
        with ExitStack() as stack:
            for _ in range(SILENT_PEERS):
                address = ("127.0.0.1", rig.listener.port)
                stack.enter_context(socket.create_connection(address, timeout=30))
            return timed()

    timed()
    alone, among = [], []
    for turn in range(10):  # the fastest of each counts: a busy machine only ever adds
        alone.append(timed())
        among.append(besieged())
        if turn >= 2 and min(among) <= 1.5 * min(alone):
            break
    assert min(among) <= 1.5 * min(alone)


def test_a_silent_peer_and_a_stranger_are_dropped_and_told(
    opened: Open, papers: Papers, files: list[Path]
) -> None:
    rig = opened(tls=papers.tls("receiver", handshake_timeout_s=0.2).model_dump())
    address = ("127.0.0.1", rig.listener.port)
    with socket.create_connection(address, timeout=30) as peer:
        assert peer.recv(1) == b""
    for tls in (papers.dcmtk("stranger"), ["+tla", "+cf", papers.dcmtk("scanner")[-1]], []):
        assert not rig.push(files[0], tls=tls).startswith("0 ")
    assert rig.await_told("refused", "RECEIVE_TLS_REFUSED")
    assert rig.rows(table.ReceivedObject) == []
    assert rig.push(files[0], tls=papers.dcmtk("scanner")).startswith("0 ")


def test_a_port_in_use_is_a_fault_of_the_machine(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with (
            pytest.raises(EnvironmentFault, match=rf"^PORT_IN_USE: {port}"),
            Listener(load_settings(tmp_path, {}), site(port=port)),
        ):
            pass


def test_a_site_that_may_send_nothing_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"^SITE_WITHOUT_LISTEN"):
        Listener(load_settings(tmp_path, {}), Site(name="quiet"))


def test_a_key_that_others_may_read_is_refused(papers: Papers, tmp_path: Path) -> None:
    key = tmp_path / "open.key"
    key.write_bytes((papers.folder / "receiver.key").read_bytes())
    key.chmod(0o644)
    tls = papers.tls("receiver").model_copy(update={"private_key": key})
    with pytest.raises(ConfigurationError, match=r"^SECRET_READABLE"):
        Listener(load_settings(tmp_path, {}), site(tls=tls.model_dump()))
