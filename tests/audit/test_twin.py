"""The twin: what it plants, and that its key is exact."""

from __future__ import annotations

import io
import json
import runpy
from pathlib import Path

import pydicom
import pytest
from pydicom.uid import UID

from pipelines.audit.scorer.key import ACTIONS, ADDED, read_key, write_key
from pipelines.audit.scorer.leaks import find_leaks
from pipelines.audit.scorer.released import read_released
from pipelines.audit.scorer.score import score
from pipelines.audit.twin.cohort import TwinObject, make_twin

PLACES = {
    "preamble", "file meta", "after the pixels", "comment segment", "padding of a fragment",
    "IconImageSequence", "OverlayData", "OverlayComments", "OverlayLabel", "CurveData",
    "private LO", "private OB, UTF-16", "private OB, BE", "private SQ", "private UN",
    "UN sequence", "DataSetTrailingPadding", "<(0400,0561)>", "DICOMDIR",
    "<(0042,0011)>", "<(0070,0001)>[<0000>]<(0070,0008)>[<0000>]<(0070,0006)>",
    "<(0040,A730)>[<0001>]<(0040,A160)>", "<(3006,0020)>[<0000>]<(3006,0026)>",
    "<(0062,0002)>[<0000>]<(0062,0005)>",
    "<(5200,9230)>[<0001>]<(0020,9111)>[<0000>]<(0020,9158)>",
}  # fmt: skip


@pytest.fixture(scope="module")
def twin() -> tuple[TwinObject, ...]:
    return make_twin(1)


def test_it_plants_a_thousand_strings_over_two_dozen_classes(twin: tuple[TwinObject, ...]) -> None:
    assert len({s.text for one in twin for s in one.key.secrets}) >= 1000
    assert len({one.key.sop_class for one in twin}) >= 23
    assert len({one.key.patient_id for one in twin}) >= 3


def test_it_plants_in_every_hiding_place(twin: tuple[TwinObject, ...]) -> None:
    planted = {secret.place for one in twin for secret in one.key.secrets}
    assert planted >= PLACES


def test_its_key_has_every_action(twin: tuple[TwinObject, ...]) -> None:
    actions = {check.action for one in twin for check in one.key.checks}
    on_objects = {"<iod_valid>", "<codes_honest>"}  # no row: due of every object
    assert actions == {*ACTIONS, *ADDED} - on_objects


def test_its_characters_are_those_of_four_sets(twin: tuple[TwinObject, ...]) -> None:
    sets = set()
    for one in twin:
        value = pydicom.dcmread(io.BytesIO(one.data)).get("SpecificCharacterSet")
        sets.add(value if isinstance(value, str) else "\\".join(value or []))
    assert {"ISO_IR 192", "ISO_IR 100", "GB18030"} <= sets


def test_one_seed_gives_one_twin_and_another_seed_shares_no_number() -> None:
    again, other = make_twin(1), make_twin(2)
    assert again == make_twin(1)
    numbers = [
        {s.text for one in cohort for s in one.key.secrets if s.kind == "number"}
        for cohort in (again, other)
    ]
    assert numbers[0].isdisjoint(numbers[1])


def test_every_object_can_be_read_and_holds_what_its_key_says(
    twin: tuple[TwinObject, ...],
) -> None:
    for one in twin:
        found = read_released(one.data)
        assert found is not None
        assert found.broken is None, one.name
        for check in one.key.checks:
            if check.action == "<date_shifted>":
                assert found.value(check.tag_ds) == check.value, check.tag_ds


def test_every_planted_string_is_found_where_nothing_was_taken_out() -> None:
    """The probe is not blind: unchanged files leak all there is, in every character set."""
    twin = make_twin(1, rounds=2)
    key = {one.name: one.key for one in twin}
    files = {one.name: read_released(one.data) for one in twin}
    leaks = find_leaks(key, {n: f for n, f in files.items() if f}, frozenset())
    found = {leak.string for leak in leaks}
    planted = {s.text for one in twin for s in one.key.secrets}
    assert len(found) == len(planted)


def test_unchanged_files_keep_everything_and_remove_nothing(twin: tuple[TwinObject, ...]) -> None:
    key = {one.name: one.key for one in twin}
    files = {one.name: one.data for one in twin}
    options = frozenset({"113103", "113104", "113105", "113107", "113108", "113109", "113111"})
    made = score(key, files, files, options)
    kept = ["<text_retained>", "<pixels_retained>", "<suv_computable>", "<sr_tree_valid>"]
    assert {a: made.total[a] - made.passed[a] for a in kept} == dict.fromkeys(kept, 0)
    assert made.passed["<text_removed>"] == made.passed["<date_shifted>"] == 0


def test_a_key_is_read_as_it_was_written(twin: tuple[TwinObject, ...], tmp_path: Path) -> None:
    path = tmp_path / "key.sqlite"
    write_key((one.key for one in twin), path)
    by_uid = {one.sop_uid: one for one in read_key(path)}
    assert by_uid == {one.key.sop_uid: one.key for one in twin}


def test_every_uid_is_valid(twin: tuple[TwinObject, ...]) -> None:
    assert all(UID(one.key.sop_uid).is_valid for one in twin)


def test_the_table_of_the_benchmarks_is_the_kept_result() -> None:
    root = Path(__file__).resolve().parents[2]
    table = runpy.run_path(str(root / "benchmarks" / "canaries.py"))["table"]
    result = json.loads((root / "benchmarks" / "results" / "canaries.json").read_text())
    assert table(result) in (root / "docs" / "benchmarks.md").read_text(encoding="utf-8")
