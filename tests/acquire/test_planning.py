"""The forecast, the report, the probe, and fetching within what was agreed."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml
from sqlalchemy import select
from typer.testing import CliRunner

import cli
from config.errors import ConfigurationError, TransientError
from config.loader import load_yaml
from config.settings import load_settings
from config.site import PacsNode, Site
from pipelines.acquire.archive import Archive, Faults
from pipelines.acquire.archive.synthetic import SyntheticStudy, entries_of
from pipelines.acquire.clock import SimulatedClock
from pipelines.acquire.gentle.hours import night_start
from pipelines.acquire.pacs import echo
from pipelines.acquire.planning.forecast import forecast
from pipelines.acquire.planning.pacs_report import nights_of, pacs_report
from pipelines.acquire.planning.probe import probe, proposed_site
from pipelines.acquire.resolve import resolve
from pipelines.acquire.retrieve import retrieve
from pipelines.catalogue import identified as table
from pipelines.catalogue.receiving import QuarantinedObject
from pipelines.workspace import Workspace, open_workspace

EVENING = datetime(2026, 3, 3, 21, 0, tzinfo=ZoneInfo("Europe/Paris")).timestamp()
NIGHTS = {"week": {day: ["20:00-06:00"] for day in ("mon", "tue", "wed", "thu", "fri")}}
STUDIES = [
    SyntheticStudy(f"2.25.60{n}", f"P{n}", f"A{n}", f"202601{10 + n}", instances=2, side_px=64)
    for n in range(6)
]
IMAGE_BYTES = 64 * 64 * 2


class Place:
    """One archive and an installation that asks it, on a simulated clock."""

    def __init__(
        self, folder: Path, stack: ExitStack, faults: Faults | None = None, **pacs: object
    ) -> None:
        self.clock = SimulatedClock(EVENING)
        entries = [e for study in STUDIES for e in entries_of(study)]
        self.archive = stack.enter_context(
            Archive([], "PLAN", faults=faults, entries=entries, clock=self.clock)
        )
        node = {"ae_title": "PLAN", "host": "127.0.0.1", "port": self.archive.port,
                "methods": ["c-get"], "retries": 0, **pacs}  # fmt: skip
        project = {
            "name": "p", "sites": ["s"], "policy": "research-longitudinal", "recipe": "native",
            "select": {"modality": "CT", "study_date": "2020-01-01..2026-12-31"},
            "delivery": {"expires": "2030-12-31"},
        }  # fmt: skip
        self.home = folder / "home"
        for name, content in {
            "sites/s": {"name": "s", "pacs": node},
            "projects/p": project,
        }.items():
            path = self.home / "config" / f"{name}.yaml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(yaml.safe_dump(content), encoding="utf-8")
        self.ws: Workspace = stack.enter_context(open_workspace(load_settings(self.home, {})))
        self.project, self.site = self.ws.project("p"), self.ws.site("s")

    def resolve(self, *, sample: bool = False) -> None:
        resolve(self.ws, self.project, self.site, sample=sample, clock=self.clock)

    def retrieve(self, *, stay: bool = False) -> dict[str, int]:
        options = {"stay": stay, "clock": self.clock}
        return retrieve(self.ws, self.project, self.site, **options).waiting  # type: ignore[arg-type]

    def outcomes(self) -> list[str]:
        with self.ws.ledger.session() as session:
            return sorted(session.scalars(select(table.RequestRow.outcome)))

    def gets(self) -> int:
        return sum(one.operation == "C-GET" for one in self.archive.log)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Callable[..., Place]]:
    with ExitStack() as stack:
        yield lambda faults=None, **pacs: Place(tmp_path, stack, faults, **pacs)


def test_a_forecast_moves_no_image_and_lists_a_sample_only(
    place: Callable[..., Place], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.acquire.resolve.SAMPLE", 2)
    here = place(budget={"studies_per_night": 2}, calendar=NIGHTS)
    here.resolve(sample=True)
    said = forecast(here.ws, here.project, here.site, clock=here.clock)
    assert here.gets() == 0
    assert (said.studies, said.instances, said.waiting_studies) == (6, 12, 6)
    assert said.nights == 3, "six studies, two a night"
    assert sum(one.level == "IMAGE" for one in here.archive.log) == 2
    # Two by their dimensions with 4,096 bytes of header an image, four as large as these.
    assert said.bytes == 6 * 2 * (IMAGE_BYTES + 4096)
    assert not said.rate_is_known


def test_what_was_forecast_comes_within_ten_per_cent_once_some_has_come(
    place: Callable[..., Place], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.acquire.planning.sizes.LEAST_HISTORY", 2)
    here = place()
    here.resolve()
    here.retrieve()
    said = forecast(here.ws, here.project, here.site, clock=here.clock)
    with here.ws.ledger.session() as session:
        came = sum(session.scalars(select(table.ReceivedObject.size)))
    assert said.bytes == pytest.approx(came, rel=0.1)
    assert (said.waiting_studies, said.nights) == (0, 0)


def test_a_run_by_day_waits_and_says_how_many_studies_do(place: Callable[..., Place]) -> None:
    here = place(calendar=NIGHTS)
    here.clock.wait(12 * 3600)  # Wednesday, nine in the morning
    here.resolve()
    assert here.retrieve() == {"PACS_CLOSED": 6}
    assert here.gets() == 0


def test_a_run_that_stays_waits_for_the_hours_and_the_next_budget(
    place: Callable[..., Place],
) -> None:
    here = place(calendar=NIGHTS, budget={"studies_per_night": 2})
    here.resolve()
    assert here.retrieve(stay=True) == {}
    assert here.outcomes() == ["complete"] * 6
    nights, _ = nights_of(here.ws.ledger, here.site)
    assert [(str(n.day), n.studies) for n in nights] == [
        ("2026-03-03", 2), ("2026-03-04", 2), ("2026-03-05", 2)
    ]  # fmt: skip
    page = pacs_report(here.ws.ledger, here.site, here.clock.now())
    assert "begun outside the hours: 0" in page
    assert "2 studies of 2 agreed, kept" in page
    assert "P1" not in page, "no patient"


def test_a_study_over_a_whole_nights_budget_is_refused_with_that_reason(
    place: Callable[..., Place],
) -> None:
    here = place(budget={"gb_per_night": 2 * IMAGE_BYTES / 1e9})
    here.resolve()
    assert here.retrieve() == {}
    with here.ws.ledger.session() as session:
        codes = set(session.scalars(select(table.RequestRow.code)))
    assert codes == {"STUDY_OVER_BUDGET"}
    assert here.gets() == 0


def test_the_meter_keeps_the_budget_when_the_estimate_was_wrong(
    place: Callable[..., Place], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Studies of 2 images of some 8.6 KB that are taken to weigh nothing; 60 KB a night."""
    monkeypatch.setattr("pipelines.acquire.retrieve.Sizes.of", lambda *_: 0)
    here = place(calendar=NIGHTS, budget={"gb_per_night": 60e3 / 1e9})
    here.resolve()
    assert here.retrieve(stay=True) == {}
    assert here.outcomes() == ["complete"] * 6
    nights: dict[float, int] = {}
    for one in here.archive.log:
        start = night_start(here.site.pacs.calendar, one.at)  # type: ignore[union-attr]
        sent = one.sent_bytes if one.operation == "C-GET" else 0
        nights[start] = nights.get(start, 0) + sent
    assert max(nights.values()) <= 60e3
    assert len(nights) > 1


def test_an_outage_opens_the_breaker_and_a_run_that_stays_outlives_it(
    place: Callable[..., Place],
) -> None:
    here = place(Faults(down_from_s=30, down_for_s=3600))
    here.resolve()
    here.clock.wait(60)
    assert here.retrieve(stay=True) == {}
    assert here.outcomes() == ["complete"] * 6
    with here.ws.ledger.session() as session:
        breaks = session.scalars(select(table.PacsEvent).where(table.PacsEvent.kind == "breaker"))
        assert 3 <= len(breaks.all()) <= 5, "an hour in pauses of a quarter"


def test_a_run_that_does_not_stay_says_that_the_pacs_is_gone(place: Callable[..., Place]) -> None:
    here = place(Faults(down_from_s=30, down_for_s=3600))
    here.resolve()
    here.clock.wait(60)
    for _ in range(3):
        with pytest.raises(TransientError, match="PACS_REFUSED"):
            here.retrieve()
    assert here.retrieve() == {"PACS_BREAKER_OPEN": 6}
    with pytest.raises(TransientError, match="PACS_BREAKER_OPEN"):
        here.resolve()


def test_a_pacs_that_slows_down_is_given_rest(place: Callable[..., Place], monkeypatch) -> None:
    monkeypatch.setattr("pipelines.acquire.gentle.pace._FIRST", 2)
    here = place(Faults(latency_s=1.0, slow_after_n=2, slow_factor=10.0))
    here.resolve()
    here.retrieve()
    with here.ws.ledger.session() as session:
        slow = session.scalars(select(table.PacsEvent).where(table.PacsEvent.kind == "slow")).all()
        assert slow
        assert all(event.seconds > 0 for event in slow)


def test_a_fresh_study_is_looked_at_again_once_it_is_a_day_old(place: Callable[..., Place]) -> None:
    late = STUDIES[0].sop_uid(2)
    here = place(Faults(late_instances=frozenset({late}), count_error=0), limits={"fresh_h": 2400})
    here.resolve()
    here.retrieve()
    assert here.outcomes() == ["complete"] * 6
    listings = sum(one.level == "IMAGE" for one in here.archive.log)
    here.clock.wait(100 * 86400)
    here.resolve()
    assert sum(one.level == "IMAGE" for one in here.archive.log) > listings
    here.retrieve()
    with here.ws.ledger.session() as session:
        row = session.scalars(
            select(table.RequestRow).where(table.RequestRow.study_uid == STUDIES[0].study_uid)
        ).one()
        assert (row.outcome, row.expected, row.received) == ("complete", 2, 2)


def test_an_offline_study_is_not_asked_for(place: Callable[..., Place]) -> None:
    here = place(Faults(offline_study_uids=frozenset({STUDIES[0].study_uid})))
    here.resolve()
    here.retrieve()
    assert here.outcomes() == ["complete"] * 5 + ["offline"]
    assert here.gets() == 5


def test_what_nothing_explains_lies_in_quarantine_as_it_came(place: Callable[..., Place]) -> None:
    foreign = STUDIES[0].sop_uid(1)
    here = place(Faults(foreign_instances=frozenset({foreign})))
    here.resolve()
    here.retrieve()
    with here.ws.ledger.session() as session:
        (kept,) = session.scalars(select(QuarantinedObject)).all()
        assert (kept.sop_uid, kept.code) == (foreign, "INSTANCE_OF_ANOTHER")
        assert here.ws.identified.absolute(kept.path).stat().st_size == kept.size
        assert foreign not in set(session.scalars(select(table.ReceivedObject.sop_uid)))


def test_the_probe_finds_what_the_pacs_can_do_and_proposes_its_file(
    place: Callable[..., Place], tmp_path: Path
) -> None:
    here = place(Faults(count_error=1, ignored_keys=frozenset({"ModalitiesInStudy"})))
    found = probe(here.site, clock=here.clock, today=date(2026, 3, 3))
    assert found.services == [
        "C-FIND patient root", "C-FIND study root", "C-MOVE patient root", "C-MOVE study root",
        "C-GET patient root", "C-GET study root",
    ]  # fmt: skip
    assert found.levels == ["STUDY", "SERIES", "IMAGE"]
    assert "counts 3 instances and lists 2" in found.quirks
    assert "ignores ModalitiesInStudy in queries" in found.quirks
    assert "Rows, Columns" in found.tells
    assert {(s.method, s.instances) for s in found.speeds} == {("c-get", 2), ("c-move", 0)}
    assert found.methods == ["c-get"], "the archive does not know us as a destination"
    path = tmp_path / "proposed.yaml"
    path.write_text(proposed_site(here.site, found), encoding="utf-8")
    assert load_yaml(path, Site).pacs.methods == ("c-get",)  # type: ignore[union-attr]


def test_the_probe_finds_a_cap_and_a_missing_c_get(
    place: Callable[..., Place], monkeypatch
) -> None:
    monkeypatch.setattr("pipelines.acquire.pacs.windows.LEAST_CAP", 3)
    here = place(Faults(max_answers=4, reject_c_get=True))
    found = probe(here.site, clock=here.clock, today=date(2026, 3, 3))
    assert found.answers_per_query == 4
    assert "C-GET study root" not in found.services
    assert "answers_per_query: 4" in proposed_site(here.site, found)


@pytest.fixture
def tls_port(tmp_path: Path) -> Iterator[int]:
    """A port that speaks TLS, and hangs up on whatever is no greeting."""
    from datetime import timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "pacs")])
    day = datetime(2026, 1, 1, tzinfo=ZoneInfo("UTC"))
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(day).not_valid_after(day + timedelta(days=9000))
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = tmp_path / "pacs.pem"
    pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                raw, _ = listener.accept()
            except OSError:
                return
            try:
                context.wrap_socket(raw, server_side=True).close()
            except OSError:
                raw.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield int(listener.getsockname()[1])
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(5)


def test_a_port_that_speaks_tls_called_in_plain_is_one_clear_line(tls_port: int) -> None:
    node = PacsNode(ae_title="X", host="127.0.0.1", port=tls_port, connect_timeout_s=2)
    with pytest.raises(ConfigurationError, match="PACS_SPEAKS_TLS"):
        echo(node)


def test_the_commands_print_forecast_report_probe_and_receipt(
    place: Callable[..., Place], tmp_path: Path
) -> None:
    here = place()
    runner, home = CliRunner(), ["--home", str(here.home)]
    listed = tmp_path / "list.csv"
    listed.write_text("accession\nA1\nA2\nNONE\n", encoding="utf-8")
    said = runner.invoke(
        cli.app, ["acquire", "p", "--forecast", "--list", str(listed), "--json", *home]
    )
    assert said.exit_code == 0, said.output
    (one,) = json.loads(said.stdout)
    assert (one["lines"], one["studies"]) == ({"found": 2, "not_found": 1}, 2)
    assert here.gets() == 0
    shown = runner.invoke(cli.app, ["acquire", "p", "--forecast", "--list", str(listed), *home])
    assert "ASKED_NOT_FOUND" in shown.output
    receipt = tmp_path / "receipt.csv"
    counted = runner.invoke(cli.app, ["lists", "show", "p", "--out", str(receipt), "--json", *home])
    assert json.loads(counted.stdout) == {"found FOUND": 2, "not_found ASKED_NOT_FOUND": 1}
    assert receipt.stat().st_mode & 0o777 == 0o600
    page = runner.invoke(cli.app, ["pacs", "report", "s", *home])
    assert "What was taken from s" in page.output
    probed = runner.invoke(cli.app, ["pacs", "probe", "s", "--json", *home])
    assert json.loads(probed.stdout)["methods"] == ["c-get"]
    none = runner.invoke(cli.app, ["lists", "accept", "p", "--by", "X", *home])
    assert none.exit_code == 2
    waiting = tmp_path / "proposals.csv"
    runner.invoke(cli.app, ["lists", "proposals", "p", "--out", str(waiting), *home])
    assert waiting.read_text(encoding="utf-8").startswith("site,line,given,proposal,evidence")
    assert (
        runner.invoke(cli.app, ["lists", "accept", "p", "--by", "X", "--all", *home]).exit_code == 0
    )
