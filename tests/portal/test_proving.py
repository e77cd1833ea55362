"""Signing in through an identity provider: only a token that holds opens a session."""

from __future__ import annotations

import base64
import hmac
import json
import re
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc.jwk import ECKey, KeySet, RSAKey
from sqlalchemy import select

from config.codes import codes
from config.errors import ConfigurationError, RejectedError
from config.oidc import Grant, Oidc
from config.settings import Settings
from pipelines.access.log import acts
from pipelines.access.people import People, Person
from pipelines.access.sessions import Sessions
from pipelines.catalogue.database import Catalogue
from pipelines.catalogue.people import Account, ApiToken, PortalSession
from portal.app import create_app
from tests.support.chromium import chromium, serve
from tests.support.identity_provider import CLIENT, SECRET, IdentityProvider, serving

from .conftest import ORIGIN, PROJECT, TestClient
from .conftest import SECRET as KEY

GROUPS = {
    "readers": Grant(roles=("radiologist",), projects=(PROJECT,)),
    "chiefs": Grant(roles=("radiologist",), senior=True),
    "officers": Grant(roles=("officer",)),
}


@pytest.fixture
def provider() -> Iterator[IdentityProvider]:
    with serving() as served:
        yield served


@dataclass
class Entrance:
    """A portal that believes the provider, and a browser in front of it."""

    browser: TestClient
    provider: IdentityProvider

    def leave(self) -> str:
        """Return where the portal sends the browser."""
        answer = self.browser.get("/sign-in/oidc", follow_redirects=False)
        assert answer.status_code == 303
        return str(answer.headers["location"])

    def come_back(self, address: str):
        return self.browser.get(address, follow_redirects=False)

    def enter(self):
        """Walk the whole way; return the last answer."""
        return self.come_back(self.provider.enter(self.leave()))


@pytest.fixture
def oidc(provider: IdentityProvider, tmp_path) -> Oidc:
    kept = tmp_path / "client-secret"
    kept.write_text(SECRET + "\n")
    kept.chmod(0o600)
    return Oidc(
        issuer=provider.url,
        client_id=CLIENT,
        client_secret_file=kept,
        portal_url=ORIGIN,
        label="Hospital account",
        groups=GROUPS,
    )


@pytest.fixture
def entrance(
    settings: Settings, catalogue: Catalogue, oidc: Oidc, provider: IdentityProvider
) -> Iterator[Entrance]:
    with _portal(settings, oidc) as browser:
        yield Entrance(browser, provider)


def _portal(settings: Settings, oidc: Oidc) -> TestClient:
    app = create_app(settings.model_copy(update={"oidc": oidc}))
    return TestClient(app, base_url=ORIGIN, raise_server_exceptions=False)


def _account(catalogue: Catalogue) -> Account | None:
    with catalogue.session() as session:
        found = session.scalars(select(Account).where(Account.proven_by.is_not(None))).first()
        session.expunge_all()
        return found


def _is_refused(answer, code: str) -> bool:
    """Return whether a page says what a code says, and opens no session."""
    is_open = any("accordage_session" in c for c in answer.headers.get_list("set-cookie"))
    return codes()[code].en in answer.text.replace("&#39;", "'") and not is_open


def test_who_is_proven_gets_an_account_with_the_roles_of_their_groups(
    entrance: Entrance, catalogue: Catalogue
) -> None:
    answer = entrance.enter()
    assert answer.status_code == 200
    # A page of our own leads on: the session's cookie stays with what our own pages ask.
    assert 'http-equiv="refresh" content="0; url=/"' in answer.text
    cookie = next(c for c in answer.headers.get_list("set-cookie") if "accordage_session" in c)
    assert "SameSite=strict" in cookie
    assert "HttpOnly" in cookie
    assert "Dr Élise Martin" in entrance.browser.get("/").text
    account = _account(catalogue)
    assert account is not None
    assert account.roles == ["radiologist"]
    assert account.projects == [PROJECT]
    assert account.password is None
    assert account.proven_by == f"{entrance.provider.url} 8b1f-77"


def test_the_request_is_code_flow_with_pkce_state_and_nonce(entrance: Entrance) -> None:
    address = entrance.leave()
    asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    assert asked["response_type"] == "code"
    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == ORIGIN + "/sign-in/oidc/return"
    assert asked["scope"] == "openid profile"
    # RFC 7636 4.1: 43 to 128 letters; here the digest of them is sent.
    assert re.fullmatch(r"[\w-]{43}", asked["code_challenge"])
    assert len({asked["state"], asked["nonce"], asked["code_challenge"]}) == 3
    cookie = entrance.browser.cookies["accordage_oidc"]
    assert not any(value in cookie for value in (asked["state"], asked["nonce"]))
    assert SECRET not in address


def test_two_attempts_share_nothing(entrance: Entrance) -> None:
    first, second = (parse_qs(urlsplit(entrance.leave()).query) for _ in range(2))
    assert not {first[k][0] for k in ("state", "nonce", "code_challenge")} & {
        second[k][0] for k in ("state", "nonce", "code_challenge")
    }


def test_the_cookie_of_an_attempt_comes_back_from_another_site_and_is_used_once(
    entrance: Entrance,
) -> None:
    answer = entrance.browser.get("/sign-in/oidc", follow_redirects=False)
    (cookie,) = [c for c in answer.headers.get_list("set-cookie") if "accordage_oidc" in c]
    assert "SameSite=lax" in cookie
    assert "Path=/sign-in/oidc" in cookie
    assert "Max-Age=600" in cookie
    back = entrance.provider.enter(answer.headers["location"])
    assert entrance.come_back(back).status_code == 200
    assert _is_refused(entrance.come_back(back), "OIDC_REFUSED")


def test_an_answer_for_another_browser_is_refused(
    entrance: Entrance, settings: Settings, oidc: Oidc, catalogue: Catalogue
) -> None:
    with _portal(settings, oidc) as other:
        address = other.get("/sign-in/oidc", follow_redirects=False).headers["location"]
    entrance.leave()
    answer = entrance.come_back(entrance.provider.enter(address))
    assert answer.status_code == 403
    assert _is_refused(answer, "OIDC_REFUSED")
    assert "/token" not in entrance.provider.asked
    assert _account(catalogue) is None


def test_an_answer_after_ten_minutes_is_refused(entrance: Entrance) -> None:
    address = entrance.leave()
    at_s, _, rest = entrance.browser.cookies["accordage_oidc"].partition(".")
    entrance.browser.cookies.clear()
    entrance.browser.cookies.set("accordage_oidc", f"{int(at_s) - 601}.{rest}")
    assert _is_refused(entrance.come_back(entrance.provider.enter(address)), "OIDC_REFUSED")


@pytest.mark.parametrize(
    "query", ["", "?error=access_denied", "?code=x", "?code=x&state=", "?state=%C3%A9&code=x"]
)
def test_an_answer_that_proves_nothing_is_refused(entrance: Entrance, query: str) -> None:
    entrance.leave()
    assert _is_refused(entrance.come_back("/sign-in/oidc/return" + query), "OIDC_REFUSED")


def test_an_answer_of_another_provider_is_refused(entrance: Entrance) -> None:
    # RFC 9207: the mix-up attack.
    back = entrance.provider.enter(entrance.leave())
    answer = entrance.come_back(re.sub(r"&iss=.*", "&iss=https%3A%2F%2Felsewhere", back))
    assert _is_refused(answer, "OIDC_REFUSED")
    assert "/token" not in entrance.provider.asked


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://elsewhere"},
        {"aud": "another client"},
        {"aud": [CLIENT, "another client"]},
        {"aud": [CLIENT, "another client"], "azp": "another client"},
        {"aud": None},
        {"sub": None},
        {"exp": 1_000_000_000},
        {"exp": None},
        {"iat": None},
        {"nbf": 9_000_000_000},
        {"nonce": "of another attempt"},
        {"nonce": None},
        {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
    ],
    ids=repr,
)
def test_a_token_that_does_not_hold_is_refused(
    entrance: Entrance, catalogue: Catalogue, claims: dict[str, object]
) -> None:
    # OpenID Connect Core 3.1.3.7, one rule each.
    entrance.provider.claims = claims
    answer = entrance.enter()
    assert answer.status_code == 403
    assert _is_refused(answer, "OIDC_REFUSED")
    assert _account(catalogue) is None
    assert acts(catalogue)[0].action == "sign-in refused"


def test_a_token_signed_by_another_key_is_refused(entrance: Entrance) -> None:
    entrance.provider.published = KeySet([RSAKey.generate_key(2048, {"kid": "one"})])
    assert _is_refused(entrance.enter(), "OIDC_REFUSED")


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_a_token_that_anybody_could_have_made_is_refused(
    entrance: Entrance, monkeypatch, algorithm: str
) -> None:
    # RFC 8725 2.1: no signature, or the public key taken as the secret of an HMAC.
    public = entrance.provider.key.as_pem(private=False)

    def forged(_header: object, claims: dict[str, object], *_: object, **__: object) -> str:
        header = json.dumps({"alg": algorithm, "kid": "one"}).encode()
        text = b".".join(_base64url(part) for part in (header, json.dumps(claims).encode()))
        seal = hmac.digest(public, text, "sha256") if algorithm == "HS256" else b""
        return (text + b"." + _base64url(seal)).decode()

    monkeypatch.setattr("tests.support.identity_provider.jwt.encode", forged)
    assert _is_refused(entrance.enter(), "OIDC_REFUSED")
    assert "/keys" in entrance.provider.asked


def _base64url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def test_a_token_on_an_elliptic_curve_holds(entrance: Entrance) -> None:
    entrance.provider.key = ECKey.generate_key("P-256", {"kid": "curve"})
    entrance.provider.algorithm = "ES256"
    assert entrance.enter().status_code == 200


def test_who_is_in_no_group_is_refused_and_gets_no_account(
    entrance: Entrance, catalogue: Catalogue
) -> None:
    entrance.provider.person["groups"] = ["visitors"]
    answer = entrance.enter()
    assert answer.status_code == 403
    assert _is_refused(answer, "OIDC_NO_ROLE")
    assert _account(catalogue) is None


def test_who_left_their_groups_loses_what_was_open(
    entrance: Entrance, catalogue: Catalogue
) -> None:
    entrance.provider.person["groups"] = ["officers"]
    entrance.enter()
    account = _account(catalogue)
    assert account is not None
    Sessions(catalogue).make_token(Person(account.name, "", ("officer",)), "nightly", 30)
    entrance.provider.person["groups"] = []
    assert _is_refused(entrance.enter(), "OIDC_NO_ROLE")
    assert entrance.browser.get("/people", follow_redirects=False).status_code in {303, 401}
    with catalogue.session() as session:
        assert not session.scalars(select(ApiToken)).all()
        assert not session.scalars(
            select(PortalSession).where(PortalSession.account == account.name)
        ).all()


def test_roles_follow_the_groups_at_each_sign_in(entrance: Entrance, catalogue: Catalogue) -> None:
    entrance.enter()
    entrance.provider.person["groups"] = ["readers", "chiefs"]
    entrance.provider.person["preferred_username"] = "renamed"
    entrance.enter()
    account = _account(catalogue)
    assert account is not None
    assert account.senior
    assert account.projects == [PROJECT]
    with catalogue.session() as session:
        proven = session.scalars(select(Account).where(Account.proven_by.is_not(None))).all()
        assert len(proven) == 1


def test_no_account_with_a_password_is_taken_over(entrance: Entrance, catalogue: Catalogue) -> None:
    # `e.martin` is there already, and the provider's user of that name asks to be an officer.
    entrance.provider.person["groups"] = ["officers"]
    entrance.enter()
    account = _account(catalogue)
    assert account is not None
    assert re.fullmatch(r"e\.martin-[0-9a-f]{6}", account.name)
    with catalogue.session() as session:
        local = session.get(Account, "e.martin")
        assert local is not None
        assert local.roles == ["radiologist"]
        assert local.proven_by is None


@pytest.mark.parametrize(
    ("preferred", "expected"),
    [
        ("jane.doe@hospital.example", "jane.doe"),
        ("Ünal O'Neil", "unal-o-neil"),
        ("12345", "user-"),
        ("", "user-"),
        ("x" * 80, "x" * 24),
        ("..", "user-"),
        ("<script>", "script-"),
    ],
)
def test_a_name_of_the_provider_becomes_a_name_that_can_be(
    entrance: Entrance, catalogue: Catalogue, preferred: str, expected: str
) -> None:
    entrance.provider.person["preferred_username"] = preferred
    entrance.enter()
    account = _account(catalogue)
    assert account is not None
    assert account.name.startswith(expected.rstrip("-"))
    assert re.fullmatch(r"[a-z][a-z0-9.-]{1,31}", account.name)


def test_a_closed_account_stays_closed_until_an_officer_opens_it(
    entrance: Entrance, catalogue: Catalogue, sign_in
) -> None:
    entrance.enter()
    account = _account(catalogue)
    assert account is not None
    officer = sign_in("officer")
    officer.send(f"/people/{account.name}/close", {})
    assert _is_refused(entrance.enter(), "OIDC_CLOSED")
    refused = officer.send(f"/people/{account.name}/link", {})
    assert refused.status_code == 409
    assert "ACCOUNT_PROVEN" in refused.text or "never gets a password" in refused.text
    assert officer.send(f"/people/{account.name}/open", {}).status_code == 303
    assert entrance.enter().status_code == 200


def test_the_first_officer_is_not_made_of_a_proven_account(
    entrance: Entrance, catalogue: Catalogue
) -> None:
    entrance.provider.person.update(groups=["officers"], preferred_username="head")
    entrance.enter()
    with catalogue.session() as session:
        local = session.get(Account, "a.officer")
        assert local is not None
        local.active = False
    people = People(catalogue)
    with pytest.raises(ConfigurationError, match="ACCOUNT_EXISTS"):
        people.first_officer("head", "Head")
    assert people.first_officer("spare", "Spare")  # for the day the provider is away


def test_a_password_opens_no_proven_account(entrance: Entrance, catalogue: Catalogue) -> None:
    entrance.enter()
    account = _account(catalogue)
    assert account is not None
    with pytest.raises(RejectedError, match="SIGN_IN_REFUSED"):
        Sessions(catalogue).sign_in(account.name, "", "127.0.0.1")


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://elsewhere"},
        {"token_endpoint": "http://elsewhere.example/token"},
        {"jwks_uri": None},
    ],
    ids=repr,
)
def test_a_provider_that_is_another_than_it_says_is_not_used(
    entrance: Entrance, metadata: dict[str, object]
) -> None:
    entrance.provider.metadata = metadata
    answer = entrance.browser.get("/sign-in/oidc", follow_redirects=False)
    assert answer.status_code == 503
    assert _is_refused(answer, "OIDC_UNREACHABLE")
    assert 'name="password"' in answer.text


def test_a_provider_that_is_away_leaves_the_accounts_of_the_portal(
    settings: Settings, catalogue: Catalogue, oidc: Oidc
) -> None:
    away = oidc.model_copy(update={"issuer": "http://127.0.0.1:9"})
    with _portal(settings, away) as browser:
        answer = browser.get("/sign-in/oidc", follow_redirects=False)
    assert answer.status_code == 503
    assert 'name="password"' in answer.text


def test_how_long_ago_the_password_was_typed_can_be_bounded(
    settings: Settings, catalogue: Catalogue, oidc: Oidc, provider: IdentityProvider
) -> None:
    strict = oidc.model_copy(update={"max_age_s": 0})
    with _portal(settings, strict) as browser:
        entrance = Entrance(browser, provider)
        assert "max_age=0" in entrance.leave()
        assert _is_refused(entrance.enter(), "OIDC_REFUSED")  # it does not say when
        provider.claims = {"auth_time": int(time.time()) - 3600}
        assert _is_refused(entrance.enter(), "OIDC_REFUSED")
        provider.claims = {"auth_time": int(time.time())}
        assert entrance.enter().status_code == 200


def test_the_button_stands_where_a_provider_is_named_and_nowhere_else(
    entrance: Entrance, nobody
) -> None:
    assert "Hospital account" in entrance.browser.get("/sign-in").text
    assert "/sign-in/oidc" not in nobody.get("/sign-in").text
    assert nobody.get("/sign-in/oidc").status_code == 404
    assert nobody.get("/sign-in/oidc/return").status_code == 404


def test_nothing_of_the_person_is_in_a_refusal(entrance: Entrance, catalogue: Catalogue) -> None:
    entrance.provider.claims = {"nonce": "of another attempt"}
    text = entrance.enter().text
    assert "8b1f-77" not in text
    assert "Martin" not in text
    assert not any("artin" in act.target + act.who for act in acts(catalogue, newest=1))


def test_a_browser_that_comes_from_another_site_is_signed_in(
    settings: Settings, oidc: Oidc
) -> None:
    # `localhost` and `127.0.0.1` are two sites to a browser (RFC 6265bis 5.2).
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with serving("localhost") as provider:
        named = {"issuer": provider.url, "portal_url": f"http://127.0.0.1:{port}"}
        believing = settings.model_copy(update={"oidc": oidc.model_copy(update=named)})
        with serve(believing, KEY, port) as served, chromium() as browser:
            page = browser.new_context(locale="en").new_page()
            page.goto(f"{served.url}/sign-in")
            page.get_by_role("link", name="Hospital account").click()
            page.wait_for_url(f"{served.url}/")
            page.get_by_text("Dr Élise Martin").wait_for()
