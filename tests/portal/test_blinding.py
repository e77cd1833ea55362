"""What a reader could look at must not tell which side was harmonised."""

from __future__ import annotations

import re
from time import perf_counter

import numpy as np

from config.settings import Settings
from harmonise.volume import Grid, Volume
from pipelines.catalogue.database import Catalogue
from pipelines.catalogue.research import Pack
from pipelines.cohort.packs import build_pack
from pipelines.store import ResearchStore
from portal.app import create_app
from portal.blinding import Blinding, Shown, blinding_key

from .conftest import ANSWERS, PROJECT, User

URL = "/review/prostate"
TELLING = re.compile(
    r"\b(before|after|avant|après|raw|derived|hopital|nord|sud|volume-\d)\b"
    r"|arb'U|site-[a-z]\b|hopital|identical|\brepeat\b(?!\()|spoilt",
    re.IGNORECASE,
)


def test_the_reading_pages_never_name_a_side_a_site_or_a_digest(
    reader: User, tokens: list[str], digests: list[str]
) -> None:
    for language in ("en", "fr"):
        addresses = [f"{URL}?lang={language}", *(f"{URL}/{t}?lang={language}" for t in tokens)]
        for address in addresses:
            answer = reader.get(address)
            assert answer.status_code == 200
            everything = answer.text + str(answer.headers)
            assert not TELLING.search(everything), TELLING.search(everything)
            assert not any(digest in everything for digest in digests)


def test_what_is_sent_back_and_what_the_log_says_names_no_side(
    reader: User, tokens: list[str]
) -> None:
    form = {**ANSWERS, "verdict": "accept"}
    answers = [
        reader.send(f"{URL}/{tokens[0]}/draft", form),
        reader.send(f"{URL}/{tokens[0]}", {**form, "verdict": "x"}),
        reader.send(f"{URL}/{tokens[0]}", form),
        reader.get("/log"),
        reader.get(f"{URL}/{'0' * 32}"),
    ]
    for answer in answers:
        assert not TELLING.search(answer.text + str(answer.headers))


def test_script_and_style_name_no_side(reader: User) -> None:
    for name in ("viewer.js", "frames.js", "greys.js", "drafts.js", "portal.css", "icon.svg"):
        assert not TELLING.search(reader.get(f"/static/{name}").text)


def test_both_panes_answer_alike_but_for_their_pixels(reader: User, tokens: list[str]) -> None:
    for token in tokens:
        for plane, count in (("slice", 3), ("row", 16), ("column", 20)):
            answers = [
                reader.get(f"{URL}/{token}/{pane}/{plane}/{index}")
                for pane in ("left", "right")
                for index in (0, count - 1)
            ]
            assert len({len(a.content) for a in answers}) == 1
            assert len({str(sorted(a.headers.items())) for a in answers}) == 1
            assert not {"etag", "last-modified", "content-encoding"} & set(answers[0].headers)


def test_both_sides_span_the_same_codes_whatever_their_units(
    reader: User, tokens: list[str]
) -> None:
    for token in tokens:
        for pane in ("left", "right"):
            frames = [reader.get(f"{URL}/{token}/{pane}/slice/{k}").content for k in range(3)]
            codes = memoryview(b"".join(frames)).cast("H").tolist()
            assert (min(codes), max(codes)) == (1, 65535)


def _seconds(reader: User, url: str) -> float:
    start = perf_counter()
    assert reader.get(url).status_code == 200
    return perf_counter() - start


def test_the_time_an_answer_takes_tells_no_side(
    reader: User, settings: Settings, catalogue: Catalogue, blinding: Blinding
) -> None:
    rng = np.random.default_rng(5)
    grid = Grid((2, 1024, 1024), (3.0, 0.5, 0.5))
    values = rng.normal(0, 1, grid.shape).astype(np.float32)
    # Far from zero, such numbers need twice the precision: of both sides or of none.
    before, after = Volume(values + 1000, grid, "[arb'U]"), Volume(values, grid, "1")
    root = ResearchStore(settings).packs
    digest = build_pack(before, after, root, role="t2w_ax", recipe="prostate-mpmri")
    with catalogue.session() as session:
        row = Pack(project=PROJECT, sha256=digest, volume_id="v", stratum="s / t2w_ax")
        session.add(row)
    token = blinding.token(Shown(PROJECT, "e.martin", digest))
    urls = {pane: f"{URL}/{token}/{pane}/slice/1" for pane in ("left", "right")}
    for url in urls.values():
        _seconds(reader, url)
    slower = 0
    for turn in range(100):
        order = ("left", "right") if turn % 2 else ("right", "left")
        took = {pane: _seconds(reader, urls[pane]) for pane in order}
        slower += took["left"] > took["right"]
    # 100 fair coins: 50 +- 20 is four standard deviations.
    assert 30 < slower < 70


def test_both_panes_stand_in_the_page_alike_but_for_their_names(
    reader: User, tokens: list[str]
) -> None:
    page = reader.get(f"{URL}/{tokens[0]}").text
    left, right = re.findall(r"<figure>.*?</figure>", page, re.DOTALL)
    assert left.replace("Left", "Right").replace("left", "right") == right


def test_sides_are_opposite_fixed_and_fall_either_way() -> None:
    blinding = Blinding(b"k" * 32)
    shown = [Shown("p", "r", f"{n:064x}") for n in range(400)]
    left = [blinding.side(one, "left") for one in shown]
    right = [blinding.side(one, "right") for one in shown]
    assert all({a, b} == {"before", "after"} for a, b in zip(left, right, strict=True))
    assert left == [blinding.side(one, "left") for one in shown]
    # 400 fair coins: 200 +- 40 is four standard deviations.
    assert 160 < left.count("before") < 240


def test_a_repeat_has_its_sides_swapped_and_an_identical_pair_one_side_twice() -> None:
    blinding = Blinding(b"k" * 32)
    for number in range(20):
        digest = f"{number:064x}"
        first, again = (Shown("p", "r", digest, kind) for kind in ("pair", "repeat"))
        assert blinding.side(first, "left") == blinding.side(again, "right")
        same = Shown("p", "r", digest, "identical")
        assert blinding.side(same, "left") == blinding.side(same, "right")


def test_which_side_an_identical_pair_holds_twice_is_drawn_apart_from_the_pairs_own_sides() -> None:
    blinding = Blinding(b"k" * 32)
    names = [f"{n:064x}" for n in range(400)]
    held = [blinding.side(Shown("p", "r", n, "identical"), "left") for n in names]
    sides = [blinding.side(Shown("p", "r", n), "left") for n in names]
    # 400 fair coins: 200 +- 40 is four standard deviations.
    assert 160 < held.count("before") < 240
    assert 160 < sum(a == b for a, b in zip(held, sides, strict=True)) < 240


def test_another_key_another_reader_and_a_control_have_other_tokens_and_other_sides() -> None:
    one, two = Blinding(b"k" * 32), Blinding(b"l" * 32)
    names = [f"{n:064x}" for n in range(64)]
    mine = [Shown("p", "r", n) for n in names]
    for blinding, others in (
        (two, mine),
        (one, [Shown("p", "s", n) for n in names]),
        (one, [Shown("p", "r", n, "repeat") for n in names]),
    ):
        assert not {one.token(s) for s in mine} & {blinding.token(s) for s in others}
        sides = [blinding.side(s, "left") for s in others]
        assert [one.side(s, "left") for s in mine] != sides


def test_the_key_stays_is_private_and_was_fixed_in_the_log_first(
    settings: Settings, sign_in
) -> None:
    path = settings.research_root / "portal" / "blinding.key"
    create_app(settings)
    kept = blinding_key(path)
    assert path.stat().st_mode & 0o077 == 0
    create_app(settings)
    assert blinding_key(path) == kept
    assert sign_in("officer").get("/log").text.count("blinding key") == 1


def test_a_repeats_log_entry_is_like_any_others(reader: User, tokens: list[str]) -> None:
    reader.send(f"{URL}/{tokens[0]}", {**ANSWERS, "verdict": "accept"})
    assert f"{PROJECT} {tokens[0]}" in reader.get("/log").text
