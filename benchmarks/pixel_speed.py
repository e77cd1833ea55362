"""Images a second by outcome of the gate, beside presidio-image-redactor on the same files.

``make bench-pixels`` prints a table, writes ``benchmarks/results/pixel_speed.json`` and the table
of ``docs/benchmarks.md``. Seconds are the processor's, so that other work on the machine does not
count; recall is of identities of which 95 % of the box is blanked.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from pixel_files import Case, make_cases

from config.library import find_policy
from config.policy import ClearedPixels
from config.signature import Box, Signature
from config.version import code_version
from deid.identity import harvest_one
from pipelines.prepare.clean_pixels import PixelCleaner, PixelPlace
from pipelines.prepare.part10 import read_part10
from pipelines.prepare.study_finder import make_finder

RESULT = Path(__file__).parent / "results" / "pixel_speed.json"
DOCS = Path(__file__).parents[1] / "docs" / "benchmarks.md"
MARKS = ("<!-- pixel speed -->", "<!-- end of pixel speed -->")
SEED = 314159
COVERED = 0.95
RULE = ClearedPixels(manufacturer="CLEARED", reason="files of a benchmark, cleared to be timed")
Boxes = list[tuple[int, int, int, int]]


@dataclass(frozen=True)
class Result:
    """Of one file: the processor's seconds, and planted identities, of which so many are gone."""

    seconds: float
    planted: int
    gone: int
    failure: str = ""


def ours(cases: list[Case], scratch: Path) -> list[Result]:
    policy = find_policy("research-longitudinal")
    policy = policy.model_copy(update={"cleared_pixels": (*policy.cleared_pixels, RULE)})
    signatures = tuple(_signature(case) for case in cases if case.outcome == "signature")
    place = PixelPlace(str(scratch), str(scratch / "faces"), signatures)
    _warm(policy, place, cases)
    return [_one(policy, place, case) for case in cases]


def _one(policy: Any, place: PixelPlace, case: Case) -> Result:
    start = time.process_time()
    header = read_part10(case.path)
    if header is None:
        raise SystemExit(f"{case.path.name} is not plain")
    ds = header.dataset()
    cleaner = PixelCleaner(policy, lambda: make_finder(policy, harvest_one(ds)), place)
    look = cleaner.look(ds)
    if look.decision != case.outcome:
        raise SystemExit(f"{case.path.name}: {look.decision} instead of {case.outcome}")
    boxes: Boxes = []
    if look.decision not in {"not_needed", "cleared"}:
        outcome = cleaner.clean(case.path, header, look).outcome
        boxes = [(r.row_start, r.row_stop, r.column_start, r.column_stop) for r in outcome.blanked]
    cleaner.close()
    return _result(case, time.process_time() - start, boxes)


def _warm(policy: Any, place: PixelPlace, cases: list[Case]) -> None:
    """Load the models: a process does so once."""
    _one(policy, place, next(case for case in cases if case.kind == "capture"))


def _signature(case: Case) -> Signature:
    assert case.frames is not None
    rows, columns = case.frames.tissue.shape
    return Signature(
        name=f"bench-{rows}-{columns}",
        manufacturer="SIGNED",
        rows=rows,
        columns=columns,
        blank=(Box(rows=(0, 60), columns=(0, columns)),),
        reason="files of a benchmark, made by itself",
        accepted_by="the benchmark",
        accepted_on=date(2026, 1, 1),
    )


def peer(cases: list[Case], python: str) -> tuple[str, list[Result]]:
    script = Path(__file__).with_name("pixel_peer.py")
    made = subprocess.run(
        [python, str(script)],
        input=json.dumps([str(case.path) for case in cases]),
        env={**os.environ, "OMP_THREAD_LIMIT": "1"},
        check=True,
        capture_output=True,
        text=True,
    )
    said = json.loads(made.stdout.splitlines()[-1])
    return said["version"], [
        _result(case, one["seconds"], one.get("boxes", []), one.get("failure", ""))
        for case, one in zip(cases, said["files"], strict=True)
    ]


def _result(case: Case, spent: float, boxes: Boxes, failure: str = "") -> Result:
    if case.frames is None:
        return Result(spent, 0, 0, failure)
    gone = np.zeros(case.frames.tissue.shape, bool)
    for top, bottom, left, right in boxes:
        gone[max(top, 0) : bottom, max(left, 0) : right] = True
    planted = [p.box for p in case.frames.planted if p.role == "identity"]
    hidden = [float(gone[t:b, left:right].mean()) >= COVERED for t, b, left, right in planted]
    return Result(spent, len(planted), sum(hidden), failure)


def grouped(cases: list[Case], results: list[Result]) -> dict[str, dict[str, Any]]:
    groups: dict[str, list[Result]] = defaultdict(list)
    for case, result in zip(cases, results, strict=True):
        groups[f"{case.outcome}: {case.kind}"].append(result)
    return {name: _summed(of) for name, of in groups.items()}


def _summed(of: list[Result]) -> dict[str, Any]:
    spent = sum(one.seconds for one in of)
    return {
        "images": len(of),
        "per_second": round(len(of) / spent, 2) if spent else None,
        "planted": sum(one.planted for one in of),
        "gone": sum(one.gone for one in of),
        "failed": sum(bool(one.failure) for one in of),
    }


def table(result: dict[str, Any]) -> str:
    rows = ["| outcome: kind | images | ours, images/s | identities gone | presidio, images/s "]
    rows[0] += "| identities gone | failed |"
    rows.append("|---" * 7 + "|")
    for name, one in result["ours"].items():
        other = result["presidio"].get(name, {})
        rows.append(
            f"| {name} | {one['images']} | {one['per_second']} | {one['gone']}/{one['planted']} "
            f"| {other.get('per_second', '')} | {other.get('gone', '')}/{other.get('planted', '')} "
            f"| {other.get('failed', '')} |"
        )
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", required=True, help="Python of presidio's environment")
    parser.add_argument("--count", type=int, default=6, help="files of each outcome and kind")
    parser.add_argument("--seed", type=int, default=SEED)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "files"
        folder.mkdir()
        cases = list(make_cases(folder, asked.count, asked.seed))
        mine = ours(cases, Path(name) / "scratch")
        version, theirs = peer(cases, asked.peer)
    result = {"version": code_version(), "seed": asked.seed, "presidio_version": version}
    result |= {"ours": grouped(cases, mine), "presidio": grouped(cases, theirs)}
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    printed = table(result)
    print(printed)
    page = DOCS.read_text(encoding="utf-8")
    if all(mark in page for mark in MARKS):
        before, after = page.split(MARKS[0])[0], page.split(MARKS[1])[1]
        DOCS.write_text(f"{before}{MARKS[0]}\n{printed}\n{MARKS[1]}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
