"""A small OpenID Connect provider on loopback, which can be told to answer wrongly."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, parse_qsl, quote, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

__all__ = ["CLIENT", "SECRET", "IdentityProvider", "serving"]

CLIENT = "accordage"
SECRET = "a secret/of the client"


@cache
def _key() -> RSAKey:
    """Return one key for all providers: making it takes a while."""
    return RSAKey.generate_key(2048, {"kid": "one"})


@dataclass
class IdentityProvider:
    """What the provider knows, and what it is told to get wrong."""

    url: str
    person: dict[str, Any] = field(
        default_factory=lambda: {
            "sub": "8b1f-77",
            "preferred_username": "E.Martin@hospital.example",
            "name": "Dr Élise Martin",
            "groups": ["readers"],
        }
    )
    claims: dict[str, Any] = field(default_factory=dict)
    """Claims that are put over the right ones; None leaves one out."""
    metadata: dict[str, Any] = field(default_factory=dict)
    algorithm: str = "RS256"
    key: Any = field(default_factory=_key)
    published: Any = None
    """Keys that are published; by default the one that signs."""
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def enter(self, address: str) -> str:
        """Return where a browser is sent back to, once its user has signed in here."""
        asked = dict(parse_qsl(urlsplit(address).query))
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked
        back = {"code": code, "state": asked["state"], "iss": self.url}
        return f"{asked['redirect_uri']}?{urlencode(back)}"

    def described(self) -> dict[str, Any]:
        """Return the metadata of OpenID Connect Discovery 1.0 section 3."""
        own = {
            "issuer": self.url,
            "authorization_endpoint": self.url + "/authorize",
            "token_endpoint": self.url + "/token",
            "jwks_uri": self.url + "/keys",
        }
        return {**own, **self.metadata}

    def keys(self) -> dict[str, Any]:
        """Return the public keys (RFC 7517)."""
        keys = self.published or KeySet([self.key])
        return dict(keys.as_dict(private=False))

    def exchanged(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        """Return the tokens for a code, once (RFC 6749 4.1.3, RFC 7636 4.6)."""
        asked = self.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        # RFC 6749 2.3.1: both halves are form-encoded before they are joined.
        either = {f"{CLIENT}:{SECRET}", f"{CLIENT}:{quote(SECRET, safe='')}"}
        given = base64.b64decode(authorization.removeprefix("Basic ")).decode()
        if (
            asked is None
            or given not in either
            or asked["code_challenge"] != challenge
            or form["redirect_uri"] != asked["redirect_uri"]
        ):
            return 400, {"error": "invalid_grant"}
        now_s = int(time.time())
        claims = {
            "iss": self.url,
            "aud": CLIENT,
            "iat": now_s,
            "exp": now_s + 300,
            "nonce": asked["nonce"],
            **self.person,
            **self.claims,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        header = {"alg": self.algorithm, "kid": self.key.kid}
        signed = jwt.encode(header, claims, self.key, algorithms=[self.algorithm])
        return 200, {"access_token": "opaque", "token_type": "Bearer", "id_token": signed}


@contextmanager
def serving(host: str = "127.0.0.1") -> Iterator[IdentityProvider]:
    """Serve a provider on a free port of loopback, under one of its names."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            provider.asked.append(self.path)
            if self.path.startswith("/authorize?"):
                self.send_response(302)
                self.send_header("location", provider.enter(self.path))
                self.end_headers()
                return
            pages = {
                "/.well-known/openid-configuration": provider.described,
                "/keys": provider.keys,
            }
            self._send(200, pages[self.path]())

        def do_POST(self) -> None:
            provider.asked.append(self.path)
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            self._send(*provider.exchanged(form, self.headers.get("authorization", "")))

        def _send(self, status: int, content: dict[str, Any]) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider = IdentityProvider(f"http://{host}:{server.server_address[1]}")
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
