"""How fast files are de-identified, beside ``cp`` and three other programs, in one run.

``python benchmarks/deid_speed.py`` makes 600 CT slices of 0.5 MB and 12 mammograms of 17 MB in a
folder that goes at the end, lets the contestants take turns, and prints medians and ratios. It
writes ``benchmarks/results/deid.json`` and the table of ``docs/benchmarks.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from deid_files import make_ct, make_mg

HERE = Path(__file__).resolve().parent
RESULT = HERE / "results" / "deid.json"
PAGE = HERE.parent / "docs" / "benchmarks.md"
BASE = Path("CT/dcm_qa_ct-philips-tilt-phantom/I260")
CONTESTANTS = ("cp", "ours", "ours, 2 jobs", "dcmanon", "dicom-anonymizer", "dicognito")
START, END = "<!-- deid -->", "<!-- deid end -->"
WANTED = (
    ("CT", "ours", "dcmanon", 2.0),
    ("CT", "ours", "dicom-anonymizer", 8.0),
    ("CT", "ours", "dicognito", 8.0),
    ("MG", "ours", "dcmanon", 10.0),
    ("MG", "ours", "cp", 0.8),
    ("CT", "ours, 2 jobs", "ours", 1.7),
)
"""Files, who, against whom, and at least how many times as fast."""


def run(name: str, source: Path, scratch: Path, peers: Path) -> dict[str, float]:
    """Run one contestant once and return what it printed.

    What it wrote is emptied, and removed at the end only: where a file system keeps no journal,
    whoever makes files next searches past those removed in the last minutes (ext4).
    """
    program, _, more = name.partition(", ")
    python = sys.executable if program in {"ours", "cp"} else str(peers)
    target = Path(tempfile.mkdtemp(dir=scratch)) / "out"
    command = [python, str(HERE / "contestant.py"), program, str(source), str(target)]
    if more:
        command += ["--jobs", more.split()[0]]
    environment = {**os.environ, "ACCORDAGE_HOME": str(scratch / "home")}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    facts = json.loads(done.stdout.splitlines()[-1])
    if facts["files"] != len(list(source.iterdir())):
        raise SystemExit(f"{name} wrote {facts['files']} files")
    for path in target.rglob("*.dcm"):
        os.truncate(path, 0)
    return dict(facts)


def start_up_s() -> float:
    """Return the seconds that ``accordage deid --help`` takes, the best of five."""
    program = str(Path(sys.executable).with_name("accordage"))
    times = []
    for _ in range(5):
        started = time.perf_counter()
        subprocess.run([program, "deid", "--help"], check=True, capture_output=True)
        times.append(time.perf_counter() - started)
    return min(times)


def measure(rounds: int, peers: Path, realdata: Path, slices: int, mammograms: int) -> Any:
    """Return rates by kind of file and contestant, ratios, start-up and peak memory."""
    with tempfile.TemporaryDirectory(prefix="accordage-bench-") as folder:
        scratch = Path(folder)
        sources = {"CT": scratch / "ct", "MG": scratch / "mg"}
        for source in sources.values():
            source.mkdir()
        make_ct(sources["CT"], slices, realdata / BASE)
        make_mg(sources["MG"], mammograms)
        seen: dict[tuple[str, str], list[dict[str, float]]] = {}
        for _ in range(rounds):
            for kind, source in sources.items():
                for name in CONTESTANTS:
                    facts = run(name, source, scratch, peers)
                    seen.setdefault((kind, name), []).append(facts)
    rates = {
        kind: {
            name: round(statistics.median(f["files"] / f["seconds"] for f in seen[kind, name]), 1)
            for name in CONTESTANTS
        }
        for kind in sources
    }
    ours = [f["peak_mb"] for (_, name), all_ in seen.items() if name == "ours" for f in all_]
    return {
        "what": "files a second; load of a first file not counted, one fsync of the folder is",
        "rounds": rounds,
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "files_per_s": rates,
        "ratios": [
            {
                "files": kind,
                "who": who,
                "against": other,
                "wanted": wanted,
                "got": round(rates[kind][who] / rates[kind][other], 2),
            }
            for kind, who, other, wanted in WANTED
        ],
        "start_up_s": round(start_up_s(), 2),
        "peak_mb": round(max(ours)),
    }


def table(result: dict[str, Any]) -> str:
    """Return the result as Markdown."""
    rates = result["files_per_s"]
    lines = [
        f"Files a second, median of {result['rounds']} rounds, {result['cores']} cores:",
        "",
        "| program | CT, 0.5 MB | mammograms, 17 MB |",
        "|---|---|---|",
        *(f"| {n} | {rates['CT'][n]:g} | {rates['MG'][n]:g} |" for n in CONTESTANTS),
        "",
        "| ratio | wanted | got |",
        "|---|---|---|",
        *(
            f"| {r['files']}: {r['who']} / {r['against']} | {r['wanted']:g} | {r['got']:g} |"
            for r in result["ratios"]
        ),
        f"| start-up of `accordage deid --help`, s | < 1 | {result['start_up_s']:g} |",
        f"| peak memory of one process, MB | < 150 | {result['peak_mb']:g} |",
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--slices", type=int, default=600)
    parser.add_argument("--mammograms", type=int, default=12)
    parser.add_argument("--peers", type=Path, default=Path(".venv-peers/bin/python"))
    given = parser.parse_args()
    realdata = Path(os.environ.get("ACCORDAGE_REALDATA", "../shared/realdata"))
    result = measure(given.rounds, given.peers.absolute(), realdata, given.slices, given.mammograms)
    text = table(result)
    print(text)
    RESULT.write_text(json.dumps(result, indent=1, sort_keys=True) + "\n")
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(START)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{START}\n{text}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
