"""No response is lost to the association's own reactor, however the threads are scheduled."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pynetdicom import AE
from pynetdicom.association import Association
from pynetdicom.dimse import DIMSEServiceProvider

from pipelines.acquire.archive import Archive
from pipelines.acquire.checkpoint import guard_reactor

STUDY_ROOT = "1.2.840.10008.5.1.4.1.2.2.1"
STUDIES = 3
GIVE_UP_S = 0.3


@pytest.fixture
def slipping(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Stop the requestor's reactor between its wait and its flag until a response has come.

    The reactor then looks at the queue before the caller does. The scheduler of a busy machine
    does the same now and then. The event returned says that it stands there.
    """
    slipping, looked, never = (threading.Event() for _ in range(3))
    take = DIMSEServiceProvider.get_msg

    def paused(self: Association) -> bool:
        return bool(self.__dict__["paused"])

    def pause(self: Association, value: bool) -> None:
        resumes = self.__dict__.get("paused", False) and not value
        if resumes and self.is_requestor and threading.current_thread() is self:
            looked.clear()
            slipping.set()
            for _ in range(100):
                if not self.dimse.msg_queue.empty():
                    break
                never.wait(GIVE_UP_S / 100)
        self.__dict__["paused"] = value

    def get_msg(self: DIMSEServiceProvider, block: bool = False) -> Any:
        if block and self.assoc.is_requestor:
            looked.wait(GIVE_UP_S)
        try:
            return take(self, block)
        finally:
            if not block and self.assoc.is_requestor:
                looked.set()

    monkeypatch.setattr(Association, "_is_paused", property(paused, pause), raising=False)
    monkeypatch.setattr(DIMSEServiceProvider, "get_msg", get_msg)
    return slipping


def matches(archive: Archive, slipping: threading.Event, *, guarded: bool) -> int:
    """Ask for all studies and count the answers; a lost last one never comes."""
    query = Dataset()
    query.QueryRetrieveLevel = "STUDY"
    query.StudyInstanceUID = ""
    ae = AE("TEST")
    ae.dimse_timeout = 5
    ae.add_requested_context(STUDY_ROOT)
    assoc = ae.associate("127.0.0.1", archive.port, ae_title=archive.ae_title)
    if guarded:
        guard_reactor(assoc)
    assert slipping.wait(5)
    try:
        answers = list(assoc.send_c_find(query, STUDY_ROOT))
    finally:
        assoc.release()
        assoc.join()
    return sum(match is not None for _, match in answers)


def test_a_guarded_association_loses_no_match(archive: Archive, slipping: threading.Event) -> None:
    assert matches(archive, slipping, guarded=True) == STUDIES


def test_plain_pynetdicom_loses_one_under_the_same_schedule(
    archive: Archive, slipping: threading.Event
) -> None:
    """The control. Once this fails, pynetdicom is mended and the guard can go."""
    assert matches(archive, slipping, guarded=False) == STUDIES - 1


def test_the_guard_returns_when_the_reactor_has_ended(archive: Archive) -> None:
    ae = AE("TEST")
    ae.add_requested_context(STUDY_ROOT)
    assoc = ae.associate("127.0.0.1", archive.port, ae_title=archive.ae_title)
    guard_reactor(assoc)
    assoc.release()
    assoc.join()
    assoc._reactor_checkpoint.clear()
    assert not assoc._reactor_checkpoint.is_set()
