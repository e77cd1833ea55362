"""Every route for every role and none; forms of others; what a role may not learn."""

from __future__ import annotations

import re

import pytest

from pipelines.access.sessions import Sessions
from pipelines.catalogue.database import Catalogue
from portal.door import route_rules

from .conftest import ORIGIN, PEOPLE, PROJECT, User

ROLES = ("officer", "engineer", "requester", "radiologist")

ALLOWED = {
    # by hand from review.md section 1 (roles) and issue 8: who may use what
    "GET /": "oerd",
    "GET /account": "oerd",
    "POST /account/tokens": "oer",
    "POST /account/tokens/end": "oer",
    "POST /sign-out": "oerd",
    "GET /log": "oerd",
    "GET /people": "o",
    "POST /people": "o",
    "POST /people/{name}/link": "o",
    "POST /people/{name}/close": "o",
    "POST /people/{name}/open": "o",
    "GET /projects/{project}": "oe",
    "GET /projects/{project}/agreement": "o",
    "POST /projects/{project}/release": "o",
    "GET /review/{project}": "d",
    "GET /review/{project}/{token}": "d",
    "POST /review/{project}/{token}": "d",
    "POST /review/{project}/{token}/draft": "d",
    "GET /review/{project}/{token}/{pane}/{plane}/{index}": "d",
    "GET /requests": "oer",
    "GET /requests/new": "r",
    "POST /requests/new": "r",
    "GET /requests/{name}": "oer",
    "POST /requests/{name}/step": "oer",
    "GET /releases": "oer",
    "GET /releases/{project}/{version}": "oer",
    "GET /releases/{project}/{version}/report": "oer",
    "GET /releases/{project}/{version}/archive": "oer",
    "GET /releases/{project}/{version}/since/{former}": "oer",
    "GET /api/requests": "oer",
    "POST /api/requests": "r",
    "GET /api/requests/{name}": "oer",
    "GET /api/requests/{name}/count": "oer",
    "POST /api/requests/{name}/step": "oer",
    "GET /api/projects/{project}/gate": "oe",
    **{
        f"GET /dicomweb/{{project}}/studies{rest}": "oe"
        for rest in (
            "",
            "/{study}",
            "/{study}/series",
            "/{study}/instances",
            "/{study}/metadata",
            "/{study}/series/{series}",
            "/{study}/series/{series}/instances",
            "/{study}/series/{series}/metadata",
            "/{study}/series/{series}/instances/{instance}",
            "/{study}/series/{series}/instances/{instance}/metadata",
            "/{study}/series/{series}/instances/{instance}/frames/{numbers}",
        )
    },
}
LETTER = {"officer": "o", "engineer": "e", "requester": "r", "radiologist": "d"}
OPEN = {
    "GET /sign-in",
    "POST /sign-in",
    "GET /sign-in/oidc",
    "GET /sign-in/oidc/return",
    "GET /invitation/{secret}",
    "POST /invitation/{secret}",
}
FILLED = {
    "project": PROJECT,
    "token": "0" * 32,
    "pane": "left",
    "plane": "slice",
    "index": "0",
    "name": "nothing",
    "version": "1",
    "former": "2",
    "secret": "x",
    "study": "1.2.3",
    "series": "1.2.3.1",
    "instance": "1.2.3.1.1",
    "numbers": "1",
}


def address(route: str) -> tuple[str, str]:
    method, path = route.split()
    return method, re.sub(r"\{(\w+)\}", lambda found: FILLED[found[1]], path)


def test_the_table_names_every_route_and_no_other() -> None:
    assert set(route_rules()) == set(ALLOWED) | OPEN


@pytest.mark.parametrize("role", ROLES)
def test_each_role_gets_what_the_table_says_and_nothing_else(
    sign_in, catalogue: Catalogue, role: str
) -> None:
    user: User = sign_in(role)
    token = Sessions(catalogue).make_token(PEOPLE[role], "test", 1)
    own = user.form_token()
    for route, letters in ALLOWED.items():
        if route == "POST /sign-out":
            continue
        method, path = address(route)
        headers = {"origin": ORIGIN, "x-form-token": own, "authorization": f"Bearer {token}"}
        answer = user.client.request(
            method, path, headers=headers, json={} if path.startswith("/api/") else None,
            content=None if path.startswith("/api/") else b"", follow_redirects=False,
        )  # fmt: skip
        refused = answer.status_code == 403
        assert refused == (LETTER[role] not in letters), (route, role, answer.status_code)
        assert answer.status_code != 500, (route, role)


def test_without_signing_in_nothing_but_the_door_answers(nobody) -> None:
    for route in ALLOWED:
        method, path = address(route)
        answer = nobody.request(
            method, path, headers={"origin": ORIGIN}, json={}, follow_redirects=False
        )
        assert answer.status_code in {401, 403}, (route, answer.status_code)
        page = nobody.request(
            method, path, headers={"accept": "text/html"}, json={}, follow_redirects=False
        )
        assert page.headers.get("location", "/sign-in") == "/sign-in"


def test_a_form_of_another_session_or_from_elsewhere_is_refused(
    reader: User, sign_in, tokens: list[str]
) -> None:
    path = f"/review/prostate/{tokens[0]}/draft"
    assert reader.send(path, {}).status_code == 204
    for given in ("", "0" * 32, "é", sign_in("second").form_token()):
        assert reader.send(path, {"form_token": given}).status_code == 403
    for origin in (None, "null", "http://evil.example", "https://127.0.0.1", f"{ORIGIN}:81"):
        assert reader.send(path, {}, origin=origin).status_code == 403


def test_a_browsers_session_opens_no_route_of_programs(sign_in) -> None:
    officer: User = sign_in("officer")
    assert officer.get("/api/requests").status_code == 401
    assert officer.get("/api/requests", headers={"authorization": "Bearer x"}).status_code == 401


def test_a_reader_of_another_project_finds_nothing_here(sign_in, tokens: list[str]) -> None:
    other: User = sign_in("elsewhere")
    assert other.get("/review/prostate").status_code == 404
    assert other.get(f"/review/prostate/{tokens[0]}").status_code == 404
    assert "Prostate MRI" not in other.get("/").text


def test_a_readers_token_is_no_ones_elses(sign_in, tokens: list[str], reader: User) -> None:
    frame = f"/review/prostate/{tokens[0]}/left/slice/0"
    assert reader.get(frame).status_code == 200
    second: User = sign_in("second")
    assert second.get(frame).status_code == 404
    assert second.get(f"/review/prostate/{tokens[0]}").status_code == 404
