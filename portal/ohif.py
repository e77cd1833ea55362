"""A viewer that the site fetched itself, on its own port, over one project's DICOMweb.

OHIF's shipped settings point at a public server, so ours always replace them; its pages need a
looser policy than the portal's, so they have an origin of their own. The token stays here and never
reaches the browser. OHIF names the series, so this is nothing for readers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import requests
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from config.errors import ConfigurationError
from portal.app import LOOPBACK_HOSTS
from portal.serve import listen

__all__ = ["create_viewer", "run_viewer"]

POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-eval' 'wasm-unsafe-eval' 'unsafe-inline'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; worker-src 'self' blob:; "
    "connect-src 'self' data: blob:; font-src 'self' data:; frame-ancestors 'none'"
)
"""OHIF compiles WebAssembly and writes styles; still nothing comes from another host."""

TIMEOUT_S = 60
_PIECE_BYTES = 1 << 20

SETTINGS = """window.config = {settings};
window.config.dataSources[0].configuration.wadoUriRoot = location.origin + "/dicomweb";
window.config.dataSources[0].configuration.qidoRoot = location.origin + "/dicomweb";
window.config.dataSources[0].configuration.wadoRoot = location.origin + "/dicomweb";
"""


def create_viewer(dist: Path, portal: str, project: str, token: str) -> Starlette:
    """Return the application: the viewer's files, our settings, and the project's DICOMweb.

    Parameters
    ----------
    dist : Path
        Folder of OHIF's own build, with its ``index.html``.
    portal : str
        Address of the portal.
    project : str
    token : str
        Token of an engineer or officer.

    Raises
    ------
    ConfigurationError
        ``VIEWER_NOT_FOUND`` when the folder holds no ``index.html``.
    """
    index = dist / "index.html"
    if not index.is_file():
        raise ConfigurationError("VIEWER_NOT_FOUND", "no index.html in the folder")
    root = f"{portal.rstrip('/')}/dicomweb/{project}"
    script = SETTINGS.replace("{settings}", json.dumps(_settings(project), indent=1))

    def config(_request: Request) -> Response:
        return Response(script, media_type="text/javascript", headers=_headers())

    def web(request: Request) -> Response:
        return _passed_on(request, root, token)

    def page(_request: Request) -> Response:
        return FileResponse(index, headers=_headers())

    return Starlette(
        routes=[
            Route("/app-config.js", config),
            Route("/dicomweb/{path:path}", web),
            Route("/", page),
            Route("/viewer", page),
            Mount("/", StaticFiles(directory=dist)),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=list(LOOPBACK_HOSTS))],
    )


def run_viewer(dist: Path, portal: str, project: str, token: str, port: int = 8766) -> None:
    """Serve the viewer on this machine until interrupted; raises as its two makers do."""
    app = create_viewer(dist, portal, project, token)
    with listen("127.0.0.1", port) as listener:
        config = uvicorn.Config(app, log_level="warning", access_log=False, server_header=False)
        uvicorn.Server(config).run(sockets=[listener])


def _passed_on(request: Request, root: str, token: str) -> Response:
    """Ask the portal in the token's name, and hand its answer on as it comes."""
    answer = requests.get(
        f"{root}/{request.path_params['path']}",
        params=list(request.query_params.multi_items()),
        headers={
            "authorization": f"Bearer {token}",
            "accept": request.headers.get("accept", "*/*"),
            "accept-encoding": "identity",
        },
        stream=True,
        timeout=TIMEOUT_S,
        allow_redirects=False,
    )

    def pieces() -> Iterator[bytes]:
        with answer:
            yield from answer.iter_content(_PIECE_BYTES)

    kind = answer.headers.get("content-type", "application/octet-stream")
    return StreamingResponse(pieces(), answer.status_code, media_type=kind)


def _headers() -> dict[str, str]:
    return {"content-security-policy": POLICY, "cache-control": "no-store"}


def _settings(project: str) -> dict[str, object]:
    """Return OHIF's settings; without a GPU only the explicit switch helps (OHIF issue 5360)."""
    return {
        "routerBasename": "/",
        "extensions": [],
        "modes": [],
        "showStudyList": True,
        "useCPURendering": True,
        "defaultDataSourceName": "dicomweb",
        "dataSources": [
            {
                "namespace": "@ohif/extension-default.dataSourcesModule.dicomweb",
                "sourceName": "dicomweb",
                "configuration": {
                    "friendlyName": project,
                    "name": project,
                    "qidoSupportsIncludeField": False,
                    "imageRendering": "wadors",
                    "thumbnailRendering": "wadors",
                    "enableStudyLazyLoad": True,
                    "supportsFuzzyMatching": False,
                    "supportsWildcard": False,
                    "dicomUploadEnabled": False,
                    "omitQuotationForMultipartRequest": True,
                },
            }
        ],
    }
