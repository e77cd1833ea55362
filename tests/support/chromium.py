"""Debian's Chromium before our portal, served on loopback by a thread of the test's own."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from config.settings import Settings
from pipelines.access.sessions import Sessions
from pipelines.catalogue.database import open_research
from portal.app import create_app
from tests.support import needs

__all__ = ["Seat", "Served", "chromium", "seat", "serve"]

_ARGUMENTS = ["--disable-gpu", "--no-sandbox", "--disable-frame-rate-limit", "--disable-gpu-vsync"]
"""No GPU, and frames as fast as they can be drawn: what is timed is the drawing."""

_PATIENCE_MS = 60_000
"""How long a busy machine may take for what is there at once elsewhere."""


@dataclass
class Served:
    """A portal that answers, and the paths it was asked for."""

    url: str
    settings: Settings
    asked: list[str] = field(default_factory=list)


@dataclass
class Seat:
    """A browser in which somebody is signed in; what it was refused or fetched from elsewhere."""

    page: Page
    context: BrowserContext
    url: str
    complaints: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)

    def go(self, path: str) -> None:
        self.page.goto(f"{self.url}{path}", wait_until="networkidle")


@contextmanager
def serve(settings: Settings, secret: bytes, port: int = 0) -> Iterator[Served]:
    """Serve the portal of an installation on a port, by default on a free one."""
    app = create_app(settings, secret=secret)
    with socket.create_server(("127.0.0.1", port)) as listener:
        served = Served(f"http://127.0.0.1:{listener.getsockname()[1]}", settings)

        async def counted(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "http":
                served.asked.append(scope["path"])
            await app(scope, receive, send)

        config = uvicorn.Config(counted, log_level="warning", access_log=False, lifespan="on")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield served
        finally:
            server.should_exit = True
            thread.join(20)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Open the browser; without a GPU, as in CI."""
    path = needs.program("chromium", "chromium")
    expect.set_options(timeout=_PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


def seat(browser: Browser, served: Served, name: str) -> Seat:
    """Sign somebody in, in a browser profile of their own."""
    catalogue = open_research(served.settings)
    session = Sessions(catalogue).begin(name)
    catalogue.close()
    context = browser.new_context(viewport={"width": 1500, "height": 950}, locale="en-GB")
    cookie = {"name": "accordage_session", "value": session, "url": served.url}
    context.add_cookies([cookie])  # type: ignore[list-item]
    context.set_default_timeout(_PATIENCE_MS)
    page = context.new_page()
    taken = Seat(page, context, served.url)
    page.on("console", lambda said: taken.complaints.append(said.text))
    page.on("pageerror", lambda error: taken.complaints.append(str(error)))
    page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith((served.url, "data:", "blob:"))
            else taken.elsewhere.append(request.url)
        ),
    )
    return taken
