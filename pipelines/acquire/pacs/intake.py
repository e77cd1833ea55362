"""The intake of one study: takes what arrives, by whatever way, and counts it by SOP UID."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from config.errors import EnvironmentFault, TransientError, UnreadableObject
from pipelines.acquire.pacs.objects import ExpectedInstance, ReceivedObject
from pipelines.acquire.receive.spool import FileSpool, MemorySpool, Names
from pipelines.store import dataset_digest

__all__ = ["Intake", "identify"]

SUCCESS = 0x0000
OUT_OF_RESOURCES = 0xA700  # PS3.4 Table B.2-1
CANNOT_UNDERSTAND = 0xC000  # PS3.4 Table B.2-1


def identify(
    dataset: bytes | FileSpool | MemorySpool, transfer_syntax_uid: str
) -> tuple[str, str, str]:
    """Return (study UID, series UID, SOP UID) out of an encoded dataset; empty where absent."""
    return _identity(dataset, transfer_syntax_uid)[:3]


def _identity(
    dataset: bytes | FileSpool | MemorySpool, transfer_syntax_uid: str
) -> tuple[str, str, str, str]:
    """Return (study UID, series UID, SOP UID, Patient ID); empty where absent."""
    try:
        if isinstance(dataset, bytes):
            names = Names(dataset, transfer_syntax_uid)
        else:
            names = dataset.names()
    except UnreadableObject:
        return "", "", "", ""
    return names.study_uid, names.series_uid, names.sop_uid, names.patient_id


class Intake:
    """What was expected of a study, what came, and what went wrong on our side.

    Parameters
    ----------
    study_uid : str
        Study Instance UID.
    expected : Sequence[ExpectedInstance]
        What the PACS lists.
    sink : callable
        Takes each expected object, once for each different content. Called by one thread at a time.
    spool_in : Path, optional
        Folder that objects are written to while they come; memory when none is given.
    patient_id : str
        Whose study it is, as the PACS lists it; empty when it does not tell.
    meter : callable, optional
        Takes the size of everything that arrives; True when nothing more may.
    aside : callable, optional
        Takes each object that was not expected, with the code that says why.
    """

    def __init__(
        self,
        study_uid: str,
        expected: Sequence[ExpectedInstance],
        sink: Callable[[ReceivedObject], None],
        spool_in: Path | None = None,
        *,
        patient_id: str = "",
        meter: Callable[[int], bool] | None = None,
        aside: Callable[[ReceivedObject, str], None] | None = None,
    ) -> None:
        self._patient_id, self._meter, self._aside = patient_id, meter, aside
        self._strangers: set[str] = set()
        self.study_uid = study_uid
        self.fault: Exception | None = None
        """What the sink raised; nothing is taken any more."""
        self.on_arrival: Callable[[], None] = _nothing
        self.spool_in = spool_in
        self._sink = sink
        self._expected = {one.sop_uid: one for one in expected}
        self._digests: dict[str, set[str]] = {}
        self._unexpected: set[str] = set()
        self._changed = threading.Condition()

    def take(
        self,
        sop_class_uid: str,
        sop_uid: str,
        transfer_syntax_uid: str,
        dataset: bytes | FileSpool | MemorySpool,
        *,
        promised: bool = True,
    ) -> int:
        """Take an instance and return the C-STORE status to answer (PS3.4 Table B.2-1).

        A spool given here is kept by the sink or discarded. Without a sender to whom success is
        ``promised``, a sink that can may write several rows at once; `flush` writes the rest.
        """
        spool = dataset if isinstance(dataset, FileSpool) else None
        data = dataset.getvalue() if isinstance(dataset, MemorySpool) else dataset
        try:
            self.on_arrival()
            with self._changed:
                encoded = data if isinstance(data, bytes) else b""
                names = _identity(dataset, transfer_syntax_uid)
                digest = spool.sha256 if spool else dataset_digest(transfer_syntax_uid, encoded)
                received = ReceivedObject(
                    sop_class_uid, sop_uid, names[0], names[1], transfer_syntax_uid, encoded, spool
                )
                sink = self._sink if promised else getattr(self._sink, "later", self._sink)
                return self._judge(received, names[2:], digest, sink)
        finally:
            if spool is not None:
                spool.discard()  # unless it has been kept

    def flush(self) -> None:
        """Have the sink write what it has put off; what it raises is raised."""
        with self._changed:
            getattr(self._sink, "flush", _nothing)()

    def _judge(
        self,
        received: ReceivedObject,
        inside: tuple[str, str],
        digest: str,
        sink: Callable[[ReceivedObject], None],
    ) -> int:
        """Take an object whose own SOP UID and Patient ID are ``inside``, or note our fault."""
        if self.fault is not None:
            return OUT_OF_RESOURCES
        size = received.spool.dataset_bytes if received.spool else len(received.dataset)
        full = self._meter is not None and self._meter(size)
        try:
            self._sort(received, inside, digest, sink)
        except Exception as error:  # noqa: BLE001 raised again by the caller of the retrieval
            return self.fail(error)
        if full and len(self._digests) < len(self._expected):
            self.fault = TransientError("PACS_BUDGET_SPENT")
        self._changed.notify_all()
        return SUCCESS

    def fail(self, error: Exception) -> int:
        """Note a fault of our own side; return the status that tells the sender."""
        self.fault = error
        full = isinstance(error, EnvironmentFault)
        return OUT_OF_RESOURCES if full else CANNOT_UNDERSTAND

    def _sort(
        self,
        received: ReceivedObject,
        inside: tuple[str, str],
        digest: str,
        sink: Callable[[ReceivedObject], None],
    ) -> None:
        """Give an object to the sink when it was expected, else aside; the same one only once."""
        sop_uid, (inner_uid, patient_id) = received.sop_uid, inside
        if digest in self._digests.get(sop_uid, ()):
            return
        is_foreign = "" not in {patient_id, self._patient_id} and patient_id != self._patient_id
        if (received.study_uid, inner_uid) != (self.study_uid, sop_uid) or is_foreign:
            self._strangers.add(sop_uid)
            code = "INSTANCE_OF_ANOTHER"
        elif sop_uid not in self._expected:
            self._unexpected.add(sop_uid)
            code = "INSTANCE_UNASKED"
        else:
            sink(received)
            self._digests.setdefault(sop_uid, set()).add(digest)
            return
        if self._aside is not None:  # refused ones would come again: it is taken, and kept apart
            self._aside(received, code)

    @property
    def received(self) -> list[str]:
        """Expected SOP UIDs that came, sorted."""
        with self._changed:
            return sorted(self._digests)

    @property
    def unexpected(self) -> list[str]:
        """SOP UIDs that came without being expected, sorted."""
        with self._changed:
            return sorted(self._unexpected)

    @property
    def strangers(self) -> list[str]:
        """SOP UIDs that came with another study's or patient's identity, sorted."""
        with self._changed:
            return sorted(self._strangers)

    @property
    def missing(self) -> list[ExpectedInstance]:
        """What has not come yet, ordered by series and instance UID."""
        with self._changed:
            left = [one for uid, one in self._expected.items() if uid not in self._digests]
        return sorted(left, key=lambda one: (one.series_uid, one.sop_uid))

    def wait_whole(self, grace_s: float) -> None:
        """Wait until nothing is missing, the sink failed, or ``grace_s`` is over."""
        with self._changed:
            self._changed.wait_for(
                lambda: self.fault is not None or len(self._digests) == len(self._expected),
                timeout=grace_s,
            )

    def raise_fault(self) -> None:
        """Raise what the sink raised, if it did."""
        if self.fault is not None:
            raise self.fault


def _nothing() -> None:
    """Be the listener of those who do not listen."""
