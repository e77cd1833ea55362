"""What a reader could look at must not tell which side was harmonised."""

from __future__ import annotations

import re

from starlette.testclient import TestClient

from config.settings import Settings
from portal.blinding import Blinding

URL = "/review/prostate"
TELLING = re.compile(
    r"\b(before|after|avant|après|raw|derived|hopital|nord|sud|volume-\d)\b"
    r"|arb'U|site-[a-z]\b|hopital",
    re.IGNORECASE,
)


def test_the_reading_pages_never_name_a_side_a_site_or_a_digest(
    client: TestClient, tokens: list[str], digests: list[str]
) -> None:
    for language in ("en", "fr"):
        addresses = [f"{URL}?lang={language}", *(f"{URL}/{t}?lang={language}" for t in tokens)]
        for address in addresses:
            answer = client.get(address)
            assert answer.status_code == 200
            everything = answer.text + str(answer.headers)
            assert not TELLING.search(everything), TELLING.search(everything)
            assert not any(digest in everything for digest in digests)


def test_script_and_style_name_no_side(client: TestClient) -> None:
    for name in ("viewer.js", "portal.css", "icon.svg"):
        assert not TELLING.search(client.get(f"/static/{name}").text)


def test_both_panes_answer_alike_but_for_their_pixels(
    client: TestClient, tokens: list[str]
) -> None:
    for token in tokens:
        for plane, count in (("slice", 3), ("row", 16), ("column", 20)):
            answers = [
                client.get(f"{URL}/{token}/{pane}/{plane}/{index}?window={window}")
                for pane in ("left", "right")
                for index in (0, count - 1)
                for window in ("standard", "wide")
            ]
            assert len({len(a.content) for a in answers}) == 1
            assert len({str(sorted(a.headers.items())) for a in answers}) == 1
            assert "etag" not in answers[0].headers
            assert "last-modified" not in answers[0].headers
            assert answers[0].headers["cache-control"] == "no-store"


def test_both_panes_stand_in_the_page_alike_but_for_their_names(
    client: TestClient, tokens: list[str]
) -> None:
    page = client.get(f"{URL}/{tokens[0]}").text
    left, right = re.findall(r"<figure>.*?</figure>", page, re.DOTALL)
    assert left.replace("Left", "Right").replace("left", "right") == right


def test_sides_are_opposite_fixed_and_fall_either_way() -> None:
    blinding = Blinding(b"k" * 32)
    names = [f"{n:064x}" for n in range(400)]
    left = [blinding.side("p", name, "left") for name in names]
    right = [blinding.side("p", name, "right") for name in names]
    assert all({a, b} == {"before", "after"} for a, b in zip(left, right, strict=True))
    assert left == [blinding.side("p", name, "left") for name in names]
    # 400 fair coins: 200 +- 40 is four standard deviations.
    assert 160 < left.count("before") < 240


def test_another_key_gives_other_tokens_and_other_sides() -> None:
    one, two = Blinding(b"k" * 32), Blinding(b"l" * 32)
    names = [f"{n:064x}" for n in range(64)]
    assert not {one.token("p", n) for n in names} & {two.token("p", n) for n in names}
    assert [one.side("p", n, "left") for n in names] != [two.side("p", n, "left") for n in names]


def test_two_starts_of_the_portal_share_no_token(settings: Settings, digests: list[str]) -> None:
    from portal.app import create_app

    found = []
    for _ in range(2):
        with TestClient(create_app(settings), base_url="http://127.0.0.1") as client:
            found.append(set(re.findall(rf'href="{URL}/([0-9a-f]+)"', client.get(URL).text)))
    assert [len(tokens) for tokens in found] == [3, 3]
    assert not found[0] & found[1]
