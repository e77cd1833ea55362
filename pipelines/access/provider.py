"""An OpenID Connect provider: where browsers are sent, and whom a returning browser proves."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from config.errors import EnvironmentFault, RejectedError
from config.oidc import Oidc, is_sealed
from pipelines.store import read_secret

__all__ = ["ALGORITHMS", "Attempt", "Proven", "Provider"]

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
"""Signatures that are believed; `none` and those made with a shared secret are not (RFC 8725)."""

LEEWAY_S = 60
_METADATA_S = 600
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


@dataclass(frozen=True)
class Attempt:
    """What binds an answer to the browser that asked (RFC 6749 10.12, RFC 7636, OIDC 3.1.2.1)."""

    state: str
    nonce: str
    verifier: str = field(repr=False)


@dataclass(frozen=True)
class Proven:
    """Whom the provider says a browser is."""

    issuer: str
    subject: str
    name: str
    display: str
    groups: tuple[str, ...]


class Provider:
    """The provider of one installation.

    Parameters
    ----------
    oidc : Oidc
    now_s : callable, optional
        The clock, in seconds since 1970.
    """

    def __init__(self, oidc: Oidc, now_s: Callable[[], float] = time.time) -> None:
        self._oidc = oidc
        self._now_s = now_s
        self._metadata: tuple[float, dict[str, Any]] | None = None

    def address(self, attempt: Attempt) -> str:
        """Return where a browser is sent to prove itself.

        Raises
        ------
        EnvironmentFault
            ``OIDC_UNREACHABLE``: no answer, or one that is not this provider's.
        """
        metadata = self._found()
        asked: dict[str, Any] = {"nonce": attempt.nonce}
        if self._oidc.max_age_s is not None:
            asked["max_age"] = self._oidc.max_age_s
        with self._client() as client:
            url, _ = client.create_authorization_url(
                metadata["authorization_endpoint"],
                state=attempt.state,
                code_verifier=attempt.verifier,
                **asked,
            )
        return str(url)

    def identity(self, answer: Mapping[str, str], attempt: Attempt) -> Proven:
        """Return whom the answer that a browser brought back proves.

        Parameters
        ----------
        answer : mapping
            The query of the address it was sent back to.

        Raises
        ------
        EnvironmentFault
            ``OIDC_UNREACHABLE``.
        RejectedError
            ``OIDC_REFUSED``: another browser's answer, a refusal, a token that does not hold.
        """
        # The state first: nothing is asked of the provider for an answer that nobody here began.
        if not hmac.compare_digest(answer.get("state", "").encode(), attempt.state.encode()):
            raise RejectedError("OIDC_REFUSED", "state")
        if answer.get("iss", self._oidc.issuer) != self._oidc.issuer:  # RFC 9207 section 2.4
            raise RejectedError("OIDC_REFUSED", "iss")
        if "error" in answer or not answer.get("code"):
            raise RejectedError("OIDC_REFUSED", "the provider refused")
        with self._client() as client:
            token = self._token(client, answer["code"], attempt)
            keys = self._fetched(client, self._found()["jwks_uri"])
        return self._proven(token, keys, attempt)

    def _proven(self, token: dict[str, Any], keys: dict[str, Any], attempt: Attempt) -> Proven:
        try:
            claims = self._claims(token, keys, attempt)
            issuer, subject = str(claims["iss"]), str(claims["sub"])
        except (JoseError, OAuthError, ValueError, KeyError, TypeError) as error:
            # Only the kind of the error: its text may quote the token.
            raise RejectedError("OIDC_REFUSED", type(error).__name__) from None
        groups = claims.get(self._oidc.groups_claim)
        listed = [groups] if isinstance(groups, str) else groups
        return Proven(
            issuer,
            subject,
            str(claims.get("preferred_username") or ""),
            str(claims.get("name") or claims.get("preferred_username") or ""),
            tuple(str(one) for one in listed) if isinstance(listed, list) else (),
        )

    def _claims(
        self, token: dict[str, Any], keys: dict[str, Any], attempt: Attempt
    ) -> dict[str, Any]:
        """Return the claims of an ID token that holds (OpenID Connect Core 3.1.3.7)."""
        decoded = jwt.decode(
            token["id_token"], KeySet.import_key_set({"keys": keys["keys"]}), list(ALGORITHMS)
        )
        oidc = self._oidc
        options = {
            "iss": {"essential": True, "value": oidc.issuer},
            "aud": {"essential": True, "value": oidc.client_id},
            "sub": {"essential": True},
        }
        asked = {
            "nonce": attempt.nonce,
            "client_id": oidc.client_id,
            "access_token": token.get("access_token"),
        }
        claims = CodeIDToken(decoded.claims, decoded.header, options, asked)
        claims.validate(now=int(self._now_s()), leeway=LEEWAY_S)
        if oidc.max_age_s is not None:
            oldest_s = self._now_s() - oidc.max_age_s - LEEWAY_S
            if float(claims["auth_time"]) < oldest_s:
                raise ValueError("auth_time")
        return dict(claims)

    def _client(self) -> OAuth2Session:
        oidc = self._oidc
        secret = None
        if oidc.client_secret_file is not None:
            secret = read_secret(oidc.client_secret_file).decode().strip()
        client = OAuth2Session(
            oidc.client_id,
            secret,
            token_endpoint_auth_method="client_secret_basic" if secret else "none",
            scope=" ".join(oidc.scopes),
            redirect_uri=oidc.return_url,
            code_challenge_method="S256",
        )
        client.verify = str(oidc.ca) if oidc.ca else True
        client.max_redirects = 0  # whoever answers is who was asked
        return client

    def _token(self, client: OAuth2Session, code: str, attempt: Attempt) -> dict[str, Any]:
        try:
            return dict(
                client.fetch_token(
                    self._found()["token_endpoint"],
                    code=code,
                    code_verifier=attempt.verifier,
                    timeout=self._oidc.timeout_s,
                )
            )
        except OAuthError as error:
            raise RejectedError("OIDC_REFUSED", "the code was not taken") from error
        except (requests.RequestException, ValueError) as error:
            raise EnvironmentFault("OIDC_UNREACHABLE", "token endpoint") from error

    def _found(self) -> dict[str, Any]:
        """Return what the provider says of itself (OpenID Connect Discovery 1.0 section 4)."""
        now_s = self._now_s()
        if self._metadata is None or now_s > self._metadata[0] + _METADATA_S:
            issuer = self._oidc.issuer
            with self._client() as client:
                found = self._fetched(
                    client, issuer.rstrip("/") + "/.well-known/openid-configuration"
                )
            if found.get("issuer") != issuer:  # section 4.3
                raise EnvironmentFault("OIDC_UNREACHABLE", "it names itself otherwise")
            if not all(is_sealed(str(found.get(name, ""))) for name in _ENDPOINTS):
                raise EnvironmentFault("OIDC_UNREACHABLE", "an endpoint without TLS, or none")
            self._metadata = now_s, found
        return self._metadata[1]

    def _fetched(self, client: OAuth2Session, url: str) -> dict[str, Any]:
        try:
            answer = client.get(url, withhold_token=True, timeout=self._oidc.timeout_s)
            answer.raise_for_status()
            found = answer.json()
        except (requests.RequestException, ValueError) as error:
            raise EnvironmentFault("OIDC_UNREACHABLE", type(error).__name__) from error
        if not isinstance(found, dict):
            raise EnvironmentFault("OIDC_UNREACHABLE", "not a JSON object")
        return found
