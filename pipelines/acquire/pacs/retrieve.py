"""Retrieve one study: methods in the site's order, counted by SOP UID, asked again for the rest."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

from config.errors import ConfigurationError, TransientError
from config.site import PacsNode
from pipelines.acquire.pacs.backoff import Wait
from pipelines.acquire.pacs.intake import Intake
from pipelines.acquire.pacs.objects import ExpectedInstance, ReceivedObject, RetrieveReport
from pipelines.acquire.pacs.receiver import StoreReceiver
from pipelines.acquire.pacs.status import judge_status
from pipelines.acquire.pacs.transfer import TRANSFERS, identifiers

__all__ = ["RE_REQUESTS", "retrieve_study"]

RE_REQUESTS = 2
"""How often what is missing is asked for again, by instance UID, in each method."""

_NO_CONNECTION = frozenset({"PACS_UNREACHABLE", "PACS_REFUSED"})
_NEXT_METHOD = frozenset(
    {"PACS_UNSUPPORTED", "PACS_NOT_AUTHORISED", "PACS_MOVE_DESTINATION_UNKNOWN"}
)


def retrieve_study(
    node: PacsNode,
    study_uid: str,
    expected: Sequence[ExpectedInstance],
    sink: Callable[[ReceivedObject], None],
    *,
    whole: bool = True,
    receiver: StoreReceiver | None = None,
    wait: Wait = time.sleep,
    grace_s: float = 2.0,
    spool_in: Path | None = None,
    patient_id: str = "",
    meter: Callable[[int], bool] | None = None,
    aside: Callable[[ReceivedObject, str], None] | None = None,
) -> RetrieveReport:
    """Bring a study from a PACS and say exactly what came.

    What the PACS calls success counts for nothing: the SOP UIDs received are compared with those
    expected, and the difference is asked for again.

    Parameters
    ----------
    node : PacsNode
        The PACS; ``methods`` gives the order of the ways to try.
    study_uid : str
        Study Instance UID.
    expected : Sequence[ExpectedInstance]
        What the PACS listed; nothing else reaches the sink.
    sink : callable
        Keeps an object; only when it returns is the PACS told of success.
    whole : bool
        ``expected`` is the whole study, which is then asked for at once. False asks by instance
        UID from the start.
    receiver : StoreReceiver, optional
        An open receiver for C-MOVE; one is opened on ``node.receiver`` when none is given.
    wait : callable
        Waits between tries.
    grace_s : float
        How long instances may still arrive after a C-MOVE was said to be complete.
    spool_in : Path, optional
        Folder that objects are written to while they come; memory when none is given.
    patient_id, meter, aside
        See :class:`Intake`.

    Raises
    ------
    TransientError
        No instance came because the PACS could not be reached, refused or fell silent;
        ``PACS_BUDGET_SPENT`` when the meter says that nothing more may come.
    ConfigurationError
        ``PACS_REJECTED_AE``: the PACS does not know our AE title, or we call it by a wrong one.
    EnvironmentFault
        ``PORT_IN_USE`` for our receiver, or whatever the sink raised; the PACS was told A700.
    """
    intake = Intake(
        study_uid, expected, sink, spool_in, patient_id=patient_id, meter=meter, aside=aside
    )
    run = _Run(node, intake, wait, grace_s)
    with ExitStack() as stack:
        for method in node.methods:
            if method not in TRANSFERS or not run.intake.missing:
                continue
            if method == "c-move" and receiver is None:
                own = StoreReceiver(node.receiver, node.dimse_timeout_s, spool_in)
                receiver = stack.enter_context(own)
            if not run.try_method(method, receiver, whole=whole):
                break
    return run.report()


class _Run:
    """The course of one retrieval."""

    def __init__(self, node: PacsNode, intake: Intake, wait: Wait, grace_s: float) -> None:
        self.node = node
        self.intake = intake
        self._wait = wait
        self._grace_s = grace_s
        self._attempts = 0
        self._statuses: list[int] = []
        self._flags: set[str] = set()
        self._method = ""
        self._transient: TransientError | None = None

    def try_method(self, method: str, receiver: StoreReceiver | None, *, whole: bool) -> bool:
        """Ask until all is there or this method has nothing left to try; say whether to go on."""
        asked, failures = 0, 0
        while self.intake.missing and asked <= RE_REQUESTS:
            scope = None if whole and not self.intake.received else self.intake.missing
            before = len(self.intake.received)
            try:
                usable = self._ask(method, receiver, scope)
                self._transient = None
                asked += 1
                if not usable:
                    return True
            except TransientError as error:
                if error is self.intake.fault:
                    raise  # our own: asking again would not help
                self._transient = error
                self._flags.add(error.code)
                if failures == self.node.retries:
                    return error.code not in _NO_CONNECTION
                self._wait(self.node.retry_wait_s * 2**failures)
                failures += 1
            except ConfigurationError as error:
                if error.code not in _NEXT_METHOD:
                    raise
                self._flags.add(error.code)
                return True
            finally:
                if len(self.intake.received) > before:
                    self._method = method
        return True

    def _ask(
        self,
        method: str,
        receiver: StoreReceiver | None,
        scope: Sequence[ExpectedInstance] | None,
    ) -> bool:
        """Send one round of requests; return False when another method is needed."""
        self._attempts += 1
        before = len(self.intake.received)
        asked = identifiers(self.intake.study_uid, scope)
        usable = True
        with closing(TRANSFERS[method](self.node, self.intake, asked, receiver)) as statuses:
            for status in statuses:
                verdict = judge_status(status)
                self._statuses.append(status)
                if verdict.code:
                    self._flags.add(verdict.code)
                if method == "c-move" and verdict.kind in ("success", "warning"):
                    self.intake.wait_whole(self._grace_s)
                    self.intake.raise_fault()
                if verdict.kind == "success" and len(self.intake.received) == before:
                    self._flags.add("PACS_SILENT_SUCCESS")
                if verdict.retry and self.intake.missing:
                    raise TransientError(verdict.code or "", f"status 0x{status:04X}")
                usable = usable and not verdict.next
        return usable

    def report(self) -> RetrieveReport:
        """Return what came, or raise when nothing did and another time may be better."""
        intake = self.intake
        received, missing = intake.received, [one.sop_uid for one in intake.missing]
        if missing and not received and self._transient is not None:
            raise self._transient
        flags = set(self._flags)
        if intake.unexpected or intake.strangers:
            flags.add("PACS_SENT_UNEXPECTED")
        code = None
        if missing:
            code = "STUDY_PARTIAL" if received else "STUDY_NOT_DELIVERED"
        return RetrieveReport(
            received=tuple(received),
            missing=tuple(sorted(missing)),
            unexpected=tuple(intake.unexpected),
            method=self._method,
            attempts=self._attempts,
            statuses=tuple(self._statuses),
            code=code,
            flags=tuple(sorted(flags)),
            strangers=tuple(intake.strangers),
            transient=self._transient.code if self._transient and missing else None,
        )
