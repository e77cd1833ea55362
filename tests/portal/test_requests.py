"""Requests in the portal and over the API: drafted, counted, approved by another."""

from __future__ import annotations

import re

import pytest

from pipelines.access.sessions import Sessions
from pipelines.catalogue.database import Catalogue
from pipelines.requests.book import Author, take_step

from .conftest import PEOPLE, User

FORM = {
    "name": "prostate-t2",
    "title": "Prostate T2 of two hospitals",
    "purpose": "To train and to test a detector of lesions.",
    "lead": "Dr Martin",
    "people": "A. Student, B. Engineer",
    "legal_basis": "public-interest",
    "ethics_reference": "CER-2026-17",
    "ethics_until": "2098-12-31",
    "collection": "prostate",
    "roles": "t2w_ax",
    "sites": "hopital-nord, hopital-sud",
    "formats": ["dicom", "nifti"],
    "destination": "project space 4",
    "retention_until": "2098-06-30",
}
PAGE = "/requests/prostate-t2"


@pytest.fixture
def team(sign_in) -> User:
    return sign_in("requester")


def test_a_request_is_drafted_submitted_counted_and_approved_by_another(team, sign_in) -> None:
    answer = team.send("/requests/new", FORM)
    assert (answer.status_code, answer.headers["location"]) == (303, PAGE)
    assert "fewer than 10" not in team.get(PAGE).text
    team.send(f"{PAGE}/step", {"step": "submit"})
    page = team.get(PAGE).text
    assert "fewer than 10 subjects" in page
    assert 'value="approve"' not in page
    officer = sign_in("officer")
    officer.send(f"{PAGE}/step", {"step": "count"})
    officer.send(f"{PAGE}/step", {"step": "approve", "note": "as discussed"})
    page = officer.get(PAGE).text
    assert "approved" in page
    assert "as discussed" in page
    assert "Sujets de la collection prostate" in officer.get(f"{PAGE}?lang=fr").text
    log = officer.get("/log").text
    assert log.count("count") >= 2
    assert "request approve" in log


def test_a_step_that_is_not_ones_own_is_refused(team, sign_in) -> None:
    team.send("/requests/new", FORM)
    assert team.send(f"{PAGE}/step", {"step": "approve"}).status_code == 409
    assert sign_in("engineer").send(f"{PAGE}/step", {"step": "submit"}).status_code == 409
    assert "draft" in team.get(PAGE).text


def test_an_officer_who_is_also_the_requester_never_approves_their_own(
    team, catalogue: Catalogue, sign_in
) -> None:
    team.send("/requests/new", FORM)
    for step, role in (("submit", "requester"), ("count", "officer")):
        take_step(catalogue, "prostate-t2", step, Author("r.team", role))
    from pipelines.catalogue.people import Account

    with catalogue.session() as session:
        account = session.get(Account, "r.team")
        assert account is not None
        account.roles = ["officer", "requester"]
    assert 'value="approve"' not in team.get(PAGE).text
    assert team.send(f"{PAGE}/step", {"step": "approve"}).status_code == 409


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"purpose": "short"}, "purpose"),
        ({"name": "../../etc"}, "name"),
        ({"retention_until": "2099-01-01"}, "retention_until is after ethics_until"),
        ({"ethics_until": "soon"}, "ethics_until"),
        ({"field_strengths_t": "three"}, "field_strengths_t"),
    ],
)
def test_a_form_that_cannot_be_is_shown_again_with_what_is_wrong(team, change, said) -> None:
    answer = team.send("/requests/new", {**FORM, **change})
    assert answer.status_code == 400
    assert said in answer.text
    assert 'value="Prostate T2 of two hospitals"' in answer.text
    assert "prostate-t2" not in team.get("/requests").text


def test_a_team_sees_its_own_requests_alone(team, sign_in, catalogue: Catalogue) -> None:
    from config.request import CohortRequest
    from pipelines.requests.book import file_request

    content = {k: v for k, v in FORM.items() if k not in {"collection", "roles", "sites"}}
    content |= {"name": "others", "people": [], "criteria": {"collection": "prostate"}}
    file_request(catalogue, CohortRequest.model_validate(content), Author("x.y", "requester"))
    assert "/requests/others" not in team.get("/requests").text
    assert team.get("/requests/others").status_code == 404
    assert "/requests/others" in sign_in("officer").get("/requests").text
    assert sign_in("officer").get("/requests/others").status_code == 200


def test_a_program_files_counts_and_submits_by_token(nobody, catalogue: Catalogue) -> None:
    secret = Sessions(catalogue).make_token(PEOPLE["requester"], "script", 1)
    bearer = {"authorization": f"Bearer {secret}"}
    content = {k: v for k, v in FORM.items() if k not in {"collection", "roles", "sites"}}
    content |= {"people": [], "criteria": {"collection": "prostate", "roles": ["t2w_ax"]}}
    filed = nobody.post("/api/requests", json=content, headers=bearer)
    assert filed.json() == {"name": "prostate-t2", "state": "draft"}
    step = nobody.post("/api/requests/prostate-t2/step", json={"step": "submit"}, headers=bearer)
    assert step.json() == {"name": "prostate-t2", "state": "submitted"}
    counted = nobody.get("/api/requests/prostate-t2/count", headers=bearer).json()
    assert (counted["at_least"], set(counted["by_site"].values())) == (0, set())
    assert [r["name"] for r in nobody.get("/api/requests", headers=bearer).json()] == [
        "prostate-t2"
    ]
    wrong = nobody.post("/api/requests", json={"name": "x"}, headers=bearer)
    assert (wrong.status_code, wrong.json()["code"]) == (409, "CONFIG_INVALID")
    step = {"step": "approve"}
    refused = nobody.post("/api/requests/prostate-t2/step", json=step, headers=bearer)
    assert refused.status_code == 409
    assert refused.json()["code"] == "REQUEST_STEP_NOT_NOW"


def test_every_count_on_a_page_is_none_or_ten_and_more(team) -> None:
    team.send("/requests/new", FORM)
    team.send(f"{PAGE}/step", {"step": "submit"})
    page = team.get(PAGE).text
    told = [int(n) for n in re.findall(r"at least (\d+)", page)]
    assert all(n >= 10 for n in told)
