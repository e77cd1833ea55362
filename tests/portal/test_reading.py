from __future__ import annotations

import io
import re

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from config.settings import Settings
from pipelines.catalogue.database import Catalogue
from pipelines.cohort.packs import load_pack
from pipelines.cohort.review import REASONS, record_decision, review_items
from pipelines.store import ResearchStore
from portal.blinding import Blinding

ORIGIN = "http://127.0.0.1"
URL = "/review/prostate"


def form_of(client: TestClient, token: str) -> dict[str, str]:
    """Open the page as a browser would; its cookie stays with the client."""
    page = client.get(f"{URL}/{token}").text
    found = re.search(r'name="form_token" value="([0-9a-f]+)"', page)
    assert found
    return {"form_token": found[1], "reader": "Dr Élise Martin"}


def send(client: TestClient, token: str, form: dict[str, object], origin: str | None = ORIGIN):
    headers = {"origin": origin} if origin else {}
    return client.post(f"{URL}/{token}", data=form, headers=headers, follow_redirects=False)


def verdicts(catalogue: Catalogue) -> list[str]:
    items = review_items(catalogue, "prostate")
    return sorted(verdict for item in items for verdict in item.verdicts.values())


def test_the_first_page_counts_pairs_waiting_and_read_and_shows_the_gate(
    client: TestClient, catalogue: Catalogue, digests: list[str]
) -> None:
    def facts() -> list[str]:
        page = client.get("/").text
        card = page.split("<code>prostate</code>")[1].split("</li>")[0]
        return re.findall(r"<dd[^>]*>([^<]*)</dd>", card)

    assert facts() == ["3", "3", "0", "Red"]
    for sha256 in digests:
        record_decision(catalogue, "prostate", sha256, reader="r", verdict="accept")
    assert facts() == ["3", "0", "3", "Green"]


def test_simulated_verdicts_are_called_so(
    client: TestClient, catalogue: Catalogue, digests: list[str]
) -> None:
    assert "SIMULATED" not in client.get("/").text
    record_decision(
        catalogue, "prostate", digests[0], reader="sim", verdict="accept", simulated=True
    )
    assert "SIMULATED" in client.get("/").text
    assert "SIMULÉ" in client.get("/?lang=fr").text


def test_the_list_leads_to_every_pair_in_the_order_of_tokens(
    client: TestClient, tokens: list[str]
) -> None:
    page = client.get(URL).text
    assert re.findall(rf'href="{URL}/([0-9a-f]+)"', page) == tokens


def test_an_accept_is_kept_and_leads_to_the_next_unread_pair(
    client: TestClient, catalogue: Catalogue, tokens: list[str]
) -> None:
    for number, token in enumerate(tokens, start=1):
        answer = send(client, token, {**form_of(client, token), "verdict": "accept"})
        assert answer.status_code == 303
        waiting = tokens[number] if number < 3 else ""
        assert answer.headers["location"].rstrip("/") == f"{URL}/{waiting}?saved=1".replace(
            "/?", "?"
        )
    assert verdicts(catalogue) == ["accept"] * 3
    page = client.get(f"{URL}?saved=1").text
    assert "Your verdict is saved." in page
    assert page.count("✓") == 3


def test_a_reject_is_kept_with_its_reasons(
    client: TestClient, catalogue: Catalogue, tokens: list[str]
) -> None:
    form = {**form_of(client, tokens[0]), "verdict": "reject", "reasons": ["banding"]}
    assert send(client, tokens[0], form).status_code == 303
    assert verdicts(catalogue) == ["reject"]


def test_the_reader_is_remembered_with_every_letter(client: TestClient, tokens: list[str]) -> None:
    send(client, tokens[0], {**form_of(client, tokens[0]), "verdict": "accept"})
    assert 'value="Dr Élise Martin"' in client.get(f"{URL}/{tokens[1]}").text


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"verdict": "reject"}, "A reject needs at least one reason"),
        ({"verdict": "reject", "reasons": ["because"]}, "A reject needs at least one reason"),
        ({"verdict": "accept", "reasons": ["because"]}, "A reject needs at least one reason"),
        ({}, "Choose accept or reject."),
        ({"verdict": "maybe"}, "Choose accept or reject."),
        ({"verdict": "accept", "reader": "  "}, "Give your name"),
        ({"verdict": "accept", "reader": "<b>x</b>"}, "Give your name"),
        ({"verdict": "accept", "reader": "x" * 65}, "Give your name"),
    ],
)
def test_an_incomplete_verdict_is_refused_and_what_was_filled_in_stays(
    client: TestClient,
    catalogue: Catalogue,
    tokens: list[str],
    change: dict[str, object],
    sentence: str,
) -> None:
    answer = send(client, tokens[0], {**form_of(client, tokens[0]), **change})
    assert answer.status_code == 400
    assert f'role="alert">{sentence}' in answer.text
    assert verdicts(catalogue) == []
    if change.get("verdict") in {"accept", "reject"}:
        assert re.search(rf'value="{change["verdict"]}"( required)? checked', answer.text)


def test_a_form_without_our_token_or_from_elsewhere_is_refused(
    client: TestClient, catalogue: Catalogue, tokens: list[str]
) -> None:
    good = {**form_of(client, tokens[0]), "verdict": "accept"}
    assert send(client, tokens[0], {**good, "form_token": ""}).status_code == 403
    assert send(client, tokens[0], {**good, "form_token": "0" * 32}).status_code == 403
    assert send(client, tokens[0], {**good, "form_token": "é"}).status_code == 403
    for origin in (None, "null", "http://evil.example", "https://127.0.0.1", f"{ORIGIN}:81"):
        assert send(client, tokens[0], good, origin=origin).status_code == 403
    client.cookies.set("accordage_session", "another")
    assert send(client, tokens[0], good).status_code == 403
    assert verdicts(catalogue) == []


def test_a_verdict_on_changed_pixels_is_not_kept(
    client: TestClient,
    catalogue: Catalogue,
    settings: Settings,
    digests: list[str],
    blinding: Blinding,
) -> None:
    token = blinding.token("prostate", digests[0])
    form = {**form_of(client, token), "verdict": "accept"}
    path = ResearchStore(settings).packs / digests[0] / "after.npy"
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(bytes(raw))
    answer = send(client, token, form)
    assert answer.status_code == 409
    assert "no longer those its name stands for" in answer.text
    assert verdicts(catalogue) == []


def test_a_frame_equals_numpy_through_the_linked_window(
    client: TestClient, settings: Settings, digests: list[str], blinding: Blinding
) -> None:
    sha256 = digests[0]
    pack = load_pack(ResearchStore(settings).packs, sha256)
    for pane in ("left", "right"):
        values = np.asarray(pack.values(blinding.side("prostate", sha256, pane)), np.float64)
        low, high = np.percentile(values.astype(np.float32), [0.5, 99.5])
        expected = np.floor(np.clip((values[2] - low) / (high - low), 0, 1) * 255 + 0.5)
        token = blinding.token("prostate", sha256)
        answer = client.get(f"{URL}/{token}/{pane}/slice/2?window=standard")
        assert answer.headers["content-type"] == "image/png"
        with Image.open(io.BytesIO(answer.content)) as image:
            assert np.abs(np.asarray(image).astype(int) - expected).max() <= 1


def test_the_page_shows_the_middle_slice_and_works_without_a_script(
    client: TestClient, tokens: list[str]
) -> None:
    page = client.get(f"{URL}/{tokens[0]}").text
    assert page.count(f'href="{URL}/{tokens[0]}/left/slice/1?window=standard"') == 1
    assert page.count(f'href="{URL}/{tokens[0]}/right/slice/1?window=standard"') == 1
    asked = client.get(f"{URL}/{tokens[0]}?plane=row&slice_number=16&window=bright").text
    assert f'href="{URL}/{tokens[0]}/right/row/15?window=bright"' in asked
    # 3 slices of 3 mm by 20 columns of 0.5 mm
    assert 'viewBox="0 0 10.0 9.0"' in asked


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("slice_number=99", "slice/2?window=standard"),
        ("slice_number=-5", "slice/0?window=standard"),
        ("plane=diagonal&window=none", "slice/1?window=standard"),
    ],
)
def test_a_view_outside_the_pack_is_brought_into_it(
    client: TestClient, tokens: list[str], query: str, shown: str
) -> None:
    assert f"/left/{shown}" in client.get(f"{URL}/{tokens[0]}?{query}").text


def test_every_reason_can_be_chosen_in_both_languages(
    client: TestClient, tokens: list[str]
) -> None:
    english = client.get(f"{URL}/{tokens[0]}").text
    french = client.get(f"{URL}/{tokens[0]}?lang=fr").text
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
    client: TestClient, query: str, header: str | None, language: str
) -> None:
    answer = client.get(f"/{query}", headers={"accept-language": header} if header else {})
    assert answer.headers["content-language"] == language
    assert f'<html lang="{language}">' in answer.text


def test_links_keep_the_language_that_was_asked_for(client: TestClient, tokens: list[str]) -> None:
    assert f'href="{URL}/{tokens[0]}?lang=fr"' in client.get(f"{URL}?lang=fr").text
    form = {**form_of(client, tokens[0]), "verdict": "accept"}
    answer = client.post(
        f"{URL}/{tokens[0]}?lang=fr",
        data=form,
        headers={"origin": ORIGIN},
        follow_redirects=False,
    )
    assert answer.headers["location"].endswith("?saved=1&lang=fr")


def test_the_footer_says_that_readers_are_not_proven(client: TestClient) -> None:
    assert "Reader names are typed, not proven" in client.get("/").text


def test_a_project_with_broken_settings_does_not_close_the_room(
    client: TestClient, settings: Settings
) -> None:
    broken = settings.config_root / "projects" / "broken.yaml"
    broken.write_text("name: broken\nnot_a_field: 1\n", encoding="utf-8")
    page = client.get("/").text
    assert "The settings of this project cannot be read." in page
    assert "<code>prostate</code>" in page
