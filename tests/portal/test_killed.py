"""A portal that is killed while readers save loses nothing that it said it had."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests
from sqlalchemy import func, select

from config.settings import Settings
from pipelines.access.sessions import Sessions
from pipelines.catalogue.database import Catalogue
from pipelines.catalogue.research import ControlRead, Decision

from .conftest import ANSWERS, PROJECT, add_pack

ROOT = Path(__file__).resolve().parents[2]
PAIRS = 16
KEPT = (Decision, ControlRead)

SERVER = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from config.settings import load_settings
from portal.serve import run_portal
run_portal(load_settings(Path(sys.argv[1]), {}), port=int(sys.argv[2]))
"""


def start(settings: Settings, port: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", SERVER, str(settings.home), str(port)]
    return subprocess.Popen(command, cwd=ROOT, env=os.environ | {"ACCORDAGE_HOME": "/nowhere"})


def send(browser: requests.Session, url: str, pair: str, token: str) -> int:
    form = {**ANSWERS, "verdict": "accept", "form_token": token}
    answer = browser.post(
        f"{url}/review/{PROJECT}/{pair}",
        data=form,
        headers={"origin": url},
        allow_redirects=False,
        timeout=30,
    )
    return answer.status_code


def knock(url: str, session: requests.Session) -> str:
    """Return the list of pairs, once the portal answers."""
    adapter = requests.adapters.HTTPAdapter(
        max_retries=requests.adapters.Retry(connect=40, backoff_factor=0.1, backoff_max=1)
    )
    session.mount("http://", adapter)
    return session.get(f"{url}/review/{PROJECT}", timeout=30).text


def test_every_read_that_was_answered_is_there_after_kill_9(
    settings: Settings, catalogue: Catalogue
) -> None:
    for number in range(100, 100 + PAIRS):
        add_pack(settings, catalogue, number)
    secret = Sessions(catalogue).begin("e.martin")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    saved: list[str] = []
    for _ in range(3):
        server = start(settings, port)
        with requests.Session() as browser:
            browser.cookies.set("accordage_session", secret)
            page = knock(url, browser)
            token = re.search(r'name="form_token" value="([0-9a-f]+)"', page)
            assert token
            waiting = re.findall(rf'href="/review/{PROJECT}/([0-9a-f]+)"', page)
            unread = [one for one in waiting if one not in saved][:5]
            for pair in unread[:4]:
                assert send(browser, url, pair, token[1]) == 303
                saved.append(pair)
            # The last is being saved when the portal dies: it may be there or not.
            with ThreadPoolExecutor(1) as pool:
                pool.submit(send, browser, url, unread[4], token[1])
                os.kill(server.pid, signal.SIGKILL)
            server.wait()
    with catalogue.session() as session:
        kept = sum(session.scalar(select(func.count()).select_from(t)) or 0 for t in KEPT)
        assert {r.answers["seconds"] for t in KEPT for r in session.scalars(select(t))} == {31.5}
    assert len(saved) == 12
    assert 12 <= kept <= 15
