"""The reading room in Debian's Chromium, without a GPU."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, expect

from config.settings import Settings
from harmonise.volume import Grid, Volume
from pipelines.catalogue.database import Catalogue, open_research
from pipelines.catalogue.research import ExamView, Pack
from pipelines.cohort.frames import grey
from pipelines.cohort.packs import Side, build_colour_pack, build_pack, load_pack
from pipelines.cohort.review import record_decision, review_items
from pipelines.store import ResearchStore
from portal.blinding import Blinding, Shown
from tests.support.chromium import Seat, Served, chromium, seat, serve

from .conftest import PROJECT, SECRET

RATIO = 3
"""Longest redraw of two panes, in times of writing two finished pictures of that size."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def served(settings: Settings) -> Iterator[Served]:
    with serve(settings, SECRET) as running:
        yield running


@pytest.fixture
def reader(browser: Browser, served: Served) -> Iterator[Seat]:
    taken = seat(browser, served, "e.martin")
    yield taken
    assert taken.elsewhere == []
    assert [said for said in taken.complaints if "Content Security Policy" in said] == []
    taken.context.close()


def put(settings: Settings, before: Volume, after: Volume) -> str:
    """Add a pair to the project; return its digest."""
    root = ResearchStore(settings).packs
    digest = build_pack(before, after, root, role="t2w_ax", recipe="prostate-mpmri")
    enter(settings, digest)
    return digest


def enter(settings: Settings, digest: str) -> None:
    """Put a pack into the project's sample."""
    catalogue = open_research(settings)
    with catalogue.session() as session:
        row = Pack(project=PROJECT, sha256=digest, volume_id=digest[:8], stratum="s / t2w_ax")
        session.add(row)
    catalogue.close()


def shown(page: Page, pane: str) -> NDArray[np.uint8]:
    """Return the greys of a canvas."""
    found = pixels(page, pane)
    assert (found[..., 0] == found[..., 1]).all()
    assert (found[..., 0] == found[..., 2]).all()
    return found[..., 0]


def pixels(page: Page, pane: str) -> NDArray[np.uint8]:
    """Return what a canvas shows, by its own matrix, once what was asked for is drawn."""
    page.locator('#panes[aria-busy="false"]').wait_for()
    raw = page.evaluate(
        """pane => {
          const canvas = document.querySelector(`canvas[data-pane="${pane}"]`);
          const { width, height } = canvas;
          const data = canvas.getContext("2d").getImageData(0, 0, width, height).data;
          return [height, width, [...data]];
        }""",
        pane,
    )
    found = np.array(raw[2], np.uint8).reshape(raw[0], raw[1], 4)
    assert (found[..., 3] == 255).all()
    return found


def volumes(kind: str) -> tuple[Volume, Volume]:
    rng = np.random.default_rng(11)
    grid = Grid((3, 64, 48), (3.0, 0.9, 0.4))  # pixels twice as high as wide
    span = {"int16": (-1024.0, 3071.0), "uint16": (0.0, 65535.0)}.get(kind, (0.0, 37.5))
    drawn = rng.uniform(*span, grid.shape)
    values = (drawn if kind.startswith("float") else np.rint(drawn)).astype(np.float32)
    if kind == "float32 with gaps":
        values[:, :9, :] = np.nan
    is_hu = kind == "int16"
    unit = "[hnsf'U]" if is_hu else "1"
    before = Volume(values, grid, unit, quantitative=is_hu)
    scale = 1.0 if is_hu else 0.001
    return before, Volume(values * np.float32(scale), grid, unit, quantitative=is_hu)


@pytest.mark.parametrize("kind", ["int16", "uint16", "float32", "float32 with gaps"])
def test_what_a_canvas_shows_equals_numpy_within_one_grey_level(
    settings: Settings, reader: Seat, kind: str
) -> None:
    digest = put(settings, *volumes(kind))
    item = Shown(PROJECT, "e.martin", digest)
    blinding = Blinding(SECRET)
    pack = load_pack(ResearchStore(settings).packs, digest)
    reader.go(f"/review/{PROJECT}/{blinding.token(item)}")
    page = reader.page
    low, high = (float(page.input_value(f"#{name}")) for name in ("low", "high"))
    for pane in ("left", "right"):
        values = np.asarray(pack.values(blinding.side(item, pane)), np.float64)
        # The fields hold values where both sides share a unit, else ranks.
        is_hu = kind == "int16"
        limits = (low, high) if is_hu else tuple(np.nanpercentile(values, [low, high]))
        expected = grey(values[1], *limits)
        assert np.abs(shown(page, pane).astype(int) - expected.astype(int)).max() <= 1
    # a pixel is 0.9 mm high and 0.4 mm wide, whatever the screen is
    box = page.locator('canvas[data-pane="left"]').bounding_box()
    assert box is not None
    assert box["height"] / box["width"] == pytest.approx(64 * 0.9 / (48 * 0.4), rel=0.02)


def coloured() -> dict[Side, NDArray[np.uint8]]:
    rng = np.random.default_rng(12)
    before = rng.integers(0, 256, (3, 40, 40, 3), dtype=np.uint8)
    return {"before": before, "after": before[..., ::-1] // 2}


def test_a_slides_fields_are_shown_in_their_own_colours(settings: Settings, reader: Seat) -> None:
    sides = coloured()
    root = ResearchStore(settings).packs
    digest = build_colour_pack(sides, (0.0005, 0.0005), root, role="slide", recipe="pathology")
    enter(settings, digest)
    blinding, item = Blinding(SECRET), Shown(PROJECT, "e.martin", digest)
    reader.go(f"/review/{PROJECT}/{blinding.token(item)}")
    page = reader.page
    for pane in ("left", "right"):
        found = pixels(page, pane)[..., :3]
        assert (found == sides[blinding.side(item, pane)][1]).all()
    expect(page.locator("#low")).to_be_disabled()
    expect(page.locator("#plane option")).to_have_count(1)
    page.keyboard.press("ArrowDown")
    expect(page.locator("#place")).to_have_text("3 of 3")
    left, right = (sides[blinding.side(item, pane)][2] for pane in ("left", "right"))
    assert (pixels(page, "left")[..., :3] == left).all()
    page.keyboard.press("d")
    # ITU-R BT.601, as the luminance of the standard's own conversions.
    bright = [one.astype(float) @ [0.299, 0.587, 0.114] for one in (left, right)]
    expected = 128 + (bright[0] - bright[1]) / 2
    assert np.abs(shown(page, "right") - expected).max() <= 1


def test_panes_change_together_by_keyboard_and_swap_flicker_and_subtract(
    settings: Settings, reader: Seat
) -> None:
    digest = put(settings, *volumes("float32"))
    reader.go(f"/review/{PROJECT}/{Blinding(SECRET).token(Shown(PROJECT, 'e.martin', digest))}")
    page = reader.page
    first = {pane: shown(page, pane) for pane in ("left", "right")}
    page.keyboard.press("ArrowDown")
    expect(page.locator("#place")).to_have_text("3 of 3")
    second = {pane: shown(page, pane) for pane in ("left", "right")}
    assert all((first[pane] != second[pane]).any() for pane in first)
    page.keyboard.press("s")
    assert (shown(page, "left") == second["right"]).all()
    page.keyboard.down(" ")
    assert (shown(page, "left") == second["left"]).all()
    page.keyboard.up(" ")
    page.keyboard.press("s")
    page.keyboard.press("d")
    unlike = second["left"].astype(int) - second["right"].astype(int)
    assert (shown(page, "right") == 128 + (unlike >> 1)).all()
    page.keyboard.press("d")
    page.keyboard.press("p")
    assert page.input_value("#plane") == "row"
    assert shown(page, "left").shape == (3, 48)
    # A field keeps its own keys: a number typed there turns no slice and chooses no side.
    before = page.inner_text("#place")
    page.focus("#low")
    page.keyboard.type("1")
    assert page.inner_text("#place") == before
    assert not page.is_checked('input[name="preferred"][value="left"]')


def test_a_pair_is_read_by_keyboard_alone_and_the_next_is_there_already(
    reader: Seat, served: Served, catalogue: Catalogue, tokens: list[str]
) -> None:
    reader.go(f"/review/{PROJECT}/{tokens[0]}")
    page = reader.page
    middle = [f"/review/{PROJECT}/{tokens[1]}/{pane}/slice/1" for pane in ("left", "right")]
    page.wait_for_load_state("networkidle")
    assert all(served.asked.count(path) == 1 for path in middle)
    page.keyboard.press("1")
    for name, value in (
        ("confidence", "2"), ("only_on", "no"), ("verdict", "accept"), ("guessed", "right")
    ):  # fmt: skip
        page.focus(f'input[name="{name}"][value="{value}"]')
        page.keyboard.press(" ")
    expect(page.locator("#draft")).to_contain_text("draft kept")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(f"**/{tokens[1]}?saved=1")
    page.wait_for_load_state("networkidle")
    assert shown(page, "left").any()
    # The next pair's first frames came from the browser's cache.
    assert all(served.asked.count(path) == 1 for path in middle)
    read = [i for i in review_items(catalogue, PROJECT) if i.verdicts]
    assert [i.verdicts for i in read] == [{"e.martin": "accept"}]


def test_two_panes_redraw_in_a_few_times_what_writing_finished_pictures_takes(
    settings: Settings, reader: Seat
) -> None:
    rng = np.random.default_rng(2)
    grid = Grid((2, 512, 512), (3.0, 0.5, 0.5))
    values = rng.normal(100, 20, grid.shape).astype(np.float32)
    digest = put(settings, Volume(values, grid, "1"), Volume(values * 2, grid, "1"))
    reader.go(f"/review/{PROJECT}/{Blinding(SECRET).token(Shown(PROJECT, 'e.martin', digest))}")
    found = reader.page.evaluate(
        """async () => {
          const canvases = [...document.querySelectorAll("canvas[data-pane]")];
          const contexts = canvases.map(canvas => canvas.getContext("2d"));
          const pictures = contexts.map(context => context.getImageData(0, 0, 512, 512));
          const acts = {
            bare: () => contexts.forEach((context, k) => context.putImageData(pictures[k], 0, 0)),
            swap: () => document.getElementById("swap").click(),
            window: () => document.dispatchEvent(new KeyboardEvent("keydown", { key: ";" })),
          };
          // A picture is drawn when the next frame begins, on screen and all.
          const frame = () => new Promise(done => requestAnimationFrame(done));
          const times = { bare: [], swap: [], window: [] };
          for (let turn = 0; turn < 40; turn += 1) {
            for (const name of Object.keys(acts)) {
              await frame();
              const start = performance.now();
              acts[name]();
              await frame();
              await frame();
              times[name].push(performance.now() - start);
            }
          }
          const middle = list => list.sort((a, b) => a - b)[20];
          return Object.fromEntries(Object.entries(times).map(([k, v]) => [k, middle(v)]));
        }"""
    )
    ratio = max(found["swap"], found["window"]) / found["bare"]
    assert ratio <= RATIO


def drawn(page: Page, number: int, side: str) -> NDArray[np.uint8]:
    """Return the greys of what hangs, once it is there."""
    here = f'canvas[data-hung="{number}"][data-side="{side}"]'
    page.locator(f"{here}[data-drawn]").wait_for()
    raw = page.evaluate(
        """here => {
          const canvas = document.querySelector(here);
          const { width, height } = canvas;
          const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
          return [height, width, [...data]];
        }""",
        here,
    )
    return np.array(raw[2], np.uint8).reshape(raw[0], raw[1], 4)[..., 0]


def test_the_images_of_an_exam_hang_and_one_after_the_other_comes_into_the_panes(
    settings: Settings, reader: Seat
) -> None:
    digests = [put(settings, *volumes(kind)) for kind in ("float32", "uint16", "int16")]
    catalogue = open_research(settings)
    with catalogue.session() as session:
        for digest, place in zip(digests, ("T2W", "ADC", "high b"), strict=True):
            session.add(
                ExamView(project=PROJECT, sha256=digest, exam="e", volume_id=place, place=place)
            )
    catalogue.close()
    blinding = Blinding(SECRET)
    item = Shown(PROJECT, "e.martin", digests[0], exam="e")
    reader.go(f"/review/{PROJECT}/{blinding.token(item)}")
    page = reader.page
    labels = page.locator('.hung[aria-label*="Left"] button')
    assert labels.all_inner_texts() == ["T2W · read now", "ADC", "high b"]
    for number, digest in enumerate(digests):
        pack = load_pack(ResearchStore(settings).packs, digest)
        beside = digests[0] if number else ""
        shown_there = Shown(PROJECT, "e.martin", digest, exam="e", beside=beside)
        for pane in ("left", "right"):
            whole = np.asarray(pack.values(blinding.side(shown_there, pane)), np.float64)
            low, high = (float(page.input_value(f"#{name}")) for name in ("low", "high"))
            is_hu = number == 2
            limits = (low, high) if is_hu else tuple(np.percentile(whole, [low, high]))
            expected = grey(whole[1], *limits).astype(int)
            assert np.abs(shown(page, pane).astype(int) - expected).max() <= 1
            assert np.abs(drawn(page, number, pane).astype(int) - expected).max() <= 1
        page.keyboard.press("v")
    # A mark belongs to what is read: beside it, it is refused with a word.
    page.keyboard.press("v")
    page.focus("#mark")
    page.keyboard.press("Enter")
    expect(page.locator("#status")).to_contain_text("hangs beside")
    assert page.input_value('input[name="mark"]') == ""
    # Both sides of an exam stand alike: the second image's left is the first one's left.
    assert blinding.side(item, "left") == blinding.side(
        Shown(PROJECT, "e.martin", digests[1], exam="e", beside=digests[0]), "left"
    )


def test_a_comparison_is_answered_by_keyboard_through_a_window_that_nobody_moves(
    settings: Settings, reader: Seat, tokens: list[str], digests: list[str]
) -> None:
    path = settings.config_root / "projects" / "prostate.yaml"
    text = path.read_text(encoding="utf-8") + "review: {reference_site: hopital-sud}\n"
    path.write_text(text, encoding="utf-8")
    catalogue = open_research(settings)
    for digest in digests:
        record_decision(catalogue, PROJECT, digest, reader="e.martin", verdict="accept")
    catalogue.close()
    token = min(Blinding(SECRET).token(Shown(PROJECT, "e.martin", d, "match")) for d in digests[:2])
    reader.go(f"/review/{PROJECT}/{token}")
    page = reader.page
    first = shown(page, "reference")
    assert first.shape == (16, 20)
    page.keyboard.press("]")
    page.keyboard.press(";")
    assert page.is_disabled("#low")
    assert [page.input_value(f"#{name}") for name in ("low", "high")] == ["1", "99"]
    assert (shown(page, "reference") == first).all()
    page.keyboard.press("ArrowDown")
    assert (shown(page, "reference") != first).any()
    assert not [
        one for one in Axe().run(page).response["violations"]
        if one["impact"] in {"serious", "critical"}
    ]  # fmt: skip
    page.keyboard.press("2")
    assert page.is_checked('input[name="like"][value="right"]')
    page.focus('input[name="confidence"][value="3"]')
    page.keyboard.press(" ")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**?saved=1")


def test_no_page_has_a_serious_fault_for_those_who_cannot_see_or_point(
    browser: Browser, served: Served, tokens: list[str]
) -> None:
    pages = {
        "e.martin": ["/", f"/review/{PROJECT}", f"/review/{PROJECT}/{tokens[0]}", "/account"],
        "a.officer": ["/people", "/log", f"/projects/{PROJECT}", f"/projects/{PROJECT}/agreement"],
        "r.team": ["/requests", "/requests/new", "/releases"],
    }
    found = []
    for name, paths in pages.items():
        taken = seat(browser, served, name)
        for path in paths:
            taken.go(path)
            result = Axe().run(taken.page).response
            assert len(result["passes"]) > 5
            found += [
                (path, one["id"], one["nodes"][0]["html"][:120])
                for one in result["violations"]
                if one["impact"] in {"serious", "critical"}
            ]
        assert taken.elsewhere == []
        taken.context.close()
    anonymous = browser.new_context()
    page = anonymous.new_page()
    page.goto(f"{served.url}/sign-in")
    result = Axe().run(page).response
    found += [one["id"] for one in result["violations"] if one["impact"] == "serious"]
    anonymous.close()
    assert found == []
