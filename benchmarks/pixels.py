"""Find and blank planted text in synthetic frames: what is left, what is lost, what it costs.

``python benchmarks/pixels.py`` prints a table and writes ``benchmarks/results/pixels.json`` and the
table of ``docs/benchmarks.md``. The frames are those of ``burned_frames.py`` under a seed that was
not used for tuning. Texts are counted in groups and never printed.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from burned_frames import Frames, Planted, draw
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from rich.progress import MofNCompleteColumn, Progress

from config.policy import PixelCleaning
from config.version import code_version
from deid.blank.black import black_samples
from deid.blank.shape import PixelShape, read_shape
from deid.hunt import hunter_for
from deid.text.cine import find_in_clip
from deid.text.find import TextFinder
from deid.text.grey import Display, views_of
from deid.text.grown import grown
from deid.text.judge import Judge
from deid.text.line import Found, Kind
from deid.text.rapid import RapidReader
from deid.text.remember import RememberingReader
from pipelines.demo.phantom.breast import mammogram

RESULT = Path(__file__).parent / "results" / "pixels.json"
PART = RESULT.with_suffix(".part")
DOCS = Path(__file__).parents[1] / "docs" / "benchmarks.md"
MARKS = ("<!-- pixels -->", "<!-- end of pixels -->")
TUNED_ON = (1, 3, 7, 11, 101, 102, 2026, 40961, 141421, 173205, 271828, 577215, 662607)
TUNED_ON += (161803, 244949, 300007, 900001, 900002)
SEED = 314159
MARGIN_PX = 1
DEFAULT_MARGIN_PX = PixelCleaning().margin_px
ROUNDS = 3
"""As often as a release blanks before it refuses."""
KINDS: dict[str, Kind] = {
    "ultrasound": "ultrasound",
    "cine": "ultrasound",
    "mammogram": "mammogram",
    "radiograph": "radiograph",
    "capture": "capture",
}
COVERED = 0.95
Mask = NDArray[np.bool_]


@dataclass
class Score:
    """Of one picture or clip; counts by name."""

    kind: str
    counts: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)
    seconds: float = 0.0
    seconds_in_all: float = 0.0
    frames: int = 1
    free: bool = False


def run_one(reader: RapidReader, frames: Frames) -> Score:
    """Search, blank and search again as a release does, and compare with the key."""
    ds = Dataset()
    for keyword, value in {**frames.header, "NumberOfFrames": len(frames.samples)}.items():
        setattr(ds, keyword, value)
    shape = read_shape(ds)
    judge = Judge(hunter_for(frames.person.identity(), institutions=True))
    finder = TextFinder(RememberingReader(reader), judge)
    score = Score(frames.kind, frames=len(frames.samples), free=not frames.planted)
    start = time.process_time()
    found = _find(finder, frames.samples, shape, frames.kind)
    score.seconds = time.process_time() - start
    samples, gone = frames.samples, _Gone(shape)
    left, readings = gone.add(found), 1
    while left and readings <= ROUNDS:
        samples = _blanked(samples, gone.narrow, shape)
        found = _find(finder, samples, shape, frames.kind)
        readings += 1
        left = gone.add(found) if readings <= ROUNDS else [f for f in found if not f.keep]
    score.seconds_in_all = time.process_time() - start
    score.counts["a second reading finds more"] = int(readings > 2)
    score.counts["refused"] = int(bool(left))
    _compare(frames, gone.narrow, left, score)
    wide = gone.wide & _beside(frames)
    score.counts["tissue px blanked beside, default margin"] = int(wide.sum())
    return score


class _Gone:
    """What is blanked in all rounds: with the least margin, and with the one of a policy."""

    def __init__(self, shape: PixelShape) -> None:
        self.shape = shape
        self.narrow = np.zeros((shape.rows, shape.columns), bool)
        self.wide = self.narrow.copy()

    def add(self, found: Sequence[Found]) -> list[Found]:
        """Take in the places of a round, and return those of what goes."""
        size = {"rows": self.shape.rows, "columns": self.shape.columns}
        for mask, margin_px in ((self.narrow, MARGIN_PX), (self.wide, DEFAULT_MARGIN_PX)):
            for r in grown(found, margin_px, **size):
                mask[r.row_start : r.row_stop, r.column_start : r.column_stop] = True
        return [one for one in found if not one.keep]


def _blanked(samples: NDArray[Any], gone: Mask, shape: PixelShape) -> NDArray[Any]:
    after = samples.copy()
    black = np.array(black_samples(shape), after.dtype)[: 1 if after.ndim == 3 else 3]
    after[:, gone] = black
    return after


def _find(
    finder: TextFinder, samples: NDArray[Any], shape: PixelShape, kind: str
) -> tuple[Found, ...]:
    display = Display(shape)
    if len(samples) == 1:
        return finder.find(views_of(samples[0], display), KINDS[kind])
    clip = find_in_clip(finder, lambda: (views_of(s, display) for s in samples), KINDS[kind])
    return clip.found


def _beside(frames: Frames) -> Mask:
    """Return tissue in which no identity was planted."""
    beside = frames.tissue.copy()
    for planted in frames.planted:
        if planted.role == "identity":
            top, bottom, first, last = planted.box
            beside[top:bottom, first:last] = False
    return beside


def _compare(frames: Frames, gone: Mask, left: list[Found], score: Score) -> None:
    for planted in frames.planted:
        top, bottom, first, last = planted.box
        box = np.s_[top:bottom, first:last]
        if planted.role != "identity":
            score.counts[planted.role] += 1
            score.counts[f"{planted.role} kept"] += int(not gone[box].any())
            continue
        whole = bool(gone[box][planted.ink].all())
        hidden = float(gone[box].mean()) >= COVERED and not any(_touch(f, planted) for f in left)
        for name in ("identity", f"identity on {planted.ground}", f"identity in {planted.colour}"):
            score.counts[name] += 1
            score.counts[f"{name} gone"] += whole or hidden
        score.counts["identity gone to the last pixel"] += whole
        if not (whole or hidden):
            cover = float(gone[box][planted.ink].mean())
            score.missed.append(
                f"{frames.name}: {planted.size_px} px, {planted.colour} on {planted.ground}, "
                f"{cover:.0%} of its pixels blanked"
            )
    score.counts["tissue px"] += int(frames.tissue.sum())
    score.counts["tissue px blanked beside"] += int((_beside(frames) & gone).sum())


def _touch(found: Found, planted: Planted) -> bool:
    top, bottom, first, last = planted.box
    r = found.line.rectangle
    rows = r.row_start < bottom and top < r.row_stop
    return rows and r.column_start < last and first < r.column_stop


def scores_of(asked: argparse.Namespace) -> list[Score]:
    """Return the scores of all frames; those of a run that was stopped are taken from its file."""
    head = {**about(asked), "frames": asked.frames}
    done = _done(head)
    left = [index for index in range(asked.frames) if index not in done]
    with (
        ProcessPoolExecutor(asked.jobs, initializer=cv2.setNumThreads, initargs=(1,)) as pool,
        PART.open("a", encoding="utf-8") as part,
        Progress(*Progress.get_default_columns(), MofNCompleteColumn()) as progress,
    ):
        task = progress.add_task("frames", total=asked.frames, completed=len(done))
        waiting = {pool.submit(_in_worker, asked.seed, index): index for index in left}
        for future in as_completed(waiting):
            index = waiting[future]
            done[index] = future.result()
            part.write(json.dumps([index, vars(done[index])]) + "\n")
            part.flush()
            progress.advance(task)
    return [done[index] for index in sorted(done)]


def _done(head: dict[str, Any]) -> dict[int, Score]:
    """Return what a run of the same kind has done, and begin its file when there is none."""
    lines = PART.read_text(encoding="utf-8").splitlines() if PART.is_file() else []
    if lines and json.loads(lines[0]) == json.loads(json.dumps(head)):
        read = [json.loads(line) for line in lines[1:]]
        return {index: Score(**{**s, "counts": Counter(s["counts"])}) for index, s in read}
    PART.write_text(json.dumps(head) + "\n", encoding="utf-8")
    return {}


_READERS: list[RapidReader] = []


def _in_worker(seed: int, index: int) -> Score:
    if not _READERS:
        _READERS.append(RapidReader())
    return run_one(_READERS[0], draw(seed, index))


def plain_mammograms(count: int = 24) -> float:
    """Return seconds a mammogram of the demo, in which there is no text."""
    finder = TextFinder(RapidReader(), Judge())
    rng = np.random.default_rng(SEED)
    ds = Dataset()
    values = {"Rows": 700, "Columns": 560, "SamplesPerPixel": 1, "BitsAllocated": 16}
    values |= {"BitsStored": 12, "HighBit": 11, "PixelRepresentation": 0}
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    ds.PhotometricInterpretation = "MONOCHROME2"
    display = Display(read_shape(ds))
    breasts = [mammogram((700, 560), 0.35, "CC", rng) for _ in range(count)]
    start = time.perf_counter()
    for breast in breasts:
        finder.find(views_of(breast, display), "mammogram")
    return (time.perf_counter() - start) / count


def summarise(scores: list[Score]) -> dict[str, Any]:
    counts: Counter[str] = Counter()
    by_kind: dict[str, Counter[str]] = defaultdict(Counter)
    seconds: dict[str, list[float]] = defaultdict(list)
    free: dict[str, list[float]] = defaultdict(list)
    in_all: dict[str, list[float]] = defaultdict(list)
    for score in scores:
        counts += score.counts
        by_kind[score.kind] += score.counts
        (free if score.free else seconds)[score.kind].append(score.seconds / score.frames)
        in_all[score.kind].append(score.seconds_in_all / score.frames)
    return {
        "frames": len(scores),
        "frames_by_kind": dict(sorted(Counter(score.kind for score in scores).items())),
        "counts": dict(sorted(counts.items())),
        "by_kind": {kind: dict(sorted(by_kind[kind].items())) for kind in sorted(by_kind)},
        "seconds_per_frame_in_all": {
            kind: round(float(np.mean(v)), 2) for kind, v in sorted(in_all.items())
        },
        "seconds_per_frame": {k: round(float(np.mean(v)), 2) for k, v in sorted(seconds.items())},
        "seconds_per_frame_without_text": {
            kind: round(float(np.mean(v)), 2) for kind, v in sorted(free.items())
        },
        "missed": sorted(line for score in scores for line in score.missed),
    }


def share(counts: dict[str, int], part: str, whole: str) -> str:
    of = counts.get(whole, 0)
    return f"{counts.get(part, 0) / of:.2%} of {of}" if of else "none"


def table(result: dict[str, Any]) -> str:
    heads = ["kind", "frames", "identities gone", "markers kept", "scales kept"]
    heads += ["tissue blanked beside", "second reading finds text", "s a frame", "without text"]
    rows = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    kinds = {**result["by_kind"], "all": result["counts"]}
    for kind, counts in kinds.items():
        tissue = counts.get("tissue px", 0)
        beside = f"{counts.get('tissue px blanked beside', 0) / tissue:.3%}" if tissue else "none"
        number = result["frames"] if kind == "all" else result["frames_by_kind"][kind]
        rows.append(
            f"| {kind} | {number} | {share(counts, 'identity gone', 'identity')} "
            f"| {share(counts, 'marker kept', 'marker')} | {share(counts, 'scale kept', 'scale')} "
            f"| {beside} | {counts.get('a second reading finds more', 0)} "
            f"| {result['seconds_per_frame'].get(kind, '')} "
            f"| {result['seconds_per_frame_without_text'].get(kind, '')} |"
        )
    return "\n".join(rows)


def about(asked: argparse.Namespace) -> dict[str, Any]:
    return {
        "version": code_version(),
        "seed": asked.seed,
        "tuned_on_seed": TUNED_ON,
        "margin_px": MARGIN_PX,
        "jobs": asked.jobs,
    }


def write(result: dict[str, Any]) -> None:
    RESULT.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=400)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--jobs", type=int, default=2)
    asked = parser.parse_args()
    scores = scores_of(asked)
    result = {**about(asked), **summarise(scores)}
    result["demo_mammogram_without_text_s"] = round(plain_mammograms(), 3)
    write(result)
    printed = table(result)
    print(printed)
    print(*result["missed"], sep="\n")
    page = DOCS.read_text(encoding="utf-8")
    if all(mark in page for mark in MARKS):
        before, after = page.split(MARKS[0])[0], page.split(MARKS[1])[1]
        DOCS.write_text(f"{before}{MARKS[0]}\n{printed}\n{MARKS[1]}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
