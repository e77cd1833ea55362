"""Which programs are silently wrong? The same inputs through six of them, judged by what is known.

``python benchmarks/silently_wrong.py`` gives every case of :mod:`silent` to ours, plain
SimpleITK, dcm2niix, picai-prep, mirp and torchio, and judges what each wrote: right, refused, or
WRONG without an error. It prints the table and writes ``benchmarks/results/silently_wrong.json``
and the table of ``docs/benchmarks.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pydicom
from silent.doses import doses
from silent.grids import alignments, judge_align, judge_grid, lattices
from silent.here import RUNS, Told, version_of_dcm2niix
from silent.judge import Verdict, judge_places, judge_suv, outputs_in
from silent.known import Case
from silent.shapes import shapes
from silent.vendors import vendors

HERE = Path(__file__).resolve().parent
RESULT = HERE / "results" / "silently_wrong.json"
PAGE = HERE.parent / "docs" / "benchmarks.md"
START, END = "<!-- silently wrong -->", "<!-- silently wrong end -->"
PEERS = ("picai-prep", "mirp", "torchio")
PROGRAMS = ("ours", "SimpleITK", "dcm2niix", *PEERS)
NOT_INSTALLED = "not installed"
WORDS = ("right", "refused", "WRONG")


def all_cases(realdata: Path) -> list[Case]:
    """Return every case, in the order of the table."""
    return [
        *doses(realdata),
        *lattices(),
        *alignments(),
        *shapes(realdata),
        *vendors(realdata),
    ]


def run_all(
    cases: Sequence[Case], pythons: dict[str, Path], scratch: Path
) -> tuple[dict[str, dict[str, Verdict]], dict[str, str]]:
    """Return the verdicts by case and program, and each program's version."""
    jobs = [_job(number, case, scratch) for number, case in enumerate(cases)]
    told: dict[str, dict[str, Told]] = {}
    versions = {name: version(_package(name)) for name in ("ours", "SimpleITK")}
    versions["dcm2niix"] = version_of_dcm2niix()
    for name, run in RUNS.items():
        told[name] = {job["name"]: run(*_for(job, name)) for job in jobs}
    for name in PEERS:
        told[name], versions[name] = _peer(name, pythons.get(name), jobs)
    verdicts = {
        case.name: {
            name: _judge(case, job, told[name], versions[name], scratch / name / job["place"])
            for name in PROGRAMS
        }
        for case, job in zip(cases, jobs, strict=True)
    }
    return verdicts, versions


def _package(name: str) -> str:
    return "accordage" if name == "ours" else name


def _job(number: int, case: Case, scratch: Path) -> dict[str, Any]:
    place = f"{number:03d}"
    source = scratch / "in" / place
    source.mkdir(parents=True)
    case.fill(source)
    modality = ""
    if case.kind in {"places", "suv"}:
        first = min(source.iterdir())
        modality = pydicom.dcmread(first, stop_before_pixels=True).Modality.lower()
    asked = case.asked if isinstance(case.asked, dict) else None
    return {
        "name": case.name,
        "kind": case.kind,
        "asked": asked,
        "modality": modality,
        "place": place,
        "source": str(source),
        "scratch": str(scratch),
    }


def _for(job: dict[str, Any], name: str) -> tuple[dict[str, Any], Path, Path]:
    out = Path(job["scratch"]) / name / job["place"]
    out.mkdir(parents=True)
    return job, Path(job["source"]), out


def _peer(
    name: str, python: Path | None, jobs: Sequence[dict[str, Any]]
) -> tuple[dict[str, Told], str]:
    """Let a program of another environment work; its absence is a column of its own."""
    if python is None or not python.exists():
        return {}, NOT_INSTALLED
    given = [{**job, "out": str(_for(job, name)[2])} for job in jobs]
    done = subprocess.run(
        [str(python), str(HERE / "silent" / "peer.py"), name],
        input=json.dumps(given),
        check=True,
        capture_output=True,
        text=True,
    )
    answer = json.loads(done.stdout.splitlines()[-1])
    errors = answer["errors"]
    told = {
        job["name"]: Told(
            offered=errors.get(job["name"]) != "not offered", error=errors.get(job["name"], "")
        )
        for job in jobs
    }
    return told, str(answer["version"])


def _judge(
    case: Case, job: dict[str, Any], told: dict[str, Told], found: str, out: Path
) -> Verdict:
    if found == NOT_INSTALLED:
        return Verdict(NOT_INSTALLED)
    said = told[case.name]
    if not said.offered:
        return Verdict("-")
    if case.kind == "grid":
        return judge_grid(case.asked, out)
    if case.kind == "align":
        return judge_align(out)
    outputs = outputs_in(out)
    if case.kind == "places":
        known = case.known(Path(job["source"]))
        verdict = judge_places(known, outputs, complained=bool(said.error))
    elif case.asked is None:
        verdict = judge_suv(outputs, None)
    else:
        verdict = judge_suv(outputs, _mask(case.asked, outputs))
    if verdict.word == "refused" and said.error:
        return Verdict("refused", said.error)
    return verdict


def _mask(asked: str, outputs: Sequence[Any]) -> Any:
    if asked == "all":
        return np.ones(outputs[0].values.shape, bool) if outputs else np.ones(1, bool)
    return np.asarray(nib.load(asked).dataobj) > 0


def table(cases: Sequence[Case], result: dict[str, Any]) -> str:
    """Return the counts and the cases as Markdown."""
    rows = result["cases"]
    lines = [
        "| program | version | right | refused | WRONG without an error | does no such thing |",
        "|---|---|---|---|---|---|",
    ]
    for name in PROGRAMS:
        count = Counter(row["programs"][name]["word"] for row in rows)
        cells = [str(count[word]) for word in WORDS]
        lines.append(
            f"| {name} | {result['versions'][name]} | {' | '.join(cells)} | {count['-']} |"
        )
    lines += [
        "",
        f"| case | known from | {' | '.join(PROGRAMS)} |",
        f"|---|---|{'---|' * len(PROGRAMS)}",
    ]
    group = ""
    for case, row in zip(cases, rows, strict=True):
        if case.group != group:
            group = case.group
            lines.append(f"| **{group}** | | {' | '.join('' for _ in PROGRAMS)} |")
        words = [_cell(row["programs"][name]) for name in PROGRAMS]
        lines.append(f"| {case.name} | {case.truth} | {' | '.join(words)} |")
    return "\n".join(lines)


def _cell(verdict: dict[str, str]) -> str:
    if verdict["word"] == "WRONG":
        return f"**WRONG**: {verdict['why']}"
    return verdict["word"]


def silently_wrong(cases: Sequence[Case], pythons: dict[str, Path]) -> dict[str, Any]:
    """Run every case and return the result as it is written."""
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        verdicts, versions = run_all(cases, pythons, Path(scratch))
    return {
        "versions": versions,
        "cases": [
            {
                "name": case.name,
                "group": case.group,
                "known_from": case.truth,
                "programs": {
                    name: {"word": verdict.word, "why": verdict.why}
                    for name, verdict in verdicts[case.name].items()
                },
            }
            for case in cases
        ],
    }


def main() -> None:
    """Run, print, write, and fail where ours is wrong without an error."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--referees", type=Path, default=Path(".venv-referees/bin/python"))
    parser.add_argument("--torchio", type=Path, default=Path(".venv-torchio/bin/python"))
    given = parser.parse_args()
    pythons = {
        "picai-prep": given.referees.absolute(),
        "mirp": given.referees.absolute(),
        "torchio": given.torchio.absolute(),
    }
    cases = all_cases(Path(os.environ.get("ACCORDAGE_REALDATA", "../shared/realdata")))
    result = silently_wrong(cases, pythons)
    text = table(cases, result)
    print(text)
    RESULT.write_text(json.dumps(result, indent=1, sort_keys=True) + "\n")
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(START)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{START}\n{text}\n{END}{after}", encoding="utf-8")
    wrong = [r["name"] for r in result["cases"] if r["programs"]["ours"]["word"] == "WRONG"]
    if wrong:
        sys.exit(f"ours is wrong without an error: {', '.join(wrong)}")


if __name__ == "__main__":
    main()
