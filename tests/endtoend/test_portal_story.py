"""The whole story in a browser: from a request to a second version without a patient."""

from __future__ import annotations

import os
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from playwright.sync_api import Browser, Page, expect

from config.settings import Settings, load_settings
from pipelines.access.people import People, Person
from pipelines.acquire.archive import Archive
from pipelines.catalogue.database import open_research
from pipelines.catalogue.research import StudyRow
from pipelines.cohort.assemble import assemble
from pipelines.cohort.release import release
from pipelines.cohort.review import review_items
from pipelines.cohort.verify import verify
from pipelines.demo.hospitals import make_hospitals
from pipelines.progress import Silent
from pipelines.stages import acquire, prepare
from pipelines.withdraw.withdraw import withdraw
from pipelines.workspace import open_workspace
from portal.blinding import Blinding, Shown
from tests.support.chromium import Seat, Served, chromium, seat, serve
from tests.support.installation import write_installation
from tests.support.twin import no_twin

PICTURES = os.environ.get("ACCORDAGE_PICTURES")
"""Folder for the pictures of docs/, when they are taken anew."""

KEY = b"the key of this story, 32 bytes."
READERS = ("d.one", "d.two")
PEOPLE = (
    Person("a.officer", "A. Officer", ("officer",)),
    Person("e.engineer", "E. Engineer", ("engineer",)),
    Person("r.team", "R. Team", ("requester",)),
    *(Person(name, f"Dr {name}", ("radiologist",), ("tiny",)) for name in READERS),
    Person("s.senior", "Dr S. Senior", ("radiologist",), ("tiny",), senior=True),
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(tmp_path / "home", {}).model_copy(update={"jobs": 1})


@pytest.fixture
def archive(settings: Settings, tmp_path: Path) -> Iterator[Archive]:
    """A tiny hospital, and a project of which two people read what they must."""
    world = make_hospitals(tmp_path / "world", scale="tiny")
    with Archive(world.sites["chu-atlas"].files, "ATLAS") as opened:
        write_installation(settings, opened.port)
        path = settings.config_root / "projects" / "tiny.yaml"
        facts = yaml.safe_load(path.read_text(encoding="utf-8"))
        facts["recipe"] = "native"
        facts["review"] = {"sample": 1, "max_reject_rate": 0.9, "readers": 2}
        path.write_text(yaml.safe_dump(facts), encoding="utf-8")
        catalogue = open_research(settings)
        people = People(catalogue, cost=(4, 1, 1))
        for person in PEOPLE:
            people.accept(people.invite(person, "story"), "correct horse battery")
        catalogue.close()
        yield opened


def picture(page: Page, name: str) -> None:
    if PICTURES:
        page.wait_for_load_state("networkidle")
        page.screenshot(path=Path(PICTURES) / f"{name}.png")


def fill_in_request(team: Seat) -> None:
    team.go("/requests/new")
    page = team.page
    for field, value in {
        "name": "tiny-t2",
        "title": "Prostate MRI of one hospital",
        "purpose": "To train and to test a detector of lesions.",
        "lead": "Dr Martin",
        "ethics_reference": "CER-2026-17",
        "ethics_until": "2098-12-31",
        "destination": "project space 4",
        "retention_until": "2098-06-30",
    }.items():
        page.fill(f'[name="{field}"]', value)
    page.select_option('[name="collection"]', "tiny")
    page.click("text=Keep as a draft")
    page.click('button[value="submit"]')


def step(who: Seat, name: str) -> None:
    who.go("/requests/tiny-t2")
    who.page.click(f'button[value="{name}"]')


def read_by_keyboard(page: Page, verdict: str, reason: str = "") -> None:
    """Answer everything that is asked of a pair, and save."""
    page.locator('#panes[aria-busy="false"]').wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("1")
    chosen = {"confidence": "2", "only_on": "no", "verdict": verdict, "guessed": "right"}
    for name, value in chosen.items():
        page.focus(f'input[name="{name}"][value="{value}"]')
        page.keyboard.press(" ")
    if reason:
        page.focus(f'input[name="reasons"][value="{reason}"]')
        page.keyboard.press(" ")
    with page.expect_navigation():
        page.keyboard.press("Control+Enter")


def read_all(who: Seat, rejected: str = "") -> int:
    """Read everything that waits, one token with another verdict; return how many."""
    who.go("/")
    who.page.click("text=/^Read/")
    who.page.click("table a.button >> nth=0")
    count = 0
    while who.page.locator("#verdict").count():
        if rejected and f"/{rejected}" in who.page.url:
            picture(who.page, "portal")
            read_by_keyboard(who.page, "reject", "banding")
        else:
            read_by_keyboard(who.page, "accept")
        count += 1
    return count


def test_from_a_request_to_a_second_version_without_a_patient(
    browser: Browser,
    settings: Settings,
    archive: Archive,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pipelines.cohort.release.prove", no_twin)
    with serve(settings, KEY) as served:
        seats = {person.name: seat(browser, served, person.name) for person in PEOPLE}
        _walk(served, seats, tmp_path)
        for taken in seats.values():
            assert taken.elsewhere == []
            assert not [said for said in taken.complaints if "Security Policy" in said]
            taken.context.close()


def _walk(served: Served, seats: dict[str, Seat], tmp_path: Path) -> None:
    settings = served.settings
    officer, team = seats["a.officer"], seats["r.team"]
    fill_in_request(team)
    expect(team.page.locator(".count")).to_contain_text("fewer than 10")
    picture(team.page, "request")
    assert team.page.locator('button[value="approve"]').count() == 0
    step(officer, "count")
    step(officer, "approve")
    expect(officer.page.locator("h1")).to_contain_text("approved")
    step(seats["e.engineer"], "prepare")
    with open_workspace(settings) as ws:
        project = ws.project("tiny")
        acquire(ws, project, ws.site("chu-atlas"))
        prepare(ws, project)
        assemble(ws, project)
    step(seats["e.engineer"], "review")

    catalogue = open_research(settings)
    digests = [item.sha256 for item in review_items(catalogue, "tiny")]
    catalogue.close()
    disputed = Blinding(KEY).token(Shown("tiny", "d.two", digests[0]))
    # An identical pair, a repeat and a spoilt one are among what each is shown.
    assert read_all(seats["d.one"]) == len(digests) + 3
    assert read_all(seats["d.two"], rejected=disputed) == len(digests) + 3
    officer.go("/projects/tiny")
    expect(officer.page.locator("main")).to_contain_text("GATE_DISPUTED: 1 of")
    assert officer.page.locator("button:disabled").count() == 1
    senior = seats["s.senior"]
    senior.go("/review/tiny")
    senior.page.click("table a.button >> nth=0")
    expect(senior.page.locator("main")).to_contain_text("Your verdict ends it.")
    read_by_keyboard(senior.page, "accept")

    officer.go("/projects/tiny")
    picture(officer.page, "gate")
    officer.page.click("text=Release the next version")
    officer.page.wait_for_url("**/releases/tiny/1")
    officer.go("/projects/tiny/agreement")
    expect(officer.page.locator("table >> nth=1")).to_contain_text(
        f"({len(digests) - 1}/{len(digests)};"
    )
    picture(officer.page, "agreement")
    step(officer, "release")
    assert _download(team, 1, tmp_path)

    with open_workspace(settings) as ws:
        with ws.catalogue.session() as session:
            subject = next(r.subject for r in session.query(StudyRow) if r.subject)
        withdraw(ws, ws.project("tiny"), str(subject))
        assemble(ws, ws.project("tiny"))
    for name in READERS:
        seats[name].go("/review/tiny")
        if seats[name].page.locator("table a.button").count():
            read_all(seats[name])
    with open_workspace(settings) as ws:
        made = release(ws, ws.project("tiny"))
    team.go("/releases")
    expect(team.page.locator("main")).to_contain_text("closed")
    assert _download(team, made.version, tmp_path)
    everything = tmp_path / f"out{made.version}"
    for path in everything.rglob("*"):
        assert not path.is_file() or str(subject).encode() not in path.read_bytes()
    team.go(f"/releases/tiny/{made.version}")
    picture(team.page, "release")


def _download(team: Seat, version: int, tmp_path: Path) -> bool:
    """Fetch a version as its project team does; return whether it is whole."""
    team.go(f"/releases/tiny/{version}")
    with team.page.expect_download() as coming:
        team.page.click("text=Download")
    packed = tmp_path / f"v{version}.tar"
    coming.value.save_as(packed)
    out = tmp_path / f"out{version}"
    with tarfile.open(packed) as archive:
        archive.extractall(out, filter="data")
    found = verify(out / f"tiny-v{version}", Silent())
    shutil.rmtree(packed, ignore_errors=True)
    return found.whole
