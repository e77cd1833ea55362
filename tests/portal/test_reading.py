from __future__ import annotations

import re

import numpy as np
import pytest
from sqlalchemy import select

from config.settings import Settings
from pipelines.catalogue.database import Catalogue
from pipelines.catalogue.research import ControlRead, Decision
from pipelines.cohort.controls import make_spoilt
from pipelines.cohort.packs import load_pack
from pipelines.cohort.review import REASONS, record_decision, review_items
from pipelines.store import ResearchStore
from portal.blinding import Blinding, Shown
from portal.verdict import CRITERIA

from .conftest import ANSWERS, ORIGIN, PROJECT, User, add_pack

URL = "/review/prostate"


def read(user: User, token: str, **values: object):
    return user.send(f"{URL}/{token}", {**ANSWERS, "verdict": "accept", **values})


def verdicts(catalogue: Catalogue) -> list[str]:
    items = review_items(catalogue, PROJECT)
    return sorted(verdict for item in items for verdict in item.verdicts.values())


def test_the_first_page_counts_pairs_waiting_and_read_and_shows_the_gate(
    reader: User, catalogue: Catalogue, digests: list[str]
) -> None:
    def facts() -> list[str]:
        page = reader.get("/").text
        card = page.split("<code>prostate</code>")[1].split("</li>")[0]
        return re.findall(r"<dd[^>]*>([^<]*)</dd>", card)

    assert facts() == ["3", "3", "0", "Red"]
    for sha256 in digests:
        record_decision(catalogue, PROJECT, sha256, reader="r", verdict="accept")
    assert facts() == ["3", "0", "3", "Green"]


def test_simulated_verdicts_are_called_so(
    reader: User, catalogue: Catalogue, digests: list[str]
) -> None:
    assert "SIMULATED" not in reader.get("/").text
    record_decision(catalogue, PROJECT, digests[0], reader="s", verdict="accept", simulated=True)
    assert "SIMULATED" in reader.get("/").text
    assert "SIMULÉ" in reader.get("/?lang=fr").text


def test_the_list_leads_to_every_pair_in_the_order_of_tokens(
    reader: User, tokens: list[str]
) -> None:
    page = reader.get(URL).text
    assert re.findall(rf'href="{URL}/([0-9a-f]+)"', page) == tokens


def test_an_accept_is_kept_and_leads_to_the_next_unread_pair(
    reader: User, catalogue: Catalogue, tokens: list[str]
) -> None:
    for number, token in enumerate(tokens, start=1):
        answer = read(reader, token)
        assert answer.status_code == 303
        waiting = f"/{tokens[number]}" if number < 3 else ""
        assert answer.headers["location"] == f"{URL}{waiting}?saved=1"
    assert verdicts(catalogue) == ["accept"] * 3
    page = reader.get(f"{URL}?saved=1").text
    assert "Your verdict is saved." in page
    assert page.count("<td>yes</td>") == 3


def test_a_verdict_is_kept_under_the_account_with_reasons_and_answers_by_side(
    reader: User, catalogue: Catalogue, digests: list[str], blinding: Blinding
) -> None:
    shown = Shown(PROJECT, "e.martin", digests[0])
    left, right = blinding.side(shown, "left"), blinding.side(shown, "right")
    form = {"verdict": "reject", "reasons": ["banding"], "only_on": "right", "mark": "row:2:0:19"}
    assert read(reader, blinding.token(shown), **form).status_code == 303
    with catalogue.session() as session:
        row = session.scalars(select(Decision)).one()
        assert (row.reader, row.verdict, row.reasons) == ("e.martin", "reject", ["banding"])
        assert row.answers == {
            "preferred": left,
            "preferred_pane": "left",
            "confidence": 2,
            "only_on": right,
            "mark": {"plane": "row", "index": 2, "row": 0, "column": 19},
            "guessed": right,
            "ratings": {},
            "seconds": 31.5,
        }


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"verdict": "reject"}, "A reject needs at least one reason"),
        ({"verdict": "reject", "reasons": ["because"]}, "A reject needs at least one reason"),
        ({"verdict": "accept", "reasons": ["because"]}, "A reject needs at least one reason"),
        ({"verdict": ""}, "Choose accept or reject."),
        ({"verdict": "maybe"}, "Choose accept or reject."),
        ({"preferred": "both"}, "Say which is better"),
        ({"confidence": "9"}, "Say which is better"),
        ({"only_on": ""}, "Say whether anything is on one side only."),
        ({"only_on": "left"}, "Mark the place on the image."),
        ({"only_on": "left", "mark": "slice:1:2"}, "Mark the place on the image."),
        ({"guessed": "neither"}, "Say which side you think was processed."),
    ],
)
def test_an_incomplete_verdict_is_refused_and_what_was_filled_in_stays(
    reader: User,
    catalogue: Catalogue,
    tokens: list[str],
    change: dict[str, object],
    sentence: str,
) -> None:
    answer = read(reader, tokens[0], **change)
    assert answer.status_code == 400
    assert f'role="alert">{sentence}' in answer.text
    assert verdicts(catalogue) == []
    if change.get("verdict") in {"accept", "reject"}:
        assert re.search(rf'value="{change["verdict"]}"( required)? checked', answer.text)


def test_a_draft_is_kept_until_the_verdict_is_sent(
    reader: User, catalogue: Catalogue, tokens: list[str]
) -> None:
    form = {"preferred": "right", "reasons": ["banding"]}
    assert reader.send(f"{URL}/{tokens[0]}/draft", form).status_code == 204
    page = reader.get(f"{URL}/{tokens[0]}").text
    assert 'name="preferred" value="right" required data-keys checked' in page
    assert 'value="banding" checked' in page
    assert verdicts(catalogue) == []
    read(reader, tokens[0])
    assert "checked> Banding" not in reader.get(f"{URL}/{tokens[0]}").text


def test_a_verdict_on_changed_pixels_is_not_kept(
    reader: User,
    catalogue: Catalogue,
    settings: Settings,
    digests: list[str],
    blinding: Blinding,
) -> None:
    path = ResearchStore(settings).packs / digests[0] / "after.npy"
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(bytes(raw))
    answer = read(reader, blinding.token(Shown(PROJECT, "e.martin", digests[0])))
    assert answer.status_code == 409
    assert "no longer those its name stands for" in answer.text
    assert verdicts(catalogue) == []


def test_a_frame_is_the_sides_values_on_a_scale_of_its_own_percentiles(
    reader: User, settings: Settings, digests: list[str], blinding: Blinding
) -> None:
    shown = Shown(PROJECT, "e.martin", digests[0])
    pack = load_pack(ResearchStore(settings).packs, digests[0])
    for pane in ("left", "right"):
        values = np.asarray(pack.values(blinding.side(shown, pane)), np.float64)
        low, high = np.percentile(values.astype(np.float32), [0.1, 99.9])
        expected = np.clip((values[2] - low) / (high - low), 0, 1) * 65534 + 1
        answer = reader.get(f"{URL}/{blinding.token(shown)}/{pane}/slice/2")
        codes = np.frombuffer(answer.content, "<u2").reshape(16, 20)
        assert np.abs(codes - expected).max() <= 1


def test_a_pair_read_by_enough_others_is_not_shown_any_more(
    sign_in, reader: User, blinding: Blinding, digests: list[str]
) -> None:
    second = sign_in("second")
    theirs = blinding.token(Shown(PROJECT, "b.second", digests[0]))
    assert second.get(f"{URL}/{theirs}").status_code == 200
    read(reader, blinding.token(Shown(PROJECT, "e.martin", digests[0])))
    assert second.get(f"{URL}/{theirs}").status_code == 404
    assert theirs not in second.get(URL).text


def test_a_dispute_goes_to_a_senior_reader_who_did_not_read_it_and_ends_there(
    sign_in, reader: User, catalogue: Catalogue, blinding: Blinding, digests: list[str]
) -> None:
    seen = {"only_on": "left", "mark": "slice:1:3:4"}
    read(reader, blinding.token(Shown(PROJECT, "e.martin", digests[0])), **seen)
    item = next(i for i in review_items(catalogue, PROJECT) if i.sha256 == digests[0])
    assert item.disputed
    theirs = blinding.token(Shown(PROJECT, "b.second", digests[0]))
    assert read(sign_in("second"), theirs).status_code == 404
    senior = sign_in("senior")
    assert "to settle" in senior.get("/").text
    token = blinding.token(Shown(PROJECT, "s.senior", digests[0]))
    assert "Your verdict ends it." in senior.get(f"{URL}/{token}").text
    read(senior, token, verdict="reject", reasons=["structure-added"])
    item = next(i for i in review_items(catalogue, PROJECT) if i.sha256 == digests[0])
    assert (item.disputed, item.settled, item.verdicts) == (
        False,
        "reject",
        {"e.martin": "accept"},
    )


def test_controls_are_among_the_pairs_and_count_for_nothing_but_the_reader(
    reader: User, settings: Settings, catalogue: Catalogue, people: object, blinding: Blinding
) -> None:
    digests = [add_pack(settings, catalogue, number) for number in range(20, 25)]
    packs = ResearchStore(settings).packs
    make_spoilt(
        catalogue, PROJECT, sorted([i.sha256 for i in review_items(catalogue, PROJECT)]), packs
    )
    listed = re.findall(rf'href="{URL}/([0-9a-f]+)"', reader.get(URL).text)
    pairs = review_items(catalogue, PROJECT)
    assert len(listed) == len(pairs) + 3
    for token in listed:
        assert read(reader, token).status_code == 303
    assert len(verdicts(catalogue)) == len(pairs) >= len(digests)
    with catalogue.session() as session:
        kinds = sorted(row.kind for row in session.scalars(select(ControlRead)))
    assert kinds == ["identical", "repeat", "spoilt"]
    assert "repeat" not in reader.get("/log").text


def test_every_reason_can_be_chosen_in_both_languages(reader: User, tokens: list[str]) -> None:
    english = reader.get(f"{URL}/{tokens[0]}").text
    french = reader.get(f"{URL}/{tokens[0]}?lang=fr").text
    for reason in REASONS:
        assert f'name="reasons" value="{reason}"' in english
        assert f'name="reasons" value="{reason}"' in french
    assert "Too smooth" in english
    assert "Lissage excessif" in french


@pytest.mark.parametrize(
    ("query", "header", "language"),
    [
        ("", None, "en"),
        ("", "fr-FR,fr;q=0.9,en;q=0.8", "fr"),
        ("", "de, en;q=0.5, fr;q=0.7", "fr"),
        ("", "fr;q=x, *", "en"),
        ("?lang=en", "fr", "en"),
        ("?lang=fr", "en", "fr"),
        ("?lang=de", None, "en"),
    ],
)
def test_the_language_is_the_addresss_then_the_browsers_then_english(
    nobody, query: str, header: str | None, language: str
) -> None:
    headers = {"accept-language": header} if header else {}
    answer = nobody.get(f"/sign-in{query}", headers=headers)
    assert answer.headers["content-language"] == language
    assert f'<html lang="{language}">' in answer.text


def test_links_keep_the_language_that_was_asked_for(reader: User, tokens: list[str]) -> None:
    assert f'href="{URL}/{tokens[0]}?lang=fr"' in reader.get(f"{URL}?lang=fr").text
    form = {**ANSWERS, "verdict": "accept"}
    answer = reader.send(f"{URL}/{tokens[0]}?lang=fr", form, origin=ORIGIN)
    assert answer.headers["location"].endswith("?saved=1&lang=fr")


def test_a_project_with_broken_settings_does_not_close_the_room(
    sign_in, settings: Settings
) -> None:
    broken = settings.config_root / "projects" / "broken.yaml"
    broken.write_text("name: broken\nnot_a_field: 1\n", encoding="utf-8")
    page = sign_in("officer").get("/").text
    assert "The settings of this project cannot be read." in page
    assert "<code>prostate</code>" in page


def test_ratings_are_asked_for_where_the_project_wants_them_and_kept_by_side(
    reader: User, settings: Settings, catalogue: Catalogue, digests: list[str], blinding: Blinding
) -> None:
    path = settings.config_root / "projects" / "prostate.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "review: {ratings: true}\n")
    shown = Shown(PROJECT, "e.martin", digests[0])
    token = blinding.token(shown)
    assert read(reader, token).status_code == 400
    page = reader.get(f"{URL}/{token}").text
    assert page.count("<select name=") == 10
    rated = {f"{c}/{p}": "4" if p == "left" else "2" for c in CRITERIA for p in ("left", "right")}
    assert read(reader, token, **rated).status_code == 303
    with catalogue.session() as session:
        kept = session.scalars(select(Decision)).one().answers["ratings"]
    left = blinding.side(shown, "left")
    assert {c: kept[c][left] for c in CRITERIA} == dict.fromkeys(CRITERIA, 4)
    assert all(sorted(kept[c].values()) == [2, 4] for c in CRITERIA)
