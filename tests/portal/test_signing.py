"""Signing in: refused attempts are counted, sessions end, links work once, secrets are not kept."""

from __future__ import annotations

import re
import sqlite3

import pytest

from config.errors import ConfigurationError, RejectedError
from config.settings import Settings
from pipelines.access.log import acts, note_act, verify_acts
from pipelines.access.passwords import COST, hash_password, is_password
from pipelines.access.people import INVITATION_S, People, Person
from pipelines.access.sessions import ABSOLUTE_S, FAILURES, IDLE_S, WINDOW_S, Sessions
from pipelines.catalogue.database import Catalogue
from pipelines.catalogue.people import AuditEntry

from .conftest import CHEAP, ORIGIN, PASSWORD, PEOPLE, User


class Clock:
    """A clock that is turned by hand."""

    now_s = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sessions(catalogue: Catalogue, clock: Clock) -> Sessions:
    return Sessions(catalogue, clock)


def enter(nobody, name: str, password: str):
    page = nobody.get("/sign-in").text
    found = re.search(r'name="form_token" value="([0-9a-f]+)"', page)
    assert found
    form = {"form_token": found[1], "name": name, "password": password}
    return nobody.post("/sign-in", data=form, headers={"origin": ORIGIN}, follow_redirects=False)


def test_scrypt_gives_the_hash_of_rfc_7914() -> None:
    # RFC 7914 section 12, third vector, cut to the 32 bytes that are kept.
    salt = b"SodiumChloride".hex()
    digest = "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
    assert is_password(f"scrypt$14$8$1${salt}${digest}", "pleaseletmein")
    assert not is_password(f"scrypt$14$8$1${salt}${digest}", "pleaseletmeout")


def test_a_password_is_kept_with_its_cost_and_never_itself() -> None:
    kept = hash_password(PASSWORD)
    assert kept.startswith("scrypt$" + "$".join(str(n) for n in COST))
    assert PASSWORD not in kept
    assert kept != hash_password(PASSWORD)
    assert is_password(kept, PASSWORD)
    assert not is_password(None, PASSWORD)


@pytest.mark.parametrize("password", ["", "elevenchars", "x" * 1025])
def test_a_password_too_short_or_absurdly_long_is_refused(password: str) -> None:
    with pytest.raises(ConfigurationError, match="PASSWORD_UNFIT"):
        hash_password(password, CHEAP)


def test_who_signs_in_gets_a_session_of_their_own_whatever_they_brought(nobody) -> None:
    nobody.cookies.set("accordage_session", "chosen by somebody else")
    answer = enter(nobody, "e.martin", PASSWORD)
    assert answer.status_code == 303
    cookie = answer.headers["set-cookie"]
    assert re.match(r"accordage_session=[\w-]{43};", cookie)
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Dr Élise Martin" in nobody.get("/").text


def test_who_signs_out_is_out_and_leaves_no_frames_behind(nobody, people: People) -> None:
    enter(nobody, "e.martin", PASSWORD)
    user = User(nobody, PEOPLE["radiologist"])
    kept = nobody.cookies["accordage_session"]
    answer = user.send("/sign-out", {})
    assert answer.headers["clear-site-data"] == '"cache"'
    nobody.cookies.set("accordage_session", kept)
    assert nobody.get("/", follow_redirects=False).status_code == 401


@pytest.mark.parametrize(("name", "password"), [("e.martin", "not it"), ("nobody", PASSWORD)])
def test_a_wrong_name_and_a_wrong_password_look_alike(nobody, name: str, password: str) -> None:
    answer = enter(nobody, name, password)
    assert answer.status_code == 403
    assert "The name or the password is wrong." in answer.text
    assert password not in answer.text


def test_after_five_failures_even_the_right_password_waits(
    sessions: Sessions, clock: Clock, people: People
) -> None:
    for _ in range(FAILURES["name"]):
        with pytest.raises(RejectedError, match="SIGN_IN_REFUSED"):
            sessions.sign_in("e.martin", "wrong", "192.0.2.1")
    with pytest.raises(RejectedError, match="SIGN_IN_TOO_OFTEN"):
        sessions.sign_in("e.martin", PASSWORD, "192.0.2.2")
    assert sessions.sign_in("a.officer", PASSWORD, "192.0.2.1")
    clock.now_s += WINDOW_S + 1
    assert sessions.sign_in("e.martin", PASSWORD, "192.0.2.1")


def test_one_address_that_tries_many_names_is_not_listened_to(sessions: Sessions) -> None:
    names = [person.name for person in PEOPLE.values()] * 4 + ["guess.1", "guess.2"]
    assert len(names) == FAILURES["address"]
    for name in names:
        with pytest.raises(RejectedError, match="SIGN_IN_REFUSED"):
            sessions.sign_in(name, "wrong", "192.0.2.9")
    with pytest.raises(RejectedError, match="SIGN_IN_TOO_OFTEN"):
        sessions.sign_in("a.officer", PASSWORD, "192.0.2.9")


def test_brute_force_over_the_page_is_told_to_wait(nobody) -> None:
    answers = [enter(nobody, "e.martin", f"guess {n}").status_code for n in range(7)]
    assert answers == [403] * 5 + [429] * 2


def test_a_session_ends_when_unused_and_after_its_longest(sessions: Sessions, clock: Clock) -> None:
    secret = sessions.begin("e.martin")
    clock.now_s += IDLE_S - 1
    assert sessions.person(secret) == PEOPLE["radiologist"]
    clock.now_s += IDLE_S + 1
    assert sessions.person(secret) is None
    secret = sessions.begin("e.martin")
    for _ in range(ABSOLUTE_S // 1800):
        clock.now_s += 1800
        assert sessions.person(secret) is not None
    clock.now_s += 1
    assert sessions.person(secret) is None


def test_a_closed_account_is_out_at_once(
    sessions: Sessions, people: People, catalogue: Catalogue
) -> None:
    secret = sessions.begin("e.martin")
    token = sessions.make_token(PEOPLE["radiologist"], "script", 90)
    assert sessions.program(token) == PEOPLE["radiologist"]
    people.close("e.martin", by="a.officer")
    assert sessions.person(secret) is None
    assert sessions.program(token) is None
    with pytest.raises(RejectedError, match="SIGN_IN_REFUSED"):
        sessions.sign_in("e.martin", PASSWORD, "192.0.2.1")
    with pytest.raises(ConfigurationError, match="ACCOUNT_OWN"):
        people.close("a.officer", by="a.officer")


def test_an_invitation_works_once_and_not_for_ever(catalogue: Catalogue, clock: Clock) -> None:
    people = People(catalogue, clock, CHEAP)
    person = Person("n.new", "N. New", ("requester",))
    secret = people.invite(person, "a.officer")
    with pytest.raises(ConfigurationError, match="PASSWORD_UNFIT"):
        people.accept(secret, "short")
    assert people.accept(secret, PASSWORD) == "n.new"
    with pytest.raises(ConfigurationError, match="INVITATION_OVER"):
        people.accept(secret, PASSWORD)
    late = people.invite_again("n.new", "a.officer")
    clock.now_s += INVITATION_S + 1
    with pytest.raises(ConfigurationError, match="INVITATION_OVER"):
        people.accept(late, PASSWORD)


@pytest.mark.parametrize(
    ("name", "display", "roles", "senior"),
    [
        ("A.Name", "A", ("officer",), False),
        ("../x", "A", ("officer",), False),
        ("a.name", "<b>", ("officer",), False),
        ("a.name", "A", (), False),
        ("a.name", "A", ("admin",), False),
        ("a.name", "A", ("officer",), True),
    ],
)
def test_an_account_that_cannot_be_is_refused(
    people: People, name: str, display: str, roles: tuple[str, ...], senior: bool
) -> None:
    with pytest.raises(ConfigurationError, match="ACCOUNT_INVALID"):
        people.invite(Person(name, display, roles, senior=senior), "a.officer")
    with pytest.raises(ConfigurationError, match="ACCOUNT_EXISTS"):
        people.invite(PEOPLE["officer"], "a.officer")


def test_the_first_officer_is_made_once(people: People) -> None:
    with pytest.raises(ConfigurationError, match="ACCOUNT_OFFICER_EXISTS"):
        people.first_officer("b.officer", "B")


def test_an_officer_invites_a_reader_who_chooses_a_password_and_reads(sign_in, nobody) -> None:
    officer: User = sign_in("officer")
    form = {
        "name": "n.reader",
        "display": "Dr N. Reader",
        "roles": ["radiologist"],
        "projects": ["prostate", "no-such-project"],
    }
    page = officer.send("/people", form).text
    link = re.search(r"http://127.0.0.1(/invitation/[\w-]+)", page)
    assert link
    found = re.search(r'name="form_token" value="([0-9a-f]+)"', nobody.get(link[1]).text)
    assert found
    chosen = {"form_token": found[1], "password": PASSWORD}
    answer = nobody.post(link[1], data=chosen, headers={"origin": ORIGIN}, follow_redirects=False)
    assert answer.status_code == 303
    assert nobody.get("/review/prostate").status_code == 200


def test_secrets_are_not_in_the_database(
    sessions: Sessions, people: People, settings: Settings, catalogue: Catalogue
) -> None:
    secrets = [
        sessions.begin("e.martin"),
        sessions.make_token(PEOPLE["engineer"], "script", 1),
        people.invite_again("e.martin", "a.officer"),
        PASSWORD,
    ]
    catalogue.close()
    with sqlite3.connect(settings.research_root / "catalogue.sqlite") as connection:
        dump = "\n".join(connection.iterdump())
    connection.close()
    assert "portal_session" in dump
    assert not [secret for secret in secrets if secret in dump]


def test_a_token_acts_for_its_user_until_its_day(sessions: Sessions, clock: Clock) -> None:
    token = sessions.make_token(PEOPLE["engineer"], "script", 2)
    assert sessions.program(token) == PEOPLE["engineer"]
    clock.now_s += 2 * 24 * 3600 + 1
    assert sessions.program(token) is None
    for label, days in (("", 1), ("x", 0), ("x", 91)):
        with pytest.raises(ConfigurationError, match="TOKEN_INVALID"):
            sessions.make_token(PEOPLE["engineer"], label, days)


def test_the_log_is_a_chain_that_shows_a_change(catalogue: Catalogue) -> None:
    with catalogue.session() as session:
        for number in range(3):
            note_act(session, "e.martin", "read", f"prostate {number}")
    length, newest = verify_acts(catalogue)
    assert newest == acts(catalogue)[0].digest
    with catalogue.session() as session:
        changed = session.get(AuditEntry, length - 1)
        assert changed is not None
        changed.target = "prostate 9"
    with pytest.raises(RejectedError, match=f"AUDIT_CHAIN_BROKEN: entry {length - 1}"):
        verify_acts(catalogue)


def test_everybody_sees_their_own_acts_and_an_officer_all(sign_in, catalogue: Catalogue) -> None:
    with catalogue.session() as session:
        note_act(session, "e.engineer", "download", "something of theirs")
    assert "something of theirs" in sign_in("engineer").get("/log").text
    assert "something of theirs" not in sign_in("requester").get("/log").text
    assert "something of theirs" in sign_in("officer").get("/log").text
