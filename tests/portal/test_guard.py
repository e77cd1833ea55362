from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

import portal
from config.errors import ConfigurationError, EnvironmentFault
from config.settings import Settings
from pipelines.cohort.review import REASONS
from pipelines.store import ResearchStore
from portal.blinding import Shown
from portal.serve import run_portal

from .conftest import PROJECT, User

HOME = Path(portal.__file__).parent
POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)


def test_every_answer_bears_the_strict_policy(
    reader: User, tokens: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = reader.client
    pair = f"/review/prostate/{tokens[0]}"
    answers = [
        client.get(path, follow_redirects=False)
        for path in (
            "/",
            "/review/prostate",
            pair,
            f"{pair}/left/slice/0",
            "/static/viewer.js",
            "/static/none.js",
            "/nowhere",
            f"{pair}/left/slice/x",
            "/people",
        )
    ]
    answers += [client.post(pair), client.post(pair, content=b"x" * 100_000), client.put("/")]
    answers.append(client.get("/", headers={"host": "evil.example"}))
    monkeypatch.setattr("portal.rooms.Rooms.cards", lambda *_: 1 / 0)
    answers.append(reader.get("/"))
    assert [a.status_code for a in answers] == [
        *(200, 200, 200, 200, 200, 404, 404, 404, 403),
        *(403, 413, 405, 400, 500),
    ]
    for answer in answers:
        assert answer.headers["content-security-policy"] == POLICY
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"


@pytest.mark.parametrize(
    "path",
    [
        "/review/none",
        "/review/prostate/" + "0" * 32,
        "/review/prostate/" + "0" * 64,
        "/review/..%2f..%2fetc%2fpasswd",
        "/review/%2fetc%2fpasswd.yaml",
        "/review/prostate.yaml",
        "/review/prostate/..%2f..%2f..%2fcatalogue.sqlite",
        "/static/..%2fapp.py",
        "/static/../app.py",
        "/static/%2e%2e/texts.yaml",
        "/docs",
        "/redoc",
        "/openapi.json",
    ],
)
def test_what_is_not_there_is_not_found(reader: User, path: str) -> None:
    answer = reader.get(path)
    assert answer.status_code == 404
    assert "sqlite" not in answer.text
    assert "root:" not in answer.text


@pytest.mark.parametrize(
    ("frame", "status"),
    [
        ("left/slice/3", 404),
        ("left/slice/-1", 404),
        ("middle/slice/0", 404),
        ("before/slice/0", 404),
        ("left/depth/0", 404),
    ],
)
def test_a_frame_that_is_not_there_is_refused(
    reader: User, tokens: list[str], frame: str, status: int
) -> None:
    assert reader.get(f"/review/prostate/{tokens[0]}/{frame}").status_code == status


def test_a_pair_of_another_project_is_not_found(
    reader: User, tokens: list[str], settings: Settings
) -> None:
    folder = settings.config_root / "projects"
    text = (folder / "prostate.yaml").read_text(encoding="utf-8")
    (folder / "second.yaml").write_text(text.replace("name: prostate", "name: second"))
    assert reader.get("/review/second").status_code == 404
    assert reader.get(f"/review/second/{tokens[0]}").status_code == 404


def test_a_defect_tells_nothing_of_the_inside(
    reader: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.rooms.Rooms.cards", lambda *_: int("secret value"))
    answer = reader.get("/?lang=fr")
    assert answer.status_code == 500
    assert "Défaut du programme" in answer.text
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text


def test_a_catalogue_that_is_gone_is_told_with_what_to_do(
    reader: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        raise EnvironmentFault("CATALOGUE_UNUSABLE", "OperationalError")

    monkeypatch.setattr("portal.pairs.review_items", gone)
    answer = reader.get("/review/prostate")
    assert answer.status_code == 503
    assert "The catalogue cannot be opened or written." in answer.text


def test_a_damaged_pair_cannot_be_read(
    reader: User, settings: Settings, digests: list[str], blinding: object
) -> None:
    (ResearchStore(settings).packs / digests[1] / "pack.json").unlink()
    page = reader.get("/review/prostate").text
    assert len(re.findall(r'href="/review/prostate/', page)) == 2
    token = blinding.token(Shown(PROJECT, "e.martin", digests[1]))  # type: ignore[attr-defined]
    answer = reader.get(f"/review/prostate/{token}")
    assert answer.status_code == 404


def test_a_body_without_a_length_is_refused(reader: User, tokens: list[str]) -> None:
    def stream():
        yield b"verdict=accept"

    assert reader.client.post(f"/review/prostate/{tokens[0]}", content=stream()).status_code == 411


def test_cookies_are_kept_from_scripts_and_other_sites(nobody) -> None:
    cookie = nobody.get("/sign-in").headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie


def test_no_template_script_or_style_names_another_host_or_hides_code_in_markup() -> None:
    files = [*(HOME / "static").iterdir(), *(HOME / "templates").iterdir()]
    assert len(files) >= 8
    for file in files:
        text = file.read_text(encoding="utf-8")
        text = text.replace('xmlns="http://www.w3.org/2000/svg"', "")
        assert not re.search(r"https?://|//[a-z]+\.|@import|url\(", text), file.name
        assert not re.search(r"\son[a-z]+=|\sstyle=|<style|<script(?! type=\"module\" src=)", text)


def test_the_static_folder_stays_small() -> None:
    assert sum(f.stat().st_size for f in (HOME / "static").rglob("*")) < 300_000


def test_every_text_has_both_languages_and_every_reason_a_text() -> None:
    table = yaml.safe_load((HOME / "texts.yaml").read_text(encoding="utf-8"))
    assert all(sorted(row) == ["en", "fr"] and all(row.values()) for row in table.values())
    assert {f"reason_{reason}" for reason in REASONS} <= set(table)
    # Jinja looks for a method first: a text of that name would never be shown.
    assert not set(table) & set(dir(dict))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "hospital.example"])
def test_the_portal_is_not_opened_to_a_network_without_a_certificate(
    settings: Settings, host: str
) -> None:
    with pytest.raises(ConfigurationError, match="PORTAL_NEEDS_TLS"):
        run_portal(settings, host=host, port=0)


def test_a_port_in_use_is_told_in_our_words(settings: Settings) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(EnvironmentFault, match=f"PORT_IN_USE: port {port}"):
            run_portal(settings, port=port)


def test_a_served_portal_answers_over_a_real_socket(
    settings: Settings, digests: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading
    import urllib.request

    import uvicorn

    started = threading.Event()
    servers: list[uvicorn.Server] = []
    addresses: list[str] = []
    run = uvicorn.Server.run

    def noted(self: uvicorn.Server, sockets: list) -> None:
        servers.append(self)
        addresses.append(f"http://127.0.0.1:{sockets[0].getsockname()[1]}")
        started.set()
        run(self, sockets=sockets)

    monkeypatch.setattr(uvicorn.Server, "run", noted)
    thread = threading.Thread(target=run_portal, args=(settings,), kwargs={"port": 0})
    thread.start()
    assert started.wait(20)
    try:
        # The socket already listens: the request waits until the server takes it.
        with urllib.request.urlopen(f"{addresses[0]}/sign-in", timeout=20) as answer:
            assert answer.status == 200
            assert answer.headers["content-security-policy"] == POLICY
            assert answer.headers["server"] is None
    finally:
        servers[0].should_exit = True
        thread.join(20)
    assert not thread.is_alive()


def test_an_address_of_another_host_in_the_path_becomes_no_link(reader: User) -> None:
    answer = reader.get("http://127.0.0.1//evil.example/")
    assert answer.status_code == 404
    assert "evil.example" not in answer.text
