"""The review sheet: all that was read is on it, nothing on it acts, and its seal holds."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import sys
import tracemalloc
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import cli
from config.errors import ConfigurationError, RejectedError
from deid.blank.region import Rectangle
from deid.looks import Look, PixelOutcome
from deid.text.line import Found, Line
from pipelines.prepare.review_sheet import (
    SheetHead,
    SheetRecord,
    open_sheet,
    sheet_path,
    sheet_record,
    verify_sheet,
    write_sheet,
)
from pipelines.prepare.review_sheet.pictures import small_picture

HEAD = SheetHead("research-longitudinal", "ab" * 32, "0.1.0", "chu-atlas")
NAME = "LEFÈVRE Élodie <script>alert(1)</script>"
BOX = Rectangle(10, 30, 5, 105)


def found(text: str = NAME, *, keep: bool = False, reason: str = "identity") -> Found:
    return Found(Line(BOX, text, 0.97), keep=keep, reason=reason)


def record(number: str = "n1") -> SheetRecord:
    grey = np.full((600, 1000), 40, np.uint8)
    grey[10:30, 5:105] = 255
    blank = grey.copy()
    blank[10:30, 5:105] = 0
    outcome = PixelOutcome(
        Look("read", "US images often carry text"),
        frames_read=3,
        found=(found(), found("RMLO", keep=True, reason="marker")),
        blanked=(BOX,),
    )
    return sheet_record(number, outcome, grey, blank, code="SIGNATURE_MOVED")


@pytest.fixture
def page(tmp_path: Path) -> bytes:
    made = write_sheet(sheet_path(tmp_path, "run"), HEAD, [record(), record("n2")], tmp_path)
    return made.path.read_bytes()


class Tags(HTMLParser):
    """Every tag with its attributes, and the text of table cells that hold what was read."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._in_text = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._in_text = ("class", "text") in attrs

    def handle_data(self, data: str) -> None:
        if self._in_text:
            self.texts.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._in_text = False


def parsed(page: bytes) -> Tags:
    tags = Tags()
    tags.feed(page.decode())
    return tags


def test_every_line_read_is_on_the_sheet_with_its_judgement_in_both_languages(page: bytes) -> None:
    assert parsed(page).texts == [NAME, "RMLO"] * 2
    text = page.decode()
    for words in (
        "identity of the study", "identité de l’étude", "marker", "marqueur", "kept / conservé",
        "blanked / masqué", "Lu et vérifié par", "Read and verified by", "Date", "10–30 × 5–105",
        "SIGNATURE_MOVED", "chu-atlas", "0.97", "Lines blanked", "lignes masquées",
    ):  # fmt: skip
        assert words in text, words
    assert re.search(r"<strong>2</strong> instances", text)


def test_nothing_on_the_sheet_acts_or_asks_another_address(page: bytes) -> None:
    tags = parsed(page).tags
    acting = {"script", "link", "iframe", "form", "a", "object", "embed", "base"}
    assert acting.isdisjoint({name for name, _ in tags})
    for _, attributes in tags:
        assert not any(name.startswith("on") for name in attributes)
        assert {"href", "style", "action"}.isdisjoint(attributes)
        assert str(attributes.get("src", "data:image/png;base64,")).startswith("data:image/png")
    assert b"http://" not in page
    assert b"https://" not in page


def test_the_policy_of_the_page_admits_its_own_style_and_nothing_else(page: bytes) -> None:
    (policy,) = (
        a["content"] for t, a in parsed(page).tags if "Content-Security-Policy" in a.values()
    )
    style = re.search(rb"<style>(.*?)</style>", page, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1]).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in str(policy)
    assert "default-src 'none'" in str(policy)
    assert "script-src" not in str(policy)


def test_pictures_are_small_and_show_outlines_before_and_black_after(page: bytes) -> None:
    found_pictures = re.findall(rb"base64,([A-Za-z0-9+/=]+)", page)
    assert len(found_pictures) == 4
    before, after = (
        np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))) for data in found_pictures[:2]
    )
    assert max(before.shape) <= 480
    assert before.shape == after.shape == (200, 334)  # one in three pixels a side, rounded up
    assert (after[4:10, 2:34] == 0).all()
    assert before[5:9, 10:30].min() > 200  # what was there is seen
    assert (before[3, 1:36] != before[4, 10]).any()


def test_only_outlines_of_the_frame_that_is_shown_are_drawn() -> None:
    grey = np.zeros((20, 40), np.uint8)
    one = Rectangle(2, 10, 2, 20, frame=1)
    assert small_picture(grey, [one], frame=0) == small_picture(grey)
    assert small_picture(grey, [one], frame=1) != small_picture(grey)
    whole = np.asarray(Image.open(io.BytesIO(small_picture(grey, [one], frame=1))))
    assert whole.sum() == 255 * (2 * 18 + 2 * 6)
    dashed = np.asarray(Image.open(io.BytesIO(small_picture(grey, (), [one], frame=1))))
    assert 0 < dashed.sum() < whole.sum()


@given(
    st.tuples(st.integers(1, 60), st.integers(1, 1100)),
    st.integers(0, 59), st.integers(0, 1099),
)  # fmt: skip
def test_a_rectangle_at_any_edge_can_be_drawn(
    shape: tuple[int, int], row: int, column: int
) -> None:
    row, column = min(row, shape[0] - 1), min(column, shape[1] - 1)
    box = Rectangle(row, shape[0], column, shape[1])
    assert small_picture(np.zeros(shape, np.uint8), [box]).startswith(b"\x89PNG")


def test_the_sheet_is_for_its_owner_only_and_the_same_each_time(tmp_path: Path) -> None:
    path = sheet_path(tmp_path, "run")
    made = write_sheet(path, HEAD, [record()], tmp_path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert made.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert made == write_sheet(path, HEAD, iter([record()]), tmp_path)
    assert [p.name for p in path.parent.iterdir()] == ["run.html"]


@pytest.mark.parametrize("outside", ["research/run.html", "identified/../run.html"])
def test_a_sheet_outside_the_identified_zone_is_refused(tmp_path: Path, outside: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        write_sheet(tmp_path / outside, HEAD, [record()], tmp_path / "identified")
    assert caught.value.code == "SHEET_OUTSIDE_ZONE"
    assert not list(tmp_path.rglob("*.html"))


def test_a_sheet_that_fails_half_way_leaves_nothing_behind(tmp_path: Path) -> None:
    def broken() -> Iterator[SheetRecord]:
        yield record()
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_sheet(sheet_path(tmp_path, "run"), HEAD, broken(), tmp_path)
    assert list((tmp_path / "sheets").iterdir()) == []


def test_a_changed_page_does_not_verify(page: bytes) -> None:
    assert verify_sheet(page)
    assert not verify_sheet(page.replace(b"RMLO", b"LMLO"))
    assert not verify_sheet(page.replace(b"n2", b"n3"))
    assert not verify_sheet(page[:200])


def test_read_text_that_looks_like_the_end_of_the_page_does_not_end_it(tmp_path: Path) -> None:
    trick = '</article><section class="sign"> \ud800 & "quoted"'
    one = SheetRecord("n1", "read", "because", found=(found(trick),))
    page = write_sheet(sheet_path(tmp_path, "run"), HEAD, [one], tmp_path).path.read_bytes()
    assert page.count(b'<section class="sign">') == 1
    assert verify_sheet(page)


def test_read_text_stands_in_no_representation() -> None:
    assert "LEFÈVRE" not in repr(record())


def test_memory_does_not_grow_with_the_number_of_records(tmp_path: Path) -> None:
    picture = bytes(range(256)) * 400  # 100 kB

    def many(count: int) -> Iterator[SheetRecord]:
        for number in range(count):
            yield SheetRecord(f"n{number}", "read", "because", before=bytes(picture))

    def peak(count: int) -> int:
        tracemalloc.start()
        write_sheet(sheet_path(tmp_path, f"run{count}"), HEAD, many(count), tmp_path)
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    peak(2)
    assert peak(120) < 2 * peak(6)


# --- sealed for a holder ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def holder() -> X25519PrivateKey:
    return X25519PrivateKey.generate()


def sealed_record(size: int) -> SheetRecord:
    return SheetRecord("n1", "read", "because", 0, (found(),), (), b"\0" * size, b"\1" * size)


def write_sealed(folder: Path, holder: X25519PrivateKey, name: str = "run") -> Path:
    public = holder.public_key().public_bytes_raw()
    path = sheet_path(folder, name)
    return write_sheet(path, HEAD, [sealed_record(900_000)], folder, holder=public).path


def test_a_sealed_sheet_opens_for_its_holder_and_says_what_an_open_one_says(
    tmp_path: Path, holder: X25519PrivateKey
) -> None:
    path = write_sealed(tmp_path, holder)
    data = path.read_bytes()
    assert path.name == "run.html.sealed"
    assert path.stat().st_mode & 0o777 == 0o600
    assert "LEFÈVRE".encode() not in data
    assert b"<article>" not in data
    plain = write_sheet(sheet_path(tmp_path, "open"), HEAD, [sealed_record(900_000)], tmp_path)
    pieces = list(open_sheet(path, holder.private_bytes_raw()))
    assert len(pieces) == 3  # 2.4 MB of page in boxes of at most a megabyte
    assert b"".join(pieces) == plain.path.read_bytes()
    assert list(path.parent.glob(".*")) == []


def boxes(data: bytes) -> tuple[bytes, list[bytes]]:
    """The start of a sealed sheet and its boxes, each with its length: 4 bytes, big endian."""
    start, at, found_boxes = data[:25], 25, []
    while at < len(data):
        end = at + 4 + int.from_bytes(data[at : at + 4], "big")
        found_boxes.append(data[at:end])
        at = end
    return start, found_boxes


@pytest.mark.parametrize("harm", ["last", "first", "swapped", "cut", "flipped", "foreign", "empty"])
def test_a_sealed_sheet_that_was_tampered_with_does_not_open(
    tmp_path: Path, holder: X25519PrivateKey, harm: str
) -> None:
    path = write_sealed(tmp_path, holder)
    start, parts = boxes(path.read_bytes())
    other = boxes(write_sealed(tmp_path, holder, "other").read_bytes())[1]
    flipped = bytearray(parts[1])
    flipped[100] ^= 1
    changed = {
        "last": parts[:-1],
        "first": parts[1:],
        "swapped": [parts[1], parts[0], parts[2]],
        "cut": [*parts[:-1], parts[-1][:-1]],
        "flipped": [parts[0], bytes(flipped), parts[2]],
        "foreign": [parts[0], other[1], parts[2]],
        "empty": [],
    }[harm]
    path.write_bytes(start + b"".join(changed))
    with pytest.raises(RejectedError) as caught:
        list(open_sheet(path, holder.private_bytes_raw()))
    assert caught.value.code == "VAULT_SEAL_BROKEN"


def test_nobody_else_opens_it(tmp_path: Path, holder: X25519PrivateKey) -> None:
    path = write_sealed(tmp_path, holder)
    with pytest.raises(RejectedError):
        list(open_sheet(path, X25519PrivateKey.generate().private_bytes_raw()))
    path.write_bytes(b"no sheet at all")
    with pytest.raises(RejectedError):
        list(open_sheet(path, holder.private_bytes_raw()))


def test_the_commands_open_and_verify(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from pipelines.vault.keyfiles import make_pair, read_public

    def run(*words: object) -> int:
        monkeypatch.setattr(sys, "argv", ["accordage", *map(str, words)])
        with pytest.raises(SystemExit) as left:
            cli.main()
        return int(left.value.code or 0)

    make_pair(tmp_path / "m.pem", tmp_path / "m.pub", "phrase")
    made = write_sheet(
        sheet_path(tmp_path, "run"),
        HEAD,
        [record()],
        tmp_path,
        holder=read_public(tmp_path / "m.pub"),
    )
    monkeypatch.setattr("typer.prompt", lambda *_, **__: "phrase")
    page = tmp_path / "run.html"
    assert run("pixels", "open-sheet", made.path, page, "--key", tmp_path / "m.pem") == 0
    assert page.stat().st_mode & 0o777 == 0o600
    assert run("pixels", "verify-sheet", page) == 0
    page.write_bytes(page.read_bytes().replace(b"RMLO", b"LMLO"))
    assert run("pixels", "verify-sheet", page) == 1
    said = capsys.readouterr()
    assert "LEF" not in said.out + said.err
