"""How fast the prostate recipe runs, beside bare SimpleITK, picai-prep and itself with two workers.

``python benchmarks/harmonise_speed.py`` copies PROSTATEx-0000 under new UIDs into a folder that
goes at the end, lets the contestants take turns, and prints medians and ratios by wall and by
processor. It writes ``benchmarks/results/harmonise.json`` and the table of ``docs/benchmarks.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pydicom

HERE = Path(__file__).resolve().parent
RESULT = HERE / "results" / "harmonise.json"
PAGE = HERE.parent / "docs" / "benchmarks.md"
START, END = "<!-- harmonise -->", "<!-- harmonise end -->"
STUDY = Path("MR/prostatex-0000-siemens-skyra")
SERIES = ("t2_tse_tra", "dwi_b50-400-800", "adc", "calc_bval")
THREE_SERIES = ("t2_tse_tra", "adc", "calc_bval")
"""What picai-prep makes of the study: it takes no series of several b-values."""
THREE = "ours, same three"
ONE_STUDY = ("ours", "bare", "bare-nifti", THREE, "picai-prep")
WORKERS = ("folder, 1 worker", "folder, 2 workers")
MOST_BARE, LEAST_PEER, LEAST_TWO = 1.25, 1.5, 1.7
MEMORY_TIMES, MEMORY_MORE_MB = 3.0, 200.0


def copy_study(source: Path, target: Path, number: int, series: Sequence[str] = SERIES) -> None:
    """Copy the study under UIDs of its own."""
    for folder in series:
        for path in sorted((source / folder).iterdir()):
            ds = pydicom.dcmread(path)
            for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
                setattr(ds, keyword, f"{getattr(ds, keyword)[:58]}.{number}")
            ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
            ds.PatientID = f"S{number:02d}"
            made = target / f"study{number}" / folder / path.name
            made.parent.mkdir(parents=True, exist_ok=True)
            ds.save_as(made)


def largest_volume_mb(study: Path) -> float:
    """Return the size of the largest series as one float32 volume."""
    sizes = []
    for folder in study.iterdir():
        paths = list(folder.iterdir())
        ds = pydicom.dcmread(paths[0], stop_before_pixels=True)
        sizes.append(len(paths) * int(ds.Rows) * int(ds.Columns) * 4 / 1e6)
    return max(sizes)


def run(name: str, places: dict[str, Path], scratch: Path, referees: Path) -> dict[str, float]:
    """Run one contestant once and return what it printed."""
    target = scratch / "out" / f"{len(list((scratch / 'out').iterdir()))}"
    if name == "picai-prep":
        command = [referees, HERE / "harmonise_peer.py", places["three"], target]
    elif name in WORKERS:
        jobs = name.split()[1]
        command = [sys.executable, HERE / "harmonise_contestant.py", "folder", places["many"]]
        command += [target, "--jobs", jobs]
    else:
        source = places["three" if name == THREE else "one"]
        command = [sys.executable, HERE / "harmonise_contestant.py", name.split(",", maxsplit=1)[0]]
        command += [source, target]
    done = subprocess.run(
        [str(part) for part in command],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "ACCORDAGE_HOME": str(scratch)},
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def measure(rounds: int, studies: int, referees: Path, realdata: Path) -> dict[str, Any]:
    """Let the contestants take turns; a contestant whose environment is not there is left out."""
    source = realdata / STUDY
    names = [n for n in (*ONE_STUDY, *WORKERS) if n != "picai-prep" or referees.exists()]
    names = [n for n in names if n not in WORKERS or studies]
    told: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        (scratch / "out").mkdir()
        places = {name: scratch / name for name in ("one", "three", "many")}
        copy_study(source, places["one"], 1)
        copy_study(source, places["three"], 1, THREE_SERIES)
        for number in range(studies):
            copy_study(source, places["many"], number)
        volume_mb = largest_volume_mb(places["one"] / "study1")
        for _ in range(rounds):
            for name in names:
                told[name].append(run(name, places, scratch, referees))
    medians = {
        name: {key: statistics.median(one[key] for one in rows) for key in rows[0]}
        for name, rows in told.items()
    }
    return {
        "rounds": rounds,
        "studies": studies,
        "cores": os.cpu_count(),
        "largest_volume_mb": volume_mb,
        "medians": medians,
        "lines": lines_of(medians, volume_mb),
    }


def lines_of(medians: dict[str, dict[str, float]], volume_mb: float) -> list[dict[str, Any]]:
    """Return what is wanted and what was got, by wall and by processor."""

    def ratio(one: str, other: str) -> dict[str, float | None]:
        if one not in medians or other not in medians:
            return {"wall": None, "cpu": None}
        pairs = {"wall": "seconds", "cpu": "cpu_s"}
        return {k: medians[one][key] / medians[other][key] for k, key in pairs.items()}

    two = {**ratio("folder, 1 worker", "folder, 2 workers"), "cpu": None}
    allowed_mb = MEMORY_TIMES * volume_mb + MEMORY_MORE_MB
    return [
        {"what": "ours / bare SimpleITK", "wanted": f"<= {MOST_BARE}", **ratio("ours", "bare")},
        {
            "what": "ours / bare SimpleITK that writes .nii.gz",
            "wanted": "",
            **ratio("ours", "bare-nifti"),
        },
        {
            "what": "studies a minute, ours / picai-prep",
            "wanted": f">= {LEAST_PEER}",
            **ratio("picai-prep", "ours"),
        },
        {
            "what": "studies a minute, ours with the same three series / picai-prep",
            "wanted": f">= {LEAST_PEER}",
            **ratio("picai-prep", THREE),
        },
        {"what": "two workers / one", "wanted": f">= {LEAST_TWO}", **two},
        {
            "what": "peak memory of ours, MB",
            "wanted": f"<= {allowed_mb:.0f}",
            "wall": medians["ours"]["peak_mb"],
            "cpu": None,
        },
    ]


def table(result: dict[str, Any]) -> str:
    """Return the result as Markdown."""
    lines = [
        (
            f"Median of {result['rounds']} rounds, {result['cores']} cores; one study, "
            f"of the workers {result['studies']}:"
        ),
        "",
        "| contestant | wall, s | processor, s | peak memory, MB |",
        "|---|---|---|---|",
    ]
    for name, row in result["medians"].items():
        is_many = name in WORKERS  # the work is done by other processes
        cpu = "" if is_many and "2" in name else f"{row['cpu_s']:.2f}"
        lines.append(f"| {name} | {row['seconds']:.2f} | {cpu} | {row['peak_mb']:.0f} |")
    lines += ["", "| ratio | wanted | by wall | by processor |", "|---|---|---|---|"]
    for row in result["lines"]:
        got = ["" if row[k] is None else f"{row[k]:.3g}" for k in ("wall", "cpu")]
        lines.append(f"| {row['what']} | {row['wanted']} | {' | '.join(got)} |")
    return "\n".join(lines)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--studies", type=int, default=4)
    parser.add_argument("--referees", type=Path, default=Path(".venv-referees/bin/python"))
    given = parser.parse_args()
    realdata = Path(os.environ.get("ACCORDAGE_REALDATA", "../shared/realdata"))
    result = measure(given.rounds, given.studies, given.referees.absolute(), realdata)
    text = table(result)
    print(text)
    RESULT.write_text(json.dumps(result, indent=1, sort_keys=True) + "\n")
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(START)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{START}\n{text}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
