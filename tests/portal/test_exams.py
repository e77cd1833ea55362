"""The images of one exam hang together, and comparisons come after all pairs."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest
from sqlalchemy import select

from config.settings import Settings
from pipelines.catalogue.database import Catalogue
from pipelines.catalogue.research import ControlRead, ExamView
from pipelines.cohort.agreement import agreement
from pipelines.cohort.packs import load_pack
from pipelines.cohort.review import record_decision
from pipelines.store import ResearchStore
from portal.app import create_app
from portal.blinding import Blinding, Shown

from .conftest import ANSWERS, ORIGIN, PROJECT, PROJECT_FILE, SECRET, TestClient, User

URL = f"/review/{PROJECT}"
PLACES = ("T2W", "ADC", "high b")


@pytest.fixture
def exam(catalogue: Catalogue, digests: list[str]) -> list[str]:
    """Let the three pairs of the project be one exam."""
    with catalogue.session() as session:
        for number, (digest, place) in enumerate(zip(digests, PLACES, strict=True)):
            session.add(
                ExamView(project=PROJECT, sha256=digest, exam="row", volume_id=f"v{number}",
                         place=place)
            )  # fmt: skip
    return digests


def wall(user: User, token: str) -> dict[str, Any]:
    page = user.get(f"{URL}/{token}").text
    found = re.search(r'data-wall="([^"]*)"', page)
    assert found, page
    return dict(json.loads(html.unescape(found[1])))


def test_a_pair_hangs_with_its_exam_in_the_order_of_reading(
    reader: User, exam: list[str], tokens: list[str]
) -> None:
    for token in tokens:
        found = wall(reader, token)
        assert [view["place"] for view in found["views"]] == list(PLACES)
        assert found["views"][found["read"]]["base"] == f"{URL}/{token}"
    page = reader.get(f"{URL}/{tokens[0]}").text
    assert not any(digest in page for digest in exam)


def test_all_images_of_an_exam_have_their_sides_alike_and_a_repeat_has_them_swapped(
    exam: list[str], blinding: Blinding
) -> None:
    sides = {
        blinding.side(Shown(PROJECT, "e.martin", one, exam="row", beside=beside), "left")
        for one in exam
        for beside in ("", exam[0])
    }
    again = {
        blinding.side(Shown(PROJECT, "e.martin", one, "repeat", "row"), "left") for one in exam
    }
    assert len(sides) == 1
    assert len(again) == 1
    assert sides != again


def test_what_hangs_beside_is_the_exams_image_small_and_of_one_size_on_both_panes(
    reader: User, exam: list[str], tokens: list[str], settings: Settings, blinding: Blinding
) -> None:
    found = wall(reader, tokens[0])
    beside = next(v for v in found["views"] if v["base"] != f"{URL}/{tokens[0]}")
    whole = [reader.get(f"{beside['base']}/{pane}/slice/1") for pane in ("left", "right")]
    small = [reader.get(f"{beside['base']}/{pane}/slice/1?every=3") for pane in ("left", "right")]
    # 16 x 20 pixels of two bytes; every third: 6 x 7
    assert [len(answer.content) for answer in whole] == [640, 640]
    assert [len(answer.content) for answer in small] == [84, 84]
    assert {str(sorted(answer.headers.items())) for answer in small} == {
        str(sorted(small[0].headers.items()))
    }
    by_every = memoryview(whole[0].content).cast("H", (16, 20)).tolist()
    expected = [row[::3] for row in by_every[::3]]
    assert memoryview(small[0].content).cast("H", (6, 7)).tolist() == expected
    for every in ("0", "33", "x"):
        assert reader.get(f"{beside['base']}/left/slice/1?every={every}").status_code == 400


def test_a_portal_that_was_started_anew_still_answers_for_what_hangs_beside(
    reader: User, exam: list[str], tokens: list[str], settings: Settings
) -> None:
    bases = [view["base"] for view in wall(reader, tokens[0])["views"]]
    before = [reader.get(f"{base}/left/slice/1").content for base in bases]
    with TestClient(create_app(settings, secret=SECRET), base_url=ORIGIN) as fresh:
        fresh.cookies.update(reader.client.cookies)
        assert [fresh.get(f"{base}/left/slice/1").content for base in bases] == before


def test_what_hangs_beside_is_not_a_pair_to_be_read(
    reader: User, exam: list[str], tokens: list[str], sign_in
) -> None:
    beside = [
        view["base"] for view in wall(reader, tokens[0])["views"]
        if view["base"] != f"{URL}/{tokens[0]}"
    ]  # fmt: skip
    assert len(beside) == 2
    for base in beside:
        assert reader.get(base).status_code == 404
        assert reader.send(base, {**ANSWERS, "verdict": "accept"}).status_code == 404
        assert sign_in("second").get(f"{base}/left/slice/1").status_code == 404


@pytest.fixture
def compared(settings: Settings) -> None:
    """Let the project name a reference site."""
    text = PROJECT_FILE + "review: {reference_site: hopital-sud}\n"
    path = settings.config_root / "projects" / "prostate.yaml"
    path.write_text(text, encoding="utf-8")


def comparisons(user: User) -> list[str]:
    page = user.get(f"{URL}?lang=en").text
    rows = re.findall(r"<tr>.*?</tr>", page, re.DOTALL)
    links = [re.search(rf'href="{URL}/([0-9a-f]+)', row) for row in rows if "Comparison" in row]
    return [found[1] for found in links if found]


def read_all(user: User, tokens: list[str]) -> None:
    for token in tokens:
        assert user.send(f"{URL}/{token}", {**ANSWERS, "verdict": "accept"}).status_code == 303


def test_comparisons_open_when_every_pair_is_read_and_then_verdicts_stand(
    compared: None, reader: User, tokens: list[str], catalogue: Catalogue
) -> None:
    assert comparisons(reader) == []
    read_all(reader, tokens[:2])
    assert comparisons(reader) == []
    read_all(reader, tokens[2:])
    waiting = comparisons(reader)
    # Two pairs of hopital-nord are compared, the one of hopital-sud is what they are compared with.
    assert len(waiting) == 2
    assert reader.get(f"{URL}/{tokens[0]}").status_code == 200
    answer = reader.send(f"{URL}/{waiting[0]}", {"like": "left", "confidence": "3"})
    assert answer.headers["location"].startswith(f"{URL}/{waiting[1]}")
    for token in tokens:
        assert reader.get(f"{URL}/{token}").status_code == 404
        again = reader.send(f"{URL}/{token}", {**ANSWERS, "verdict": "accept"})
        assert again.status_code == 404
    with catalogue.session() as session:
        kept = session.scalars(select(ControlRead)).one()
        assert kept.kind == "match"
        assert kept.answers["like"] == kept.verdict


def test_a_senior_who_compared_settles_nothing_that_the_comparison_showed(
    compared: None, sign_in, catalogue: Catalogue, digests: list[str], blinding: Blinding
) -> None:
    senior: User = sign_in("senior")
    record_decision(catalogue, PROJECT, digests[0], reader="s.senior", verdict="accept")
    for digest in digests[1:]:
        record_decision(catalogue, PROJECT, digest, reader="e.martin", verdict="accept")
    # Two of hopital-nord are compared, each with the one of hopital-sud.
    compare = blinding.token(Shown(PROJECT, "s.senior", digests[0], "match"))
    assert senior.send(f"{URL}/{compare}", {"like": "left", "confidence": "1"}).status_code == 303
    for digest in digests[1:]:
        record_decision(
            catalogue, PROJECT, digest, reader="b.second", verdict="reject", reasons=["banding"]
        )
    token = {d: blinding.token(Shown(PROJECT, "s.senior", d)) for d in digests}
    # The reference was shown; the other pair of hopital-nord was not compared yet.
    assert senior.get(f"{URL}/{token[digests[2]]}").status_code == 404
    assert senior.get(f"{URL}/{token[digests[1]]}").status_code == 200


def test_a_comparison_shows_the_pair_and_the_reference_through_one_fixed_window(
    compared: None, reader: User, tokens: list[str], digests: list[str], settings: Settings
) -> None:
    read_all(reader, tokens)
    found = wall(reader, comparisons(reader)[0])
    assert found["fixed"] == [1.0, 99.0]
    reference = reader.get(f"{found['reference']['base']}/left/slice/1").content
    other = reader.get(f"{found['reference']['base']}/right/slice/1").content
    after = load_pack(ResearchStore(settings).packs, digests[2]).after[1]
    codes = memoryview(reference).cast("H", (16, 20)).tolist()
    # The harmonised image of the reference site: rows of one value each, as the fixture made them.
    assert reference == other
    assert [[v == row[0] for v in row] for row in codes] == [[True] * 20] * 16
    assert sorted(range(16), key=lambda k: codes[k][0]) == sorted(
        range(16), key=lambda k: float(after[k, 0])
    )


def test_sides_of_a_comparison_are_drawn_anew(blinding: Blinding) -> None:
    names = [f"{n:064x}" for n in range(400)]
    read = [blinding.side(Shown("p", "r", one), "left") for one in names]
    compared = [blinding.side(Shown("p", "r", one, "match"), "left") for one in names]
    # 400 fair coins: 200 +- 40 is four standard deviations.
    assert 160 < sum(a == b for a, b in zip(read, compared, strict=True)) < 240


def test_an_answer_that_is_not_whole_is_asked_again_and_figures_tell_what_was_taken(
    compared: None, reader: User, tokens: list[str], catalogue: Catalogue, blinding: Blinding,
    digests: list[str],
) -> None:  # fmt: skip
    read_all(reader, tokens)
    for form in ({"like": "left"}, {"confidence": "2"}, {"like": "both", "confidence": "2"}):
        answer = reader.send(f"{URL}/{comparisons(reader)[0]}", form)
        assert answer.status_code == 400
        assert "more like the reference" in answer.text
    for digest in digests[:2]:
        shown = Shown(PROJECT, "e.martin", digest, "match")
        pane = "left" if blinding.side(shown, "left") == "after" else "right"
        token = blinding.token(shown)
        reader.send(f"{URL}/{token}", {"like": pane, "confidence": "2"})
    share = agreement(catalogue, PROJECT).like_reference["hopital-nord"]
    assert (share.hits, share.of) == (2, 2)
