"""The documents are true to the code: commands, codes, examples, links."""

from __future__ import annotations

import json
import re
import runpy
import subprocess
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import click
import pyarrow as pa
import pytest
import yaml
from typer.main import get_command

import cli
from config.codes.render import codes_markdown
from config.library import KINDS
from config.loader import load_yaml
from config.request import CohortRequest
from config.settings import load_settings
from harmonise.parquet import SCHEMA, acquisition_schema
from harmonise.steps import STEPS, planned_steps
from pipelines.cohort.accounts import RowAccount

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
PAGE_NAMES = [str(p.relative_to(ROOT)) for p in PAGES]

MACHINE_PATHS = ("/wo" + "rk/", "/tm" + "p/w", "/ro" + "ot/", "/ho" + "me/")
REGISTRIES = ("py" + "pi.org", "files.python" + "hosted", "artifact" + "ory", "nex" + "us")
"""Written in two pieces, or this file would find itself."""


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def commands(group: click.Command, prefix: str = "accordage") -> Iterator[str]:
    """Full names of the commands below a group."""
    assert hasattr(group, "commands")
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{prefix} {name}")
        else:
            yield f"{prefix} {name}"


def first_cells(text: str, heading: str) -> list[str]:
    """Code in the first cell of each table row below a heading, up to the next one."""
    section = text.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"^\| `([^`]+)` \|", section, flags=re.MULTILINE)


def test_the_readme_lists_every_command_there_is_and_no_other() -> None:
    listed = first_cells(read("README.md"), "Commands")
    assert sorted(listed) == sorted(commands(get_command(cli.app)))


@pytest.mark.parametrize("page", PAGE_NAMES)
def test_every_command_a_page_names_exists(page: str) -> None:
    known = set(commands(get_command(cli.app)))
    groups = {name.rsplit(" ", 1)[0] for name in known} | {"accordage"}
    for words in re.findall(r"accordage((?: [a-z]+(?:-[a-z]+)*)+)", "\n".join(code_of(read(page)))):
        named = "accordage" + words
        starts = {named.rsplit(" ", n)[0] for n in range(len(words.split()))}
        assert starts & known or named in groups, named


def without_blocks(text: str) -> str:
    """A page without its fenced blocks."""
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def code_of(text: str) -> list[str]:
    """Fenced blocks without a language, and inline code."""
    blocks = re.findall(r"^```\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    return blocks + re.findall(
        r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    )


def test_the_page_of_codes_is_what_the_table_of_codes_gives() -> None:
    assert read("docs/codes.md") == codes_markdown()


def test_the_tables_of_a_release_name_its_columns_in_order() -> None:
    text = read("docs/release.md")
    assert first_cells(text, "manifest.parquet") == SCHEMA.names
    assert first_cells(text, "acquisitions.parquet") == acquisition_schema().names
    row = RowAccount("", "", None, "", "", "RELEASED", "", 0, 0, {}, 0, ())
    assert first_cells(text, "requests.parquet") == list(row.as_json())


@pytest.mark.parametrize(
    ("name", "schema"),
    [("manifest.parquet", SCHEMA), ("acquisitions.parquet", acquisition_schema())],
)
def test_the_types_of_a_tables_columns_are_those_of_its_schema(
    name: str, schema: pa.Schema
) -> None:
    words = {pa.string(): "string", pa.float64(): "double", pa.int32(): "int"}
    words |= {pa.list_(pa.string()): "list of string", pa.list_(pa.float64()): "list of double"}
    section = read("docs/release.md").split(f"## {name}\n", 1)[1].split("\n## ", 1)[0]
    written = dict(re.findall(r"^\| `([^`]+)` \| ([a-z ]+) \|", section, flags=re.MULTILINE))
    assert written == {field.name: words[field.type] for field in schema}


def test_the_dictionary_of_acquisitions_says_what_the_file_says_of_itself() -> None:
    section = read("docs/release.md").split("## acquisitions.parquet\n", 1)[1].split("\n## ", 1)[0]
    written = re.findall(r"^\| `(\w+)` \| [a-z ]+ \| (.*?) ?\|$", section, flags=re.MULTILINE)
    assert dict(written) == {
        field.name: field.metadata[b"meaning"].decode() for field in acquisition_schema()
    }


def test_the_table_of_steps_is_the_step_table() -> None:
    section = read("docs/settings.md").split("## A recipe\n", 1)[1].split("\n## ", 1)[0]
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| .* \| (.*) ?\|$", section, flags=re.MULTILINE)
    written = {name: (kind, set(re.findall(r"`(\w+)`", cell))) for name, kind, cell in rows}
    values = {"bspline", "linear"}
    assert {name: (kind, cell - values) for name, (kind, cell) in written.items()} == {
        step.name: (step.kind, set(step.params.model_fields)) for step in STEPS.values()
    }


def examples() -> list[tuple[str, str]]:
    """Kind and text of every YAML example in the documents."""
    found = [
        b
        for p in PAGES
        for b in re.findall(r"^```yaml\n(.*?)^```", p.read_text(), re.MULTILINE | re.DOTALL)
    ]
    return [(re.findall(r"^# kind: (\w+)$", text, re.MULTILINE)[0], text) for text in found]


@pytest.mark.parametrize(("kind", "text"), examples())
def test_every_yaml_example_is_valid(kind: str, text: str, tmp_path: Path) -> None:
    if kind == "settings":
        (tmp_path / "settings.yaml").write_text(text, encoding="utf-8")
        told = yaml.safe_load(text)
        read_back = load_settings(tmp_path, {}).model_dump(mode="json")
        for name, value in told.items():
            assert isinstance(value, dict) or read_back[name] == value
        return
    path = tmp_path / "example.yaml"
    path.write_text(text, encoding="utf-8")
    model = load_yaml(path, {**KINDS, "requests": CohortRequest}[kind])
    if kind == "recipes":
        planned_steps(model.steps)  # type: ignore[attr-defined]


def anchors(path: Path) -> set[str]:
    """Anchors of a page's headings, as mkdocs makes them."""
    lines = re.sub(
        r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )
    made = set()
    for heading in re.findall(r"^#+ (.+)$", lines, flags=re.MULTILINE):
        plain = unicodedata.normalize("NFKD", heading).encode("ascii", "ignore").decode()
        kept = re.sub(r"[^\w\s-]", "", plain).strip().lower()
        made.add(re.sub(r"[-\s]+", "-", kept))
    return made


@pytest.mark.parametrize("page", PAGE_NAMES)
def test_every_internal_link_leads_somewhere(page: str) -> None:
    text = without_blocks(read(page))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        path = (ROOT / page).parent / name if name else ROOT / page
        assert path.is_file(), target
        assert not anchor or anchor in anchors(path), target


def test_pages_of_the_site_link_to_nothing_outside_it() -> None:
    """mkdocs copies `docs/` alone: a link to the repository's root would be broken there."""
    for page in (ROOT / "docs").rglob("*.md"):
        assert "](../" not in page.read_text(encoding="utf-8") or page.parent.name == "decisions"


def test_the_site_shows_every_page() -> None:
    def files(node: object) -> Iterator[str]:
        if isinstance(node, str):
            yield node
        elif isinstance(node, list | dict):
            for child in node.values() if isinstance(node, dict) else node:
                yield from files(child)

    site = yaml.safe_load(read("mkdocs.yml"))
    pages = {p.relative_to(ROOT / "docs").as_posix() for p in (ROOT / "docs").rglob("*.md")}
    assert set(files(site["nav"])) == pages


@pytest.mark.parametrize("name", ["report.png", "portal.png"])
def test_pictures_are_small(name: str) -> None:
    assert 20_000 < (ROOT / "docs" / "images" / name).stat().st_size < 400_000


def test_decisions_are_numbered_without_gaps_and_say_context_decision_and_consequences() -> None:
    records = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [int(p.name[:4]) for p in records] == list(range(1, len(records) + 1))
    for path in records:
        text = path.read_text(encoding="utf-8")
        headings = re.findall(r"^## (.+)$", text, flags=re.MULTILINE)
        assert headings == ["Context", "Decision", "Consequences"], path.name
        assert text.startswith(f"# {path.name[:4]} ")


def tracked() -> list[Path]:
    """Text files of the repository, committed or about to be."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    return [p for p in paths if p.is_file() and b"\0" not in p.read_bytes()]


def test_no_file_names_a_machines_folders_or_a_package_index() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}: {word}"
        for path in tracked()
        for word in (*MACHINE_PATHS, *REGISTRIES)
        if word in path.read_text(encoding="utf-8", errors="replace").lower()
    ]
    assert wrong == []


def test_the_table_of_benchmarks_is_the_kept_result() -> None:
    table = runpy.run_path(str(ROOT / "benchmarks" / "demo.py"))["table"]
    result = json.loads(read("benchmarks/results/demo.json"))
    assert table(result) in read("docs/benchmarks.md")


def test_the_table_of_alignment_is_the_kept_result(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    table = runpy.run_path(str(ROOT / "benchmarks" / "align.py"))["table"]
    result = json.loads(read("benchmarks/results/align.json"))
    assert table(result) in read("docs/benchmarks.md")
    assert all(case["uncovered_percent"] == 0 for case in result["ours"].values())
    assert all(case["rmse"] <= 0.1 for case in result["ours"].values())
