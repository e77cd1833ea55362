"""Each misbehaviour of an archive ends in the right report, by both methods."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from config.codes import explain_code
from config.errors import EnvironmentFault, TransientError
from config.site import PacsNode
from pipelines.acquire import pacs
from pipelines.acquire.archive import Archive, Faults
from pipelines.acquire.pacs import (
    ExpectedInstance,
    ReceivedObject,
    RetrieveReport,
    StoreReceiver,
    find_instances,
    find_studies,
    retrieve_study,
)

STUDY = "2.25.4242.1"
NodeOf = Callable[..., PacsNode]
METHODS = ("c-get", "c-move")


class Case:
    """One archive with faults, one retrieval of study 1."""

    def __init__(self, archive: Archive, node: PacsNode, receiver: StoreReceiver) -> None:
        self.archive = archive
        self.node = node
        self.receiver = receiver
        self.waits: list[float] = []
        self.kept: list[ReceivedObject] = []

    def expected(self) -> list[ExpectedInstance]:
        return find_instances(self.node, STUDY, wait=self.waits.append)

    def run(
        self, expected: list[ExpectedInstance] | None = None, **options: bool
    ) -> RetrieveReport:
        return retrieve_study(
            self.node,
            STUDY,
            self.expected() if expected is None else expected,
            self.kept.append,
            receiver=self.receiver,
            wait=self.waits.append,
            grace_s=0.05,
            **options,
        )

    def asked(self) -> list[tuple[str, str, int]]:
        return [
            (one.operation, one.level, one.results)
            for one in self.archive.log
            if one.operation in ("C-GET", "C-MOVE")
        ]


@pytest.fixture
def case(
    files: list[Path],
    node_of: NodeOf,
    receiver: StoreReceiver,
    destinations: dict[str, tuple[str, int]],
    request: pytest.FixtureRequest,
) -> Callable[..., Case]:
    def make(faults: Faults, **values: object) -> Case:
        opened = Archive(files, "HOSPITAL", faults=faults, destinations=destinations)
        opened.__enter__()
        request.addfinalizer(lambda: opened.__exit__(None, None, None))
        node = node_of(opened, **({"retry_wait_s": 1.0, "dimse_timeout_s": 20} | values))
        return Case(opened, node, receiver)

    return make


def uids(*numbers: tuple[int, int]) -> tuple[str, ...]:
    return tuple(f"{STUDY}.{series}.{number}" for series, number in numbers)


ALL = uids((1, 1), (1, 2), (1, 3), (2, 1), (2, 2))


@pytest.mark.parametrize("method", METHODS)
def test_without_faults_one_request_brings_the_study(
    case: Callable[..., Case], method: str
) -> None:
    whole = case(Faults(), methods=(method,))
    assert whole.run() == RetrieveReport(ALL, (), (), method, 1, (0,), None)
    assert whole.asked() == [(method.upper(), "STUDY", 5)]
    assert sorted(one.sop_uid for one in whole.kept) == list(ALL)


@pytest.mark.parametrize("method", METHODS)
def test_a_study_that_is_listed_but_offline_is_not_delivered(
    case: Callable[..., Case], method: str
) -> None:
    offline = case(Faults(unavailable_study_uids=frozenset({STUDY})), methods=(method,))
    report = offline.run()
    assert (report.received, report.missing, report.code) == ((), ALL, "STUDY_NOT_DELIVERED")
    assert report.statuses[0] == 0xC000
    assert report.transient is None
    assert "PACS_CANNOT_PROCESS" in report.flags
    assert offline.kept == []
    assert offline.waits == [], "waiting does not bring an offline study back"


def test_an_offline_study_is_tried_by_every_method_and_other_studies_still_come(
    case: Callable[..., Case],
) -> None:
    offline = case(Faults(unavailable_study_uids=frozenset({STUDY})))
    assert offline.run().code == "STUDY_NOT_DELIVERED"
    assert {operation for operation, _, _ in offline.asked()} == {"C-GET", "C-MOVE"}
    other = find_instances(offline.node, "2.25.4242.3")
    report = retrieve_study(offline.node, "2.25.4242.3", other, offline.kept.append)
    assert (report.code, len(offline.kept)) == (None, 1)


@pytest.mark.parametrize("method", METHODS)
def test_success_without_instances_is_not_believed(case: Callable[..., Case], method: str) -> None:
    silent = case(Faults(zero_suboperations=True), methods=(method,))
    report = silent.run()
    assert (report.code, report.missing) == ("STUDY_NOT_DELIVERED", ALL)
    assert set(report.statuses) == {0x0000}
    assert report.flags == ("PACS_SILENT_SUCCESS",)
    assert report.attempts == 3, "the study, then twice what is missing"


@pytest.mark.parametrize("method", METHODS)
def test_instances_dropped_by_the_archive_are_asked_for_twice_and_named(
    case: Callable[..., Case], method: str
) -> None:
    lost = uids((1, 2), (2, 1))
    dropping = case(Faults(drop_instances=frozenset(lost)), methods=(method,))
    report = dropping.run()
    assert report.missing == lost
    assert report.received == uids((1, 1), (1, 3), (2, 2))
    assert (report.code, report.attempts) == ("STUDY_PARTIAL", 3)
    assert set(report.statuses) == {0x0000}, "the archive claims success throughout"
    operation = method.upper()
    again = [(operation, "IMAGE", 0)] * 4  # two series, two rounds
    assert dropping.asked() == [(operation, "STUDY", 3), *again]


def test_instances_one_method_drops_are_asked_of_the_next_by_uid(case: Callable[..., Case]) -> None:
    dropping = case(Faults(drop_instances=frozenset(ALL[:1])))
    report = dropping.run()
    assert (report.missing, report.method, report.attempts) == (ALL[:1], "c-get", 6)
    assert [level for operation, level, _ in dropping.asked() if operation == "C-MOVE"] == [
        "IMAGE"
    ] * 3


@pytest.mark.parametrize("method", METHODS)
def test_an_association_aborted_half_way_goes_on_with_what_is_missing(
    case: Callable[..., Case], method: str
) -> None:
    broken = case(Faults(abort_after_n=2), methods=(method,), retries=2)
    report = broken.run()
    # 2 instances an association at most. The rest is asked for by series: 1 of series 1 and then
    # 1 of series 2, and the last one of series 2.
    assert report.code is None
    assert report.received == ALL
    assert "PACS_ABORTED" in report.flags
    assert len(broken.kept) == 5, "nothing is fetched twice"


@pytest.mark.parametrize("method", METHODS)
def test_an_archive_that_aborts_at_once_is_tried_with_back_off_and_given_up(
    case: Callable[..., Case], method: str
) -> None:
    broken = case(Faults(abort_after_n=0), methods=(method,), retries=3)
    with pytest.raises(TransientError, match=r"^PACS_ABORTED$"):
        broken.run()
    assert broken.waits == [1.0, 2.0, 4.0]
    assert len(broken.asked()) == 4


@pytest.mark.parametrize("method", METHODS)
def test_an_archive_that_gives_up_half_way_leaves_a_partial_report_worth_retrying(
    case: Callable[..., Case], method: str
) -> None:
    broken = case(Faults(abort_after_n=1), methods=(method,), retries=1)
    report = broken.run()
    assert len(report.received) == 2
    assert (report.code, report.transient) == ("STUDY_PARTIAL", "PACS_ABORTED")


@pytest.mark.parametrize("method", METHODS)
def test_an_archive_that_falls_silent_does_not_hang_us(
    case: Callable[..., Case], method: str
) -> None:
    silent = case(Faults(stall_after_n=1), methods=(method,), retries=0, dimse_timeout_s=0.8)
    report = silent.run()
    assert len(report.received) == 1
    assert (report.code, report.transient) == ("STUDY_PARTIAL", "PACS_TIMEOUT")


@pytest.mark.parametrize("method", METHODS)
def test_out_of_resources_waits_and_then_succeeds(case: Callable[..., Case], method: str) -> None:
    busy = case(Faults(out_of_resources=2), methods=(method,), retries=2)
    report = busy.run()
    assert (report.code, report.transient, report.attempts) == (None, None, 3)
    assert report.statuses == (0xA702, 0xA702, 0x0000)
    assert report.flags == ("PACS_OUT_OF_RESOURCES",)
    assert busy.waits == [1.0, 2.0]


def test_out_of_resources_for_good_is_transient(case: Callable[..., Case]) -> None:
    busy = case(Faults(out_of_resources=9), methods=("c-get",), retries=1)
    with pytest.raises(TransientError, match=r"^PACS_OUT_OF_RESOURCES"):
        busy.run()


def test_refused_associations_are_tried_again(case: Callable[..., Case]) -> None:
    refusing = case(Faults(refuse_associations=2), retries=2)
    assert len(refusing.expected()) == 5
    assert refusing.waits == [1.0, 2.0]


def test_associations_refused_for_good_are_transient(
    case: Callable[..., Case], select: Callable[..., object]
) -> None:
    refusing = case(Faults(refuse_associations=99), retries=1)
    with pytest.raises(TransientError, match=r"^PACS_REFUSED"):
        find_studies(refusing.node, select(), wait=refusing.waits.append)
    with pytest.raises(TransientError, match=r"^PACS_REFUSED"):
        refusing.run(expected=[ExpectedInstance("1.2", "1.2.3", "1.2.840.10008.5.1.4.1.1.4")])
    assert refusing.waits == [1.0, 1.0], "a method that cannot connect is not followed by the next"


def test_without_c_get_the_study_comes_by_c_move(case: Callable[..., Case]) -> None:
    moving = case(Faults(reject_c_get=True))
    report = moving.run()
    assert (report.code, report.method) == (None, "c-move")
    assert report.received == ALL
    assert report.flags == ("PACS_UNSUPPORTED",)


def test_without_a_common_method_the_study_is_not_delivered(case: Callable[..., Case]) -> None:
    nothing = case(Faults(reject_c_get=True), methods=("c-get",))
    report = nothing.run()
    assert (report.code, report.flags) == ("STUDY_NOT_DELIVERED", ("PACS_UNSUPPORTED",))


def test_an_unknown_destination_ends_c_move_and_c_get_takes_over(
    files: list[Path], node_of: NodeOf, receiver: StoreReceiver
) -> None:
    with Archive(files, "HOSPITAL") as archive:
        node = node_of(archive, methods=("c-move", "c-get"))
        one = Case(archive, node, receiver)
        report = one.run()
    assert (report.code, report.method, report.statuses) == (None, "c-get", (0xA801, 0x0000))
    assert report.flags == ("PACS_MOVE_DESTINATION_UNKNOWN",)


@pytest.mark.parametrize("method", METHODS)
def test_what_was_not_expected_is_counted_and_never_handed_on(
    case: Callable[..., Case], method: str
) -> None:
    grown = case(Faults(), methods=(method,))
    report = grown.run(expected=grown.expected()[:3])
    assert (report.received, report.unexpected) == (ALL[:3], ALL[3:])
    assert (report.code, report.flags) == (None, ("PACS_SENT_UNEXPECTED",))
    assert sorted(one.sop_uid for one in grown.kept) == list(ALL[:3])


@pytest.mark.parametrize("method", METHODS)
def test_part_of_a_study_is_asked_for_by_uid(case: Callable[..., Case], method: str) -> None:
    part = case(Faults(), methods=(method,))
    report = part.run(expected=part.expected()[2:4], whole=False)
    assert (report.received, report.unexpected) == (ALL[2:4], ())
    assert part.asked() == [(method.upper(), "IMAGE", 1)] * 2


@pytest.mark.parametrize("method", METHODS)
def test_a_full_disk_is_told_to_the_archive_and_raised(
    case: Callable[..., Case], method: str
) -> None:
    full = case(Faults(), methods=(method,))
    kept: list[str] = []

    def sink(received: ReceivedObject) -> None:
        if kept:
            raise EnvironmentFault("DISK_FULL")
        kept.append(received.sop_uid)

    with pytest.raises(EnvironmentFault, match=r"^DISK_FULL$"):
        retrieve_study(full.node, STUDY, full.expected(), sink, receiver=full.receiver)
    assert len(kept) == 1


def test_latency_slows_each_answer_down_and_loses_nothing(case: Callable[..., Case]) -> None:
    assert case(Faults(latency_s=0.001)).run().code is None


def test_nothing_to_do_is_a_report_too() -> None:
    report = RetrieveReport.nothing_to_do()
    assert (report.complete, report.attempts, report.code) == (True, 0, None)


def test_every_code_raised_in_this_room_is_explained_in_both_languages() -> None:
    """Codes are found in the sources, so a new one without its row fails here."""
    room = Path(pacs.__file__).parents[1]
    sources = [path.read_text("utf-8") for path in room.rglob("*.py")]
    sources += [path.read_text("utf-8") for path in room.rglob("statuses.yaml")]
    named = set(
        re.findall(
            r"\b(?:PACS|STUDY|SITE|PORT|ARCHIVE|OBJECT|ASKED|INSTANCE|LIST)_[A-Z_]+\b",
            "".join(sources),
        )
    )
    assert len(named) >= 18
    for name in named:
        row = explain_code(name)
        assert all((row.en, row.fr, row.next_en, row.next_fr)), name
