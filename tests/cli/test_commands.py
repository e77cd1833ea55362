"""Bad input gives one clear line, the right exit code, and nothing half-written."""

from __future__ import annotations

import errno
import json
import shutil
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

import cli
from pipelines.demo.hospitals import World, make_hospitals
from pipelines.prepare import splice


class Ran:
    """What a command left: exit code, standard output and standard error."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def command(*words: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["accordage", *map(str, words)])
        with pytest.raises(SystemExit) as left:
            cli.main()
        said = capsys.readouterr()
        return Ran(int(left.value.code or 0), said.out, said.err)

    return command


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_hospitals(tmp_path_factory.mktemp("world"), scale="tiny")


@pytest.fixture
def mammograms(world: World, tmp_path: Path) -> Path:
    """The four views of one exam, with a file that is no DICOM beside them."""
    folder = tmp_path / "in"
    source = world.sites["chu-atlas"].folder
    shutil.copytree(min(source.glob("mg-*")), folder)
    (folder / "notes.txt").write_text("not DICOM")
    return folder


def error_line(ran: Ran) -> str:
    (line,) = [x for x in ran.err.splitlines() if x.startswith("error: ")]
    return line


def test_deid_writes_the_tree_of_the_design_and_a_report(run, mammograms, tmp_path) -> None:
    out = tmp_path / "out"
    ran = run("deid", mammograms, out, "--policy", "research-longitudinal")
    assert ran.code == 0
    assert "released 4, quarantined 0" in ran.out
    assert "used the project secret" in ran.err
    report = json.loads((out / "report.json").read_text())
    assert (report["released"], report["not_dicom"], report["subjects"]) == (4, 1, 1)
    for row in report["files"]:
        subject, study, series, name = row["path"].split("/")
        assert subject.startswith("S-")
        assert study.startswith("2.25.")
        assert series.startswith("2.25.")
        assert name.endswith(".dcm")
        assert (out / row["path"]).is_file()
    assert not list(out.glob(".*"))


def test_deid_gives_the_same_bytes_with_the_same_secret_from_a_zip(
    run, mammograms, tmp_path
) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"s" * 32)
    secret.chmod(0o600)
    archive = tmp_path / "in.zip"
    with zipfile.ZipFile(archive, "w") as package:
        for path in mammograms.rglob("*"):
            if path.is_file():
                package.write(path, path.relative_to(mammograms))
    for source, out in ((mammograms, "one"), (archive, "two")):
        args = ("--policy", "basic", "--secret-file", secret)
        run("deid", source, tmp_path / out, *args)
    one = {p.name: p.read_bytes() for p in (tmp_path / "one").rglob("*.dcm")}
    two = {p.name: p.read_bytes() for p in (tmp_path / "two").rglob("*.dcm")}
    assert one == two
    assert len(one) == 4


def test_deid_explains_a_policy_without_a_source(run) -> None:
    ran = run(
        "deid", "--explain-policy", "basic", "--sop-class", "PositronEmissionTomographyImageStorage"
    )
    assert ran.code == 0
    row = "| (0008,0021) | Series Date | X/D | dummy value | Basic Profile | Type 1 (pet-series) |"
    assert row in ran.out.splitlines()
    told = json.loads(run("deid", "--explain-policy", "strict", "--json").out)
    assert len(told["attributes"]) >= 656
    assert told["policy"]["unlisted"] == "deny"


def test_deid_without_source_or_with_an_unknown_class_is_usage(run) -> None:
    assert run("deid").code == 2
    ran = run("deid", "--explain-policy", "basic", "--sop-class", "MRImage")
    assert ran.code == 2
    assert "CONFIG_UNKNOWN_NAME" in error_line(ran)


def test_deid_writes_what_it_really_did(run, mammograms, tmp_path) -> None:
    page = tmp_path / "done.md"
    args = ("--policy", "research-longitudinal", "--conformance", page)
    assert run("deid", mammograms, tmp_path / "out", *args).code == 0
    text = page.read_text("utf-8")
    assert "instances: 4" in text
    assert "| Patient ID | (0010,0020) | D | N | replaced 4 |" in text


def test_two_policies_are_compared(run) -> None:
    ran = run("config", "diff", "basic", "research-longitudinal", "--json")
    rows = {row["attribute"]: (row["first"], row["second"]) for row in json.loads(ran.out)}
    assert rows["Patient's Weight"] == ("removed", "kept")
    assert rows["Study Date"] == ("emptied", "moved with the patient")
    assert "Patient's Name" not in rows
    same = run("config", "diff", "basic", "basic").out
    assert same == "`basic` and `basic` treat every attribute alike.\n"


def test_deid_lists_a_truncated_file_under_its_code_and_releases_the_others(
    run, mammograms, tmp_path
) -> None:
    victim = min(mammograms.rglob("*.dcm"))
    victim.write_bytes(victim.read_bytes()[:2000])
    ran = run("deid", mammograms, tmp_path / "out", "--policy", "research-longitudinal")
    assert ran.code == 1
    assert "released 3, quarantined 1" in ran.out


def test_harmonise_makes_volumes_of_what_deid_released(run, mammograms, tmp_path) -> None:
    run("deid", mammograms, tmp_path / "out", "--policy", "research-longitudinal")
    dry = run("harmonise", tmp_path / "out", tmp_path / "v", "--recipe", "mammography", "--dry-run")
    assert dry.code == 0
    assert not (tmp_path / "v").exists()
    ran = run("harmonise", tmp_path / "out", tmp_path / "v", "--recipe", "mammography", "--json")
    rows = json.loads(ran.out)
    assert [r["role"] for r in rows] == ["mg_presentation"] * 4
    assert all((tmp_path / "v" / r["nifti_path"]).is_file() for r in rows)
    assert (tmp_path / "v" / "manifest.parquet").is_file()
    assert (tmp_path / "v" / "acquisitions.parquet").is_file()
    explained = run("explain", tmp_path / "v" / rows[0]["nifti_path"])
    assert explained.code == 0
    assert "chest_wall_left" in explained.out


def test_a_folder_without_dicom_is_told_in_one_line(run, tmp_path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("x")
    for command in (("deid", "--policy", "basic"), ("harmonise", "--recipe", "native")):
        ran = run(command[0], tmp_path / "in", tmp_path / "out", *command[1:])
        assert ran.code == 3
        assert error_line(ran).startswith("error: NO_DICOM_FOUND: ")


def test_a_source_that_is_not_there_is_told_in_one_line(run, tmp_path) -> None:
    ran = run("deid", tmp_path / "none", tmp_path / "out", "--policy", "basic")
    assert ran.code == 3
    assert error_line(ran).startswith("error: NO_DICOM_FOUND: ")


def test_an_unknown_recipe_is_usage_and_lists_those_there_are(run, mammograms, tmp_path) -> None:
    ran = run("harmonise", mammograms, tmp_path / "out", "--recipe", "prostat")
    assert ran.code == 2
    assert "CONFIG_UNKNOWN_NAME" in error_line(ran)
    assert "prostate-mpmri" in error_line(ran)
    assert not (tmp_path / "out").exists()


def test_a_project_file_with_a_typo_is_named_with_its_line(run, tmp_path) -> None:
    folder = tmp_path / "accordage-home" / "config" / "projects"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text("name: mine\nsties: [a]\n")
    ran = run("config", "check")
    assert ran.code == 2
    assert f"{folder / 'mine.yaml'}:2: sties: not a field of this file" in ran.err
    ran = run("acquire", "mine")
    assert ran.code == 2
    assert "mine.yaml:2: sties" in ran.err


def test_a_pacs_that_is_not_there_is_partial_and_one_line(run, tmp_path) -> None:
    folder = tmp_path / "accordage-home" / "config"
    for kind in ("sites", "projects"):
        (folder / kind).mkdir(parents=True)
    pacs = {"ae_title": "X", "host": "127.0.0.1", "port": 1, "retries": 0, "connect_timeout_s": 2}
    (folder / "sites" / "s.yaml").write_text(yaml.safe_dump({"name": "s", "pacs": pacs}))
    project = {
        "name": "p",
        "sites": ["s"],
        "select": {"modality": "MR", "study_date": "2020-01-01..2020-12-31"},
        "policy": "basic",
        "recipe": "native",
        "delivery": {"expires": "2030-01-01"},
    }
    (folder / "projects" / "p.yaml").write_text(yaml.safe_dump(project))
    ran = run("acquire", "p")
    assert ran.code == 1
    assert "PACS_UNREACHABLE" in ran.err
    assert run("pacs", "echo", "s").code == 1


def test_a_full_disk_stops_with_one_line_and_nothing_half_written(
    run, mammograms, tmp_path, monkeypatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(splice, "_put", full)
    ran = run("deid", mammograms, tmp_path / "out", "--policy", "research-longitudinal")
    assert ran.code == 3
    assert error_line(ran).startswith("error: DISK_FULL: ")
    assert not list((tmp_path / "out").rglob("*.dcm"))


def test_a_secret_that_others_can_read_is_refused(run, mammograms, tmp_path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"s" * 32)
    secret.chmod(0o644)
    ran = run("deid", mammograms, tmp_path / "o", "--policy", "basic", "--secret-file", secret)
    assert ran.code == 2
    assert "SECRET_READABLE" in error_line(ran)


def test_a_release_without_a_sample_is_refused(run) -> None:
    ran = run("cohort", "release", "prostate-mpmri")
    assert ran.code == 1
    assert "RELEASE_REFUSED" in error_line(ran)
    assert "GATE_NOTHING_SAMPLED" in error_line(ran)


def test_status_and_doctor_answer_from_the_first_day(run) -> None:
    assert json.loads(run("status", "--json").out)["projects"] == []
    assert run("status").code == 0
    checks = {c["name"]: c for c in json.loads(run("doctor", "--json").out)}
    assert checks["fastapi bound"]["fine"]
    assert checks["catalogues"]["fine"]
    assert run("doctor").code == 0


def test_settings_can_be_shown_and_documented(run) -> None:
    assert json.loads(run("config", "show", "recipes").out) == [
        "ct-oncology",
        "mammography",
        "native",
        "neuropathy-mri",
        "pathology",
        "pet-oncology",
        "prostate-mpmri",
        "ultrasound",
        "ultrasound-nerve",
    ]
    assert json.loads(run("config", "show", "sites", "chu-atlas").out)["label"] == "CHU Atlas"
    schema = json.loads(run("config", "schema", "projects").out)
    assert schema["additionalProperties"] is False
    assert "IANA" in schema["$defs"]["Schedule"]["properties"]["timezone"]["description"]
    assert run("config", "schema", "colours").code == 2


def test_a_verdict_needs_a_reader_and_a_reason(run) -> None:
    ran = run("cohort", "review", "prostate-mpmri", "--accept", "ab")
    assert ran.code == 2
    assert "REVIEW_READER_MISSING" in error_line(ran)
    ran = run("cohort", "review", "prostate-mpmri", "--reject", "ab", "--reader", "r")
    assert "REVIEW_REASON_MISSING" in error_line(ran)
    ran = run("cohort", "review", "prostate-mpmri", "--accept", "ab", "--reader", "r")
    assert "REVIEW_UNKNOWN_PACK" in error_line(ran)


def test_a_foreign_error_never_shows_its_message(run, monkeypatch, tmp_path) -> None:
    import config.settings

    def fail(*_args: object) -> None:
        raise ValueError("DUPONT^Jean")

    monkeypatch.setattr(config.settings, "load_settings", fail)
    ran = run("status")
    assert ran.code == 1
    assert "DUPONT" not in ran.err + ran.out
    assert "ValueError at test_commands.py" in ran.err


def test_every_command_has_help_with_an_example(run) -> None:
    import typer

    group = typer.main.get_command(cli.app)
    stack = [([], group)]
    seen = 0
    while stack:
        words, command = stack.pop()
        for name, child in getattr(command, "commands", {}).items():
            stack.append(([*words, name], child))
        if not hasattr(command, "commands"):
            seen += 1
            assert f"`accordage {' '.join(words)}" in (command.help or ""), words
    assert seen >= 17


def test_replay_says_identical_or_the_first_step_that_is_not(run, mammograms, tmp_path) -> None:
    out = tmp_path / "volumes"
    assert run("harmonise", mammograms, out, "--recipe", "mammography").code == 0
    side = min(out.rglob("*.json"))

    same = run("replay", side, "--sources", mammograms)
    assert (same.code, same.out.split(":")[0]) == (0, "identical")

    record = json.loads(side.read_text())
    record["steps"][1]["output_sha256"] = "0" * 64
    side.write_text(json.dumps(record))
    other = run("replay", side, "--sources", mammograms)
    assert other.code == 1
    name = record["steps"][1]["step"]
    assert other.out.startswith(f"different: step 2 {name}: its result has another digest")
    facts = json.loads(run("replay", side, "--sources", mammograms, "--json").out)
    assert (facts["identical"], facts["code"]) == (False, "REPLAY_DIFFERS")

    empty = tmp_path / "empty"
    empty.mkdir()
    lost = run("replay", side, "--sources", empty)
    assert lost.code == 1
    assert "REPLAY_SOURCE_MISSING" in lost.out
    assert run("replay", mammograms / "notes.txt").code == 1
