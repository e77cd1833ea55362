"""``accordage vault``: from keys to a lookup by two people, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli import app
from config.errors import AccordageError
from pipelines.workspace import open_workspace
from tests.vault.sites import TWO_VISITS, Country

COMMANDS = ["keygen", "init", "lookup", "rows", "rotate", "export-sealed", "open-sealed", "verify"]


def run(*words: object, typed: str = "") -> Result:
    return CliRunner().invoke(app, ["vault", *map(str, words)], input=typed)


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    folder = tmp_path / "keys"
    folder.mkdir()
    for name in ("ada", "bob", "party"):
        made = run("keygen", folder / f"{name}.pem", folder / f"{name}.pub", typed=f"{name}\n" * 2)
        assert made.exit_code == 0
    return folder


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_an_example(command: str) -> None:
    assert f"accordage vault {command}" in run(command, "--help").stdout


def test_two_people_go_from_the_hubs_subject_to_the_patient(tmp_path: Path, keys: Path) -> None:
    country = Country(tmp_path)
    country.found({"traits": "strict"})
    home = tmp_path / "chu-a"
    facts = country.settings("chu-a")
    (home / "settings.yaml").write_text(
        json.dumps({"research_root": str(facts.research_root), "research_url": facts.research_url})
    )
    register = [f"--register={name}={keys / name}.pub" for name in ("ada", "bob")]
    assert run("init", *register, "--home", home).exit_code == 0
    country.prepare(TWO_VISITS[:1])
    with open_workspace(facts) as ws:
        subject = country.rows()[0].subject
        assert ws.hub_secret("tiny") != ws.project_secret("tiny")
    listed = run("rows", subject, "--home", home, "--json")
    (row,) = json.loads(listed.stdout)
    holders = [f"--holder={name}={keys / name}.pem" for name in ("ada", "bob")]
    found = run("lookup", row["row_id"], *holders, "--home", home, typed="ada\nbob\n")
    assert TWO_VISITS[0].patient_id in found.stdout
    alone = run("lookup", row["row_id"], holders[0], "--home", home, typed="ada\n")
    assert isinstance(alone.exception, AccordageError)
    assert alone.exception.code == "VAULT_TWO_HOLDERS"
    sealed, opened = tmp_path / "out.sealed", tmp_path / "out.json"
    sent = run("export-sealed", "tiny", sealed, f"--recipient={keys / 'party.pub'}", *holders,
               "--home", home, typed="ada\nbob\n")  # fmt: skip
    assert "log: 5 accesses" in sent.stdout
    assert run("open-sealed", sealed, opened, f"--key={keys / 'party.pem'}", typed="party\n"
               ).exit_code == 0  # fmt: skip
    assert opened.stat().st_mode & 0o777 == 0o600
    records = json.loads(opened.read_text())["records"]
    assert [r["patient_id"] for r in records] == [TWO_VISITS[0].patient_id]
    assert run("rotate", *holders, "--home", home, typed="ada\nbob\n").exit_code == 0
    assert "whole: 7 accesses" in run("verify", "--home", home).stdout


@pytest.mark.parametrize("words", [("keygen", "a"), ("lookup", "S-1", "--holder", "ada")])
def test_what_is_said_wrongly_is_a_usage_error(tmp_path: Path, words: tuple[str, ...]) -> None:
    first = [words[0], tmp_path / words[1]] if words[0] == "keygen" else [*words]
    assert run(*first).exit_code == 2
