"""None of the planted identities is found where it must not be, and the search would find it.

The demo's keys and hospitals are fixed, so no shifted date of it may equal somebody's real date by
chance without this test saying so every time: dates are looked for everywhere, of everybody.
"""

from __future__ import annotations

import gzip
import sqlite3
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.endtoend.conftest import DemoRun
from tests.support.identities import (
    ENCODINGS,
    Searcher,
    date_forms,
    files_under,
    search_files,
    text_forms,
)

KINDS = {
    *("name", "id", "nir", "date", "phone", "address"),
    *("institution", "physician", "accession", "uid"),
}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def forms(demo_run: DemoRun) -> dict[str, str]:
    return text_forms(demo_run.world.answer_key)


@pytest.fixture(scope="module")
def searcher(forms: Mapping[str, str]) -> Searcher:
    return Searcher(forms)


def test_every_kind_of_identity_is_looked_for(
    demo_run: DemoRun, forms: Mapping[str, str], searcher: Searcher
) -> None:
    assert set(forms.values()) == KINDS
    planted = {entry["value"] for entry in demo_run.world.answer_key}
    assert planted <= set(forms)
    for text in forms:
        assert text.encode("utf-8") in searcher.needles
        assert text.encode("utf-16-le") in searcher.needles
        assert text.encode("utf-16-be") in searcher.needles


def test_a_name_is_looked_for_in_both_orders_and_a_date_in_four_forms(
    demo_run: DemoRun, forms: Mapping[str, str]
) -> None:
    for entry in demo_run.world.answer_key:
        if entry["kind"] == "name" and "^" in entry["value"]:
            family, given = entry["value"].split("^")
            for separator in ("^", " ", ",", ", "):
                assert family + separator + given in forms
                assert given + separator + family in forms
    assert date_forms("19610203") == ("19610203", "03/02/1961", "1961-02-03", "03021961")
    days = {e["value"] for e in demo_run.world.answer_key if e["kind"] == "date"}
    for day in days:
        if day.isdigit():
            assert set(date_forms(day)) <= set(forms)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_search_finds_every_planted_text(
    forms: Mapping[str, str], searcher: Searcher, encoding: str
) -> None:
    """The positive control: each text, hidden between bytes, alone, in each encoding."""
    for text in forms:
        if encoding == "latin-1" and "œ" in text.lower():
            continue
        data = b"\xff\x07\xfe" * 5 + text.encode(encoding) + b"\x00\xff"
        assert text in searcher.find(data), (forms[text], encoding)


def test_the_search_finds_a_text_across_the_border_of_two_pieces(searcher: Searcher) -> None:
    data = bytes((1 << 22) - 5) + "BOISSERANC^Apolline".encode("utf-16-le")
    assert "BOISSERANC^Apolline" in searcher.find(data)


def test_the_search_finds_what_packed_files_hold(tmp_path: Path, searcher: Searcher) -> None:
    name = "BOISSERANC"
    (tmp_path / "v.nii.gz").write_bytes(gzip.compress(bytes(999) + name.encode()))
    pq.write_table(pa.table({"note": [f"de {name}"] * 9}), tmp_path / "t.parquet")
    with sqlite3.connect(tmp_path / "c.sqlite") as base:
        base.execute("PRAGMA journal_mode=WAL")
        base.execute("CREATE TABLE note (words TEXT)")
        base.execute("INSERT INTO note VALUES (?)", (name,))
    base.close()
    (tmp_path / f"{name}.txt").write_bytes(b"")
    hits = search_files(searcher, files_under(tmp_path), tmp_path)
    assert {p: name in found for p, found in hits.items()} == dict.fromkeys(
        ("v.nii.gz", "t.parquet", "c.sqlite", f"{name}.txt"), True
    )


def test_the_identified_zone_holds_what_is_looked_for(
    demo_run: DemoRun, searcher: Searcher
) -> None:
    """The control on real files: what came from the hospitals is full of it."""
    objects = files_under(demo_run.home / "identified" / "objects")[:20]
    hits = search_files(searcher, objects, demo_run.home)
    assert len(hits) == len(objects)


def test_nothing_planted_is_anywhere_in_the_research_zone(
    demo_run: DemoRun, searcher: Searcher
) -> None:
    found = files_under(demo_run.home / "research")
    kinds = {p.suffix for p in found}
    assert {".dcm", ".gz", ".json", ".parquet", ".html", ".npy", ".sqlite"} <= kinds
    assert search_files(searcher, found, demo_run.home) == {}


def test_nothing_planted_is_in_the_logs(demo_run: DemoRun, searcher: Searcher) -> None:
    log = demo_run.home / "prefect" / "server.log"
    assert log.stat().st_size > 0
    assert search_files(searcher, [log], demo_run.home) == {}
    assert b"prostate-mpmri" in demo_run.stdout
    assert searcher.find(demo_run.stdout) == set()
    assert searcher.find(demo_run.stderr) == set()


def test_nothing_planted_is_in_prefects_database(demo_run: DemoRun, searcher: Searcher) -> None:
    """The file and what is not yet written back to it (``-wal``)."""
    files = sorted((demo_run.home / "prefect").glob("prefect.db*"))
    assert b"prostate-mpmri" in b"".join(p.read_bytes() for p in files)
    assert search_files(searcher, files, demo_run.home) == {}
