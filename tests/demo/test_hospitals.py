"""Claims about the three hospitals as a whole."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from pydicom import dcmread

from pipelines.demo.hospitals import World, load_world, make_hospitals


def hashes(world: World) -> dict[str, str]:
    return {
        f"{site.name}/{path.relative_to(site.folder)}": hashlib.sha256(
            path.read_bytes()
        ).hexdigest()
        for site in world.sites.values()
        for path in site.files
    }


def test_two_runs_give_the_same_bytes(tiny: World, tmp_path: Path) -> None:
    again = make_hospitals(tmp_path, scale="tiny")
    assert hashes(again) == hashes(tiny)
    assert again.answer_key == tiny.answer_key


def test_another_seed_gives_other_people(tiny: World, tmp_path: Path) -> None:
    other = make_hospitals(tmp_path, seed=7, scale="tiny")
    nirs = [{e["value"] for e in w.answer_key if e["kind"] == "nir"} for w in (tiny, other)]
    assert not nirs[0] & nirs[1]


def test_the_full_world_is_small_enough_for_a_laptop(demo: World) -> None:
    size = sum(path.stat().st_size for site in demo.sites.values() for path in site.files)
    assert size < 150e6


def test_each_hospital_has_two_good_prostates_and_two_mammographies(tiny: World) -> None:
    bad = {fault["study_uid"] for fault in tiny.faults.values()}
    for site in tiny.sites:
        studies = {
            kind: {
                e["study_uid"]
                for e in tiny.answer_key
                if e["site"] == site and e["project"] == kind
            }
            for kind in ("prostate", "mammography")
        }
        assert len(studies["prostate"] - bad) == 2
        assert len(studies["mammography"]) == 2


def test_file_names_are_running_numbers(tiny: World) -> None:
    for site in tiny.sites.values():
        for path in site.files:
            study, series, image = path.relative_to(site.folder).parts
            assert study[:3] in {"mr-", "mg-"}
            assert (study[3:] + series[1:] + image[:4]).isdigit()


def test_a_world_that_is_there_is_not_made_again(tiny: World) -> None:
    folder = next(iter(tiny.sites.values())).folder.parent
    before = {p: p.stat().st_mtime_ns for s in tiny.sites.values() for p in s.files}
    assert make_hospitals(folder, scale="tiny") == tiny
    assert before == {p: p.stat().st_mtime_ns for p in before}


def test_a_world_with_a_file_missing_is_made_again(tmp_path: Path) -> None:
    world = make_hospitals(tmp_path, scale="tiny")
    lost = world.sites["chu-cyan"].files[3]
    content = lost.read_bytes()
    lost.unlink()
    assert load_world(tmp_path) is None
    make_hospitals(tmp_path, scale="tiny")
    assert lost.read_bytes() == content


def test_an_empty_folder_holds_no_world(tmp_path: Path) -> None:
    assert load_world(tmp_path) is None


def test_one_man_is_known_to_two_hospitals_under_two_numbers(tiny: World) -> None:
    entries = [e for e in tiny.answer_key if e["patient"] == "lefevre"]
    assert {e["site"] for e in entries} == {"chu-atlas", "chu-cyan"}
    distinct = {
        kind: len({e["value"] for e in entries if e["kind"] == kind}) for kind in ("nir", "id")
    }
    assert distinct == {"nir": 1, "id": 2}
    birth = {e["value"] for e in entries if "(0010,0030)" in e["where"]}
    assert len(birth) == 1


def test_the_answer_key_lies_beside_the_hospitals_as_json(tiny: World) -> None:
    folder = next(iter(tiny.sites.values())).folder.parent
    record = json.loads((folder / "answer_key.json").read_text("utf-8"))
    assert tuple(record["entries"]) == tiny.answer_key


def test_studies_are_found_by_the_selections_of_the_two_projects(tiny: World) -> None:
    """Selections ask for *PROST* or *MAMMO* and for a study date from 2018 to 2023."""
    for site in tiny.sites.values():
        for path in site.files:
            ds = dcmread(path, specific_tags=["StudyDescription", "StudyDate", "Modality"])
            assert ("PROST" if ds.Modality == "MR" else "MAMMO") in ds.StudyDescription
            assert "2018" <= ds.StudyDate[:4] <= "2023"
