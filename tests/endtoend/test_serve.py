"""``accordage serve``: deployments with their clock, and runs started as the schedule would.

One server for all; the hospital's archive runs in this process and is told to misbehave.
"""

from __future__ import annotations

import hashlib
import json
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx
import pytest
import yaml

from benchmarks.chaos import environment, wait_gone
from config.settings import load_settings
from pipelines.acquire.archive import Archive, Faults
from pipelines.demo.hospitals import World, make_hospitals
from pipelines.ports import free_port
from pipelines.workspace import open_workspace
from tests.support.identities import Searcher, search_files, text_forms

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

T = TypeVar("T")

PROJECT, SITE, CLOSED = "nightly", "chu-atlas", "chu-closed"
CRON, ZONE = "30 3 * * 1-5", "Europe/Paris"
HELD_BACK = "rochefontaine"
"""The study that reaches the archive between two nights."""
DEADLINE_S = 120.0
DEPLOYMENTS = {
    *(f"prostate-mpmri--chu-{name}" for name in ("atlas", "boreal", "cyan")),
    *(f"mammography-screening--chu-{name}" for name in ("atlas", "boreal", "cyan")),
    *(f"{PROJECT}--{SITE}", f"{PROJECT}--{CLOSED}"),
}
"""Shipped projects are served beside one's own."""
SOUND = Faults()
REFUSING_ONCE = Faults(refuse_associations=1)


def until(what: Callable[[], T | None], deadline_s: float = DEADLINE_S) -> T:
    """Ask until there is an answer; fail at the deadline."""
    end = time.monotonic() + deadline_s
    never = threading.Event()
    while time.monotonic() < end:
        answer = what()
        if answer is not None:
            return answer
        never.wait(0.3)
    pytest.fail("no answer before the deadline")


class Api:
    """Prefect's REST API, as any client sees it."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=30, trust_env=False)

    def close(self) -> None:
        self._client.close()

    def post(self, path: str, **body: Any) -> Any:
        """Post as Prefect's own client does: 503 says that its database was busy, ask again."""

        def answered() -> httpx.Response | None:
            answer = self._client.post(path, json=body)
            return None if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE else answer

        answer = until(answered)
        answer.raise_for_status()
        return answer.json()

    def healthy(self) -> bool | None:
        try:
            return self._client.get("/health").is_success or None
        except httpx.HTTPError:
            return None

    def deployments(self) -> dict[str, dict[str, Any]]:
        return {d["name"]: d for d in self.post("/deployments/filter")}

    def run(self, name: str) -> dict[str, Any]:
        """Start a deployment's flow run as its schedule would; return it at its end."""
        made = self.post(
            f"/deployments/{self.deployments()[name]['id']}/create_flow_run",
            idempotency_key=str(uuid4()),  # asked again, it is still one run
        )
        assert made["state"]["type"] == "SCHEDULED"

        def ended() -> dict[str, Any] | None:
            answer = self._client.get(f"/flow_runs/{made['id']}")
            if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
                return None
            run: dict[str, Any] = answer.raise_for_status().json()
            final = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
            return run if run["state_type"] in final else None

        return until(ended)

    def tasks(self, flow_run: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """Return a run's last task run of each task, by the task's name."""
        found = self.post(
            "/task_runs/filter",
            flow_runs={"id": {"any_": [flow_run["id"]]}},
            sort="EXPECTED_START_TIME_ASC",
        )
        return {t["task_key"].split("-")[0].rsplit(".", 1)[-1]: t for t in found}

    def tables(self, flow_run: dict[str, Any]) -> list[dict[str, Any]]:
        return list(self.post("/artifacts/filter", flow_runs={"id": {"any_": [flow_run["id"]]}}))


@dataclass
class Service:
    """A running ``accordage serve`` with its hospital."""

    home: Path
    api: Api
    world: World
    dicom_port: int
    log: Path

    def archive(self, *, without: str = "", faults: Faults = SOUND) -> Archive:
        """The hospital's archive, with or without the study of one person."""
        held_back = {
            e["study_uid"]
            for e in self.world.answer_key
            if e["patient"] == without and e["site"] == SITE
        }
        folder = {f.parent.parent: f for f in self.world.sites[SITE].files}
        hidden = {d for d, f in folder.items() if study_uid(f) in held_back}
        files = [f for f in self.world.sites[SITE].files if f.parent.parent not in hidden]
        missing = frozenset(self.world.sites[SITE].unavailable_study_uids)
        told = faults.model_copy(update={"unavailable_study_uids": missing})
        return Archive(files, "ATLAS", port=self.dicom_port, faults=told)

    def rows(self, zone: str, query: str) -> list[tuple[Any, ...]]:
        base = sqlite3.connect(self.home / zone / "catalogue.sqlite")
        try:
            return list(base.execute(query))
        finally:
            base.close()


def study_uid(path: Path) -> str:
    from pydicom import dcmread

    return str(dcmread(path, specific_tags=["StudyInstanceUID"]).StudyInstanceUID)


def write_configuration(home: Path, dicom_port: int) -> None:
    node = {
        "ae_title": "ATLAS",
        "host": "127.0.0.1",
        "port": dicom_port,
        "retries": 0,  # the network layer's own; what may be retried is left to the task
        "retry_wait_s": 0,
    }
    selection = {
        "modality": "MR",
        "study_description": "*PROST*",
        "study_date": "2015-01-01..2030-12-31",
    }
    project = {
        "name": PROJECT,
        "sites": [SITE, CLOSED],
        "select": selection,
        "policy": "research-longitudinal",
        "recipe": "native",
        "review": {"sample": 1},
        "delivery": {"expires": "2030-12-31"},
        "schedule": {"cron": CRON, "timezone": ZONE},
    }
    for folder, content in {
        f"sites/{SITE}": {"name": SITE, "patient_id_issuer": "IPP-ATLAS", "pacs": node},
        f"sites/{CLOSED}": {"name": CLOSED},
        f"projects/{PROJECT}": project,
    }.items():
        path = home / "config" / f"{folder}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(content), encoding="utf-8")
    (home / "settings.yaml").write_text("jobs: 1\n", encoding="utf-8")
    _fix_secrets(home)


def _fix_secrets(home: Path) -> None:
    """Put fixed keys in place: under a drawn one, a shifted date may equal somebody's real date."""
    with open_workspace(load_settings(home)) as ws:
        for name in (f"project-{PROJECT}", f"site-{SITE}", f"site-{CLOSED}", "signing"):
            ws.identified.secret(name, hashlib.sha256(b"serve test " + name.encode()).digest())
        hub = hashlib.sha256(f"serve test project-{PROJECT}".encode()).digest()
        ws.research.secret(f"project-{PROJECT}", hub)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("serve")
    home, log, dicom_port, port = folder / "home", folder / "serve.log", free_port(), free_port()
    world = make_hospitals(folder / "hospitals", scale="tiny")
    write_configuration(home, dicom_port)
    program = Path(sys.executable).with_name("accordage")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(program), "serve", "--home", str(home), "--port", str(port)],
            env=environment(home) | {"PREFECT_RUNNER_POLL_FREQUENCY": "1"},
            stdout=output,
            stderr=output,
        )
    api = Api(f"http://127.0.0.1:{port}/api")
    try:
        until(api.healthy)
        until(lambda: set(api.deployments()) == DEPLOYMENTS or None)
        yield Service(home, api, world, dicom_port, log)
    finally:
        api.close()
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=30)
        finally:
            process.kill()
            assert wait_gone(home) == [], "something outlived the service"


@pytest.fixture(scope="module")
def first_night(service: Service) -> dict[str, Any]:
    """The first run: the archive refuses the first association, and lacks one study."""
    with service.archive(without=HELD_BACK, faults=REFUSING_ONCE):
        return service.api.run(f"{PROJECT}--{SITE}")


@dataclass(frozen=True)
class SecondNight:
    run: dict[str, Any]
    delivered: int
    """Instances the archive gave away that night."""


@pytest.fixture(scope="module")
def second_night(service: Service, first_night: dict[str, Any]) -> SecondNight:
    """The next run: one study more in the archive."""
    with service.archive() as archive:
        run = service.api.run(f"{PROJECT}--{SITE}")
        sent = sum(r.results for r in archive.log if r.operation in {"C-GET", "C-MOVE"})
    return SecondNight(run, sent)


def table_of(service: Service, run: dict[str, Any]) -> dict[str, int]:
    (artifact,) = service.api.tables(run)
    assert artifact["type"] == "table"
    return {row["what"]: row["studies"] for row in json.loads(artifact["data"])}


def test_every_project_and_site_has_a_deployment_with_its_cron_and_zone(service: Service) -> None:
    found = service.api.deployments()
    assert set(found) == DEPLOYMENTS
    clocks = {
        name: [
            (s["schedule"]["cron"], s["schedule"]["timezone"], s["active"]) for s in d["schedules"]
        ]
        for name, d in found.items()
    }
    assert clocks[f"{PROJECT}--{SITE}"] == [(CRON, ZONE, True)]
    assert clocks["prostate-mpmri--chu-cyan"] == [("0 22 * * 1-5", ZONE, True)]
    assert clocks["mammography-screening--chu-atlas"] == [("0 1 * * 6", ZONE, True)]


def test_a_run_acquires_prepares_and_assembles(
    service: Service, first_night: dict[str, Any]
) -> None:
    """Siemens MR of chu-atlas without the one held back: three asked, one cannot be delivered."""
    assert first_night["state_type"] == "COMPLETED", first_night["state"]["message"]
    stages = ("resolve_site", "retrieve_batch", "deidentify_site", "harmonise_site")
    done = service.api.tasks(first_night)
    assert set(done) == {*stages, "assemble_project", "show_account"}


def test_what_may_be_retried_is_retried(service: Service, first_night: dict[str, Any]) -> None:
    """The archive rejected the first association: the task ran twice, then all went on."""
    resolve = service.api.tasks(first_night)["resolve_site"]
    assert resolve["run_count"] == 2
    assert resolve["state_type"] == "COMPLETED"


def test_the_run_leaves_a_table_of_its_studies(
    service: Service, first_night: dict[str, Any]
) -> None:
    assert table_of(service, first_night) == {
        "expected": 3,
        "received": 2,
        "refused": 1,
        "harmonised": 2,
        "refused: STUDY_NOT_DELIVERED": 1,
        "refused: MR_MISSING_SLICE": 1,
    }


def test_only_the_new_study_is_acquired_by_the_next_run(
    service: Service, second_night: SecondNight
) -> None:
    new = {
        e["study_uid"]
        for e in service.world.answer_key
        if e["patient"] == HELD_BACK and e["site"] == SITE
    }
    files = [f for f in service.world.sites[SITE].files if study_uid(f) in new]
    assert second_night.run["state_type"] == "COMPLETED", second_night.run["state"]["message"]
    assert second_night.delivered == len(files)
    outcomes = dict(service.rows("identified", "SELECT study_uid, outcome FROM request_row"))
    assert {outcomes[uid] for uid in new} == {"complete"}
    assert len(outcomes) == 4


def test_the_new_study_is_harmonised_and_can_be_read(
    service: Service, second_night: SecondNight
) -> None:
    assert table_of(service, second_night.run) == {
        "expected": 4,
        "received": 3,
        "refused": 1,
        "harmonised": 3,
        "refused: STUDY_NOT_DELIVERED": 1,
        "refused: MR_MISSING_SLICE": 1,
    }
    packs = service.rows("research", "SELECT sha256 FROM pack")
    assert packs
    for (digest,) in packs:
        assert (service.home / "research" / "packs" / digest / "pack.json").is_file()


def test_what_is_wrong_for_good_is_not_retried(service: Service) -> None:
    """A site without a PACS stays one: the run fails at once, with the code and nothing else."""
    run = service.api.run(f"{PROJECT}--{CLOSED}")
    assert run["state_type"] == "FAILED"
    assert "SITE_WITHOUT_PACS" in run["state"]["message"]
    assert service.api.tasks(run)["resolve_site"]["run_count"] == 1


def test_no_identity_is_in_prefects_database_or_the_logs(
    service: Service, second_night: SecondNight
) -> None:
    searcher = Searcher(text_forms(service.world.answer_key))
    folder = service.home / "prefect"
    files = sorted([*folder.glob("prefect.db*"), folder / "server.log"])
    assert b"nightly" in b"".join(p.read_bytes() for p in files)
    assert search_files(searcher, files, service.home) == {}
    assert searcher.find(service.log.read_bytes()) == set()
    research = [p for p in (service.home / "research").rglob("*") if p.is_file()]
    assert search_files(searcher, research, service.home) == {}


def test_the_server_plans_the_next_nights_at_the_time_of_the_zone(service: Service) -> None:
    """Half past three in Paris, whatever the clock of this machine, and never at a weekend."""
    wanted = service.api.deployments()[f"{PROJECT}--{SITE}"]["id"]

    def planned() -> list[datetime] | None:
        runs = service.api.post(
            "/flow_runs/filter",
            flow_runs={
                "deployment_id": {"any_": [wanted]},
                "state": {"type": {"any_": ["SCHEDULED"]}},
            },
        )
        return [datetime.fromisoformat(r["expected_start_time"]) for r in runs] or None

    for moment in until(planned):
        local = moment.astimezone(ZoneInfo(ZONE))
        assert (local.hour, local.minute) == (3, 30)
        assert local.weekday() < 5
