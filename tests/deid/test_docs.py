"""The document says what the code does: its tables are the code's own output."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from config.codes import codes
from config.library import names
from config.policy import Policy
from deid.annex_fr import annex
from deid.explain import explain, explain_data
from deid.write_docs import BLOCKS, filled

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "deidentification.md"


def _accordage(*words: str) -> str:
    script = "import cli; cli.main()"
    done = subprocess.run(
        [sys.executable, "-c", script, *words], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return done.stdout


def test_the_table_in_the_document_is_what_the_command_prints() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    marker = "<!-- generated: deid.explain, research-longitudinal -->\n\n"
    printed = _accordage("deid", "--explain-policy", "research-longitudinal")
    assert text.partition(marker)[2] == printed, "run: python -m deid.write_docs"


def test_the_other_generated_parts_are_those_of_today() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert filled(text) == text, "run: python -m deid.write_docs"
    assert all(f"<!-- end: {name} -->" in text for name in BLOCKS)


def test_the_french_annex_is_made_from_the_policy(research: Policy) -> None:
    text = (ROOT / "docs" / "deidentification.fr.md").read_text(encoding="utf-8")
    assert text == annex(research), "run: python -m deid.write_docs"
    assert [code for code in research.options if f"| {code} |" not in text] == []


@pytest.mark.parametrize("name", names("policies"))
def test_every_shipped_policy_is_in_the_document(name: str) -> None:
    assert f"| `{name}` |" in DOCUMENT.read_text(encoding="utf-8")


def test_every_pattern_example_leaves_what_its_row_says() -> None:
    path = ROOT / "deid" / "data" / "pattern_examples.csv"
    lines = [x for x in path.read_text("utf-8").splitlines() if not x.startswith("#")]
    shown = list(BLOCKS["patterns"]())
    for row in csv.DictReader(lines):
        assert f"| {row['kind']} | `{row['text']}` | `{row['left']}` |" in shown


def test_every_row_of_the_standard_is_explained(basic: Policy) -> None:
    lines = [line for line in explain(basic).splitlines() if line.startswith("| (")]
    assert len([line for line in lines if "beyond the table" not in line]) == 656


def test_a_sop_class_settles_compound_actions_and_says_by_which_module(basic: Policy) -> None:
    pet = explain(basic, "1.2.840.10008.5.1.4.1.1.128")
    row = "| (0008,0021) | Series Date | X/D | dummy value | Basic Profile |"
    assert f"{row} Type 1 (pet-series) |" in pet
    mr = explain(basic, "1.2.840.10008.5.1.4.1.1.4")
    assert "| (0008,0021) | Series Date | X/D | removed | Basic Profile | Type 3" in mr


def test_a_sequence_in_which_the_action_is_another_is_named(basic: Policy) -> None:
    """Requested Procedure ID is Type 2 in Referenced Request Sequence (PS3.3 C.17.2)."""
    lines = explain(basic, "1.2.840.10008.5.1.4.1.1.88.59").splitlines()
    (line,) = [x for x in lines if x.startswith("| (0040,1001)")]
    assert "| removed |" in line
    assert "emptied in ReferencedRequestSequence" in line


def test_programs_get_the_same_lines(research: Policy) -> None:
    told = explain_data(research)
    rows = [line for line in explain(research).splitlines() if line.startswith("| (")]
    assert len(told["attributes"]) == len(rows)
    assert set(told["options"]) == {"113100", *research.options}


def test_every_code_of_this_room_is_used_and_in_the_table() -> None:
    import yaml

    mine = set(yaml.safe_load((ROOT / "config" / "codes" / "deid.yaml").read_text("utf-8")))
    rooms = (ROOT / "deid", ROOT / "pipelines" / "prepare")
    source = "\n".join(p.read_text("utf-8") for room in rooms for p in sorted(room.rglob("*.py")))
    assert mine <= set(codes())
    assert [code for code in sorted(mine) if f'"{code}"' not in source] == []


def test_this_room_is_ready_soon_after_pydicom_and_needs_no_heavy_package() -> None:
    """Against pydicom in the same process: seconds are another number on every machine."""
    script = (
        "import sys, time; start = time.process_time();"
        "import pydicom; own = time.process_time();"
        "from deid.engine import Deidentifier; from deid.keys import derive_keys;"
        "from config.library import find_policy;"
        "Deidentifier(find_policy('research-longitudinal'), derive_keys(b's', 'p'));"
        "assert not {'highdicom', 'SimpleITK', 'prefect', 'scipy'} & set(sys.modules);"
        "print((time.process_time() - start) / (own - start))"
    )
    out = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert float(out.stdout) < 3.0
