"""What goes with a release: the split, OMOP's rows, the flow, the descriptions for machines."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from datetime import date
from pathlib import Path
from xml.etree import ElementTree as ET

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from config.project import Project, Split
from harmonise.manifest import ManifestRow
from pipelines.cohort.delivery.describe import write_crate, write_croissant
from pipelines.cohort.delivery.flow import flow_svg
from pipelines.cohort.delivery.omop import SCHEMA, occurrences, write_occurrences
from pipelines.cohort.delivery.split import assign, write_split
from pipelines.cohort.report import AskedRow

SUBJECTS = {f"S-{n:010d}": frozenset({"a" if n % 3 else "b"}) for n in range(3000)}


def test_a_split_has_its_shares_within_what_chance_allows() -> None:
    counted = Counter(assign(SUBJECTS, Split(), "p").values())
    # 3,000 draws: four standard deviations of a share of 0.15 are 78 subjects
    assert abs(counted["test"] - 450) < 78
    assert abs(counted["validation"] - 450) < 78
    assert sum(counted.values()) == 3000


@given(st.sets(st.sampled_from(sorted(SUBJECTS)), min_size=1, max_size=50))
def test_a_new_version_moves_nobody(kept: set[str]) -> None:
    every = assign(SUBJECTS, Split(), "p")
    some = assign({subject: SUBJECTS[subject] for subject in kept}, Split(), "p")
    assert all(every[subject] == part for subject, part in some.items())


def test_another_project_over_the_same_people_is_split_apart() -> None:
    one, two = (assign(SUBJECTS, Split(), name) for name in ("p", "q"))
    both = sum(one[s] == two[s] == "test" for s in SUBJECTS)
    # 0.15 of 0.15 of 3,000 is 67.5; four standard deviations are 33
    assert abs(both - 67.5) < 33


def test_whoever_was_seen_at_a_test_site_is_tested_on_and_nobody_else() -> None:
    seen = {**SUBJECTS, "S-both": frozenset({"a", "b"})}
    found = assign(seen, Split(test_sites=("b",)), "p")
    assert {s for s, part in found.items() if part == "test"} == {
        s for s, sites in seen.items() if "b" in sites
    }
    assert Counter(found.values())["validation"] > 0


def test_shares_that_are_not_one_together_are_refused() -> None:
    with pytest.raises(ValidationError, match="not 1 together"):
        Split(train=0.8, validation=0.1, test=0.2)


def row(subject: str, series: str, *, delivered: bool = True) -> ManifestRow:
    path = f"data/{subject}/1.2/v" if delivered else None
    return ManifestRow(
        subject, "1.2", "v" if delivered else None, (series,), "t2w_ax", None,
        "PASS" if delivered else "REJECT", (), "1", None, path, 1, 1, 1, None, None, None, None,
        "native", "0" * 64, None,
    )  # fmt: skip


def test_an_occurrence_is_a_delivered_series_under_its_subject() -> None:
    manifest = [row("S-B", "1.2.2"), row("S-A", "1.2.1"), row("S-A", "1.2.3", delivered=False)]
    found = occurrences(manifest, [{"series_uid": "1.2.1", "modality": "MR"}])
    assert [
        (r["image_occurrence_id"], r["person_id"], r["person_source_value"], r["image_series_uid"],
         r["modality_source_value"], r["local_path"])
        for r in found
    ] == [
        (1, 1, "S-A", "1.2.1", "MR", "data/S-A/1.2"),
        (2, 2, "S-B", "1.2.2", None, "data/S-B/1.2"),
    ]  # fmt: skip


def test_the_flow_accounts_for_every_study() -> None:
    rows = [
        *(AskedRow(str(n), "a", "released", "RELEASED", "accepted") for n in range(5)),
        AskedRow("6", "a", "offline", "STUDY_OFFLINE", "found"),
        AskedRow("7", "a", "refused", "MR_MISSING_SLICE & <more>", "deidentified"),
    ]
    drawn = flow_svg(rows)
    texts = [node.text for node in ET.fromstring(drawn).iter() if node.tag.endswith("text")]
    assert [t for t in texts if t and t.endswith("studies")] == [
        "7 studies", "7 studies", "6 studies", "6 studies", "5 studies", "5 studies",
    ]  # fmt: skip
    assert "1 STUDY_OFFLINE" in texts
    assert "1 MR_MISSING_SLICE & <more>" in texts
    assert "http" not in drawn.replace('xmlns="http://www.w3.org/2000/svg"', "")


@pytest.fixture
def release(tmp_path: Path) -> Path:
    (tmp_path / "data" / "S-A").mkdir(parents=True)
    (tmp_path / "data" / "S-A" / "v.nii.gz").write_bytes(b"x")
    (tmp_path / "README.md").write_text("what it is", encoding="utf-8")
    write_split({"S-A": "train"}, tmp_path / "split.parquet")
    write_occurrences(occurrences([row("S-A", "1.2.1")], []), tmp_path / "image_occurrence.parquet")
    schema = pa.schema([("codes", pa.list_(pa.string())), ("rows", pa.int32())])
    pq.write_table(pa.Table.from_pylist([], schema=schema), tmp_path / "manifest.parquet")
    project = Project.model_validate(
        {
            "name": "p",
            "title": "A project",
            "sites": ["a"],
            "select": {"modality": "MR", "study_date": "2020-01-01..2020-12-31"},
            "policy": "basic",
            "recipe": "native",
            "delivery": {"expires": "2030-01-01"},
        }
    )
    write_croissant(tmp_path, project, 2, date(2026, 5, 4))
    write_crate(tmp_path, project, 2, date(2026, 5, 4))
    return tmp_path


def test_croissant_names_every_table_with_its_digest_and_every_column(release: Path) -> None:
    said = json.loads((release / "croissant.json").read_text(encoding="utf-8"))
    assert said["conformsTo"] == "http://mlcommons.org/croissant/1.0"
    objects = {d["@id"]: d for d in said["distribution"] if d["@type"] == "cr:FileObject"}
    assert set(objects) == {p.name for p in release.glob("*.parquet")}
    for name, described in objects.items():
        assert described["sha256"] == hashlib.sha256((release / name).read_bytes()).hexdigest()
    sets = {r["@id"]: r for r in said["recordSet"]}
    columns = [f["source"]["extract"]["column"] for f in sets["image_occurrence"]["field"]]
    assert columns == SCHEMA.names
    codes, rows = sets["manifest"]["field"]
    assert (codes["dataType"], codes["repeated"]) == ("sc:Text", True)
    assert rows["dataType"] == "sc:Integer"
    assert [d["@id"] for d in said["distribution"] if d["@type"] == "cr:FileSet"] == ["nifti"]


def test_the_crate_holds_every_file_beside_it_and_the_data(release: Path) -> None:
    graph = json.loads((release / "ro-crate-metadata.json").read_text(encoding="utf-8"))["@graph"]
    by_id = {entity["@id"]: entity for entity in graph}
    # RO-Crate 1.1, 3.1.1: the descriptor is about the root and says which version it conforms to
    descriptor = by_id["ro-crate-metadata.json"]
    assert descriptor["about"] == {"@id": "./"}
    assert descriptor["conformsTo"] == {"@id": "https://w3id.org/ro/crate/1.1"}
    root = by_id["./"]
    assert {"name", "description", "datePublished", "license"} <= set(root)
    parts = {part["@id"] for part in root["hasPart"]}
    files = {p.name for p in release.iterdir() if p.is_file()} - {"ro-crate-metadata.json"}
    assert parts == files | {"data/"}
    assert parts <= set(by_id)
