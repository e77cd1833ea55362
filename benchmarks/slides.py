"""Slide tiles a second with one worker and with two, and the memory that slides take.

    python benchmarks/slides.py [--rounds 3] [--slides 6]

Slides are the JPEG tiles of a real one (CMU-1-Small-Region), repeated to the size wanted, each in a
study of its own. The recipe `pathology` runs as `accordage harmonise` runs it; rounds with one and
two workers take turns, the start of the workers is not counted. Prints the table, writes
benchmarks/results/slides.json and the section of docs/benchmarks.md.
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
import warnings
from copy import deepcopy
from pathlib import Path
from typing import Any

THREADS = ("OPENCV_FOR_THREADS_NUM", "OMP_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS")
os.environ.update(dict.fromkeys(THREADS, "1"))  # one thread a worker, with one worker too

import psutil  # noqa: E402
import pydicom  # noqa: E402  # numeric libraries look at the environment when they are imported
from pydicom.encaps import encapsulate, generate_frames  # noqa: E402

from config.library import find_recipe  # noqa: E402
from config.settings import load_settings  # noqa: E402
from pipelines.engine import Engine  # noqa: E402
from pipelines.prepare.harmonise_folder import harmonise_folder  # noqa: E402
from pipelines.progress import Silent  # noqa: E402

HERE = Path(__file__).resolve().parent
RESULT = HERE / "results" / "slides.json"
PAGE = HERE.parent / "docs" / "benchmarks.md"
START, END = "<!-- slides -->", "<!-- end of slides -->"
SOURCE = "SM/cmu-1-small-region-pyramid/level-0-frames-0-30.dcm"
ACROSS, DOWN, SIDE, COLUMNS = 4, 5, 500, 5
"""Whole tiles of the source, pixels a side of one, tiles a row of the source."""
WANTED = 1.7

PEAK = """
import sys
from pathlib import Path
from config.library import find_recipe
from harmonise.study import apply_study, plan_study
apply_study(plan_study(sorted(Path(sys.argv[1]).glob("*.dcm")), find_recipe("pathology")),
            Path(sys.argv[2]))
(peak,) = [row for row in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in row]
print(int(peak.split()[1]) // 1024)
"""


def make_slide(source: pydicom.Dataset, path: Path, times: int, number: int) -> int:
    """Write a slide of the source's whole tiles repeated; return the tiles of its result."""
    stored = list(generate_frames(source.PixelData, number_of_frames=source.NumberOfFrames))
    block = [[stored[r * COLUMNS + c] for c in range(ACROSS)] for r in range(DOWN)]
    ds = deepcopy(source)
    ds.PixelData = encapsulate([tile for row in block * times for tile in row * times])
    rows, columns = DOWN * SIDE * times, ACROSS * SIDE * times
    ds.NumberOfFrames = DOWN * ACROSS * times**2
    ds.TotalPixelMatrixRows, ds.TotalPixelMatrixColumns = rows, columns
    ds.ImagedVolumeHeight, ds.ImagedVolumeWidth = rows * 0.000499, columns * 0.000499
    ds.PatientID = f"S-{number}"
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        setattr(ds, keyword, f"2.25.{number}{len(keyword)}")
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    path.parent.mkdir(parents=True, exist_ok=True)
    ds.save_as(path)
    return -(-rows // 512) * -(-columns // 512)


def seconds(source: Path, scratch: Path, engine: Engine) -> float:
    """Return how long one harmonising of a folder takes."""
    with tempfile.TemporaryDirectory(dir=scratch) as target:
        start = time.perf_counter()
        rows = harmonise_folder(source, Path(target), find_recipe("pathology"), engine, Silent())
        taken = time.perf_counter() - start
    assert all(row.volume_id for row in rows), [row.codes for row in rows]
    return taken


def cpu_s() -> dict[int, float]:
    """Return the CPU seconds that this process and its children have used, by process."""
    me = psutil.Process()
    times = {p.pid: p.cpu_times() for p in [me, *me.children(recursive=True)]}
    return {pid: spent.user + spent.system for pid, spent in times.items()}


def spent(before: dict[int, float]) -> list[float]:
    """Return the CPU seconds of each process since then, the busiest first."""
    return sorted((now - before.get(pid, 0.0) for pid, now in cpu_s().items()), reverse=True)


def peak_mb(folder: Path, scratch: Path) -> int:
    """Return the peak resident memory of a process that makes one slide."""
    with tempfile.TemporaryDirectory(dir=scratch) as target:
        command = [sys.executable, "-W", "ignore", "-c", PEAK, str(folder), target]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    return int(done.stdout)


def measure(realdata: Path, rounds: int, slides: int, times: int) -> dict[str, Any]:
    """Return rates with one and two workers, their ratio, and memory by size of slide."""
    source = pydicom.dcmread(realdata / SOURCE)
    rates: dict[int, list[float]] = {1: [], 2: []}
    work: dict[int, list[list[float]]] = {1: [], 2: []}
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        tiles = sum(
            make_slide(source, scratch / "in" / f"{n}.dcm", times, 10 + n) for n in range(slides)
        )
        make_slide(source, scratch / "one" / "1.dcm", 1, 91)
        make_slide(source, scratch / "one" / "2.dcm", 1, 92)
        engines = {
            jobs: Engine(load_settings(scratch, {}).model_copy(update={"jobs": jobs}))
            for jobs in rates
        }
        try:
            for engine in engines.values():  # workers start and import
                seconds(scratch / "one", scratch, engine)
            for _ in range(rounds):
                for jobs, engine in engines.items():
                    before = cpu_s()
                    rates[jobs].append(tiles / seconds(scratch / "in", scratch, engine))
                    work[jobs].append(spent(before))
        finally:
            for engine in engines.values():
                engine.close()
        memory = {}
        for size in (1, 3):
            folder = scratch / f"memory-{size}"
            count = make_slide(source, folder / "1.dcm", size, 95)
            memory[str(count)] = peak_mb(folder, scratch)
    # on two free cores nothing ends before its busiest process, nor before half of all work
    by_cpu = [
        sum(one) / max(two[0], sum(two) / 2) for one, two in zip(work[1], work[2], strict=True)
    ]
    pairs = [two / one for one, two in zip(rates[1], rates[2], strict=True)]
    return {
        "what": "tiles of 512 pixels of the finest level a second; coarser levels not counted",
        "rounds": rounds,
        "slides": slides,
        "tiles": tiles,
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "tiles_per_s": {str(n): [round(r, 1) for r in found] for n, found in rates.items()},
        "ratio": round(statistics.median(pairs), 2),
        "best_ratio": round(max(pairs), 2),
        "ratio_by_cpu": round(statistics.median(by_cpu), 2),
        "wanted_ratio": WANTED,
        "peak_mb_by_tiles": memory,
    }


def table(result: dict[str, Any]) -> str:
    """Return the result as Markdown."""
    rates = {n: statistics.median(found) for n, found in result["tiles_per_s"].items()}
    said = (
        f"Two workers over one, round by round: median {result['ratio']:g}, best "
        f"{result['best_ratio']:g}; wanted {WANTED:g}. "
        f"{result['cores']} cores, load when it ended {result['load']:g}. "
        f"By CPU seconds, which a crowded machine does not change: {result['ratio_by_cpu']:g}."
    )
    lines = [
        "| workers | tiles/s, median | tiles/s, each round |",
        "|---|---|---|",
        *(
            f"| {n} | {rates[n]:.1f} | {', '.join(f'{r:g}' for r in found)} |"
            for n, found in result["tiles_per_s"].items()
        ),
        "",
        said,
        "",
        "| tiles of the slide | peak memory of the process, MB |",
        "|---|---|",
        *(f"| {n} | {mb} |" for n, mb in result["peak_mb_by_tiles"].items()),
    ]
    return "\n".join(lines)


def main() -> int:
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--slides", type=int, default=6)
    parser.add_argument("--times", type=int, default=3, help="the source repeated along each side")
    parser.add_argument("--quick", action="store_true", help="writes nothing")
    given = parser.parse_args()
    realdata = Path(os.environ["ACCORDAGE_REALDATA"])
    result = measure(realdata, given.rounds, given.slides, given.times)
    print(table(result))
    if not given.quick:
        RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        page = PAGE.read_text(encoding="utf-8")
        before, rest = page.split(START)
        page = f"{before}{START}\n{table(result)}\n{END}{rest.split(END)[1]}"
        PAGE.write_text(page, encoding="utf-8")
    return 0 if result["ratio"] >= WANTED else 1


if __name__ == "__main__":
    sys.exit(main())
