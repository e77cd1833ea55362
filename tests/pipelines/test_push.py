"""A scanner sends a study; without a command, its harmonised volumes are in the research zone."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from pydicom import dcmread
from sqlalchemy import select

from config.settings import Settings, load_settings
from config.site import Site
from pipelines.acquire.receive.listener import Listener
from pipelines.acquire.receive.push import settle
from pipelines.catalogue import identified as table
from pipelines.catalogue.receiving import PushedInstance
from pipelines.catalogue.research import SeriesResult, StudyRow
from pipelines.demo.hospitals import World
from pipelines.workspace import Workspace, open_workspace
from tests.support.installation import write_installation
from tests.support.orthanc import dcmtk

QUIET_S = 1.0
LIMIT_S = 30.0
"""From the last instance to the result (issue 5, line 7)."""


def write_push_site(settings: Settings, quiet_s: float) -> Site:
    write_installation(settings, 104)
    rule = {"calling_ae_title": "MR1", "called_ae_title": "NEURO", "project": "tiny"}
    values = {
        "name": "chu-atlas",
        "patient_id_issuer": "IPP-ATLAS",
        "listen": {"port": 0, "processes": 1, "rules": [rule | {"quiet_s": quiet_s}]},
    }
    (settings.config_root / "sites" / "chu-atlas.yaml").write_text(yaml.safe_dump(values))
    return Site.model_validate(values)


def one_study(world: World) -> list[Path]:
    """Return the files of one prostate study that nothing is wrong with."""
    faulty = {fault["study_uid"] for fault in world.faults.values()}
    studies: dict[str, list[Path]] = {}
    for path in world.sites["chu-atlas"].files:
        ds = dcmread(path, stop_before_pixels=True)
        if ds.Modality == "MR" and ds.StudyInstanceUID not in faulty:
            studies.setdefault(str(ds.StudyInstanceUID), []).append(path)
    return min(studies.items())[1]


def test_a_pushed_study_is_harmonised_in_the_research_zone_soon_after_its_last_instance(
    tiny_world: World, tmp_path: Path
) -> None:
    settings = load_settings(tmp_path / "home", {}).model_copy(update={"jobs": 1})
    site = write_push_site(settings, QUIET_S)
    told: list[tuple[str, str]] = []
    prepared = threading.Event()

    def note(what: str, whom: str) -> None:
        told.append((what, whom))
        if what in ("prepared", "failed"):
            prepared.set()

    files = one_study(tiny_world)
    with Listener(settings, site, note) as listener:
        port = str(listener.port)
        dcmtk("storescu", "-aet", "MR1", "-aec", "NEURO", "127.0.0.1", port, *files)
        last = time.monotonic()
        assert prepared.wait(120)
        waited_s = time.monotonic() - last
    assert told == [("prepared", "tiny")]
    assert waited_s <= LIMIT_S
    with open_workspace(settings) as ws:
        with ws.ledger.session() as session:
            row = session.scalars(select(table.RequestRow)).one()
            assert (row.outcome, row.code, row.expected) == ("complete", None, len(files))
        with ws.catalogue.session() as session:
            study = session.scalars(select(StudyRow)).one()
            volumes = session.scalars(select(SeriesResult)).all()
            assert study.outcome == "harmonised"
            assert {v.verdict for v in volumes} <= {"PASS", "REVIEW", "REJECT"}
            assert any(v.verdict != "REJECT" for v in volumes)
    assert [*(settings.research_root / "volumes" / "tiny").rglob("*.nii.gz")]


@pytest.fixture
def pushed(tmp_path: Path) -> Iterator[tuple[Workspace, Site]]:
    settings = load_settings(tmp_path / "home", {})
    site = write_push_site(settings, 60)
    with open_workspace(settings) as ws:
        yield ws, site


def arrive(ws: Workspace, number: int, at_s: float, **values: str) -> None:
    """Note an arrival as the receiver does, its object included."""
    facts = {
        "site": "chu-atlas",
        "sha256": f"{number:064x}",
        "study_uid": "1.2.3",
        "series_uid": "1.2.3.1",
        "sop_uid": f"1.2.3.1.{number}",
    }
    with ws.ledger.session() as session:
        session.add(
            PushedInstance(
                **facts,
                project="tiny",
                sop_class_uid="1.2.840.10008.5.1.4.1.1.4",
                patient_id=values.get("patient_id", "PID1"),
                accession_number="",
                study_date="20200101",
                quiet_s=60,
                arrived_at=at_s,
            )
        )
        session.add(
            table.ReceivedObject(**facts, transfer_syntax_uid="1.2", path=f"{number}", size=1)
        )


def the_row(ws: Workspace) -> tuple[str, str | None, int, int]:
    with ws.ledger.session() as session:
        row = session.scalars(select(table.RequestRow)).one()
        return row.outcome, row.code, row.expected, row.received


def test_a_study_waits_from_its_last_instance_and_not_from_its_first(
    pushed: tuple[Workspace, Site],
) -> None:
    ws, site = pushed
    arrive(ws, 1, 1000.0)
    arrive(ws, 2, 1050.0)
    assert settle(ws, site, 1070.0).next_in_s == pytest.approx(40)
    assert settle(ws, site, 1110.0).projects == ("tiny",)
    assert the_row(ws) == ("complete", None, 2, 2)
    assert settle(ws, site, 2000.0).projects == ()


def test_a_latecomer_opens_its_study_again(pushed: tuple[Workspace, Site]) -> None:
    ws, site = pushed
    arrive(ws, 1, 1000.0)
    settle(ws, site, 1060.0)
    arrive(ws, 2, 5000.0)
    assert settle(ws, site, 5059.0).projects == ()
    assert settle(ws, site, 5060.0).projects == ("tiny",)
    assert the_row(ws) == ("complete", None, 2, 2)


def test_a_study_of_two_patients_is_refused(pushed: tuple[Workspace, Site]) -> None:
    ws, site = pushed
    arrive(ws, 1, 1000.0)
    arrive(ws, 2, 1000.0, patient_id="PID2")
    settle(ws, site, 1060.0)
    assert the_row(ws) == ("refused", "STUDY_MIXES_PATIENTS", 2, 2)
