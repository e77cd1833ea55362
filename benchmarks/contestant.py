"""One contestant of the de-identification benchmark: a folder in, a folder out, seconds printed.

    python benchmarks/contestant.py NAME SRC DST [--jobs N]

Loading the program and a first file are not counted; releasing, the report where there is one, and
one fsync of the folder at the end are. NAME is ``ours``, ``cp``, or a program of
``benchmarks/peer.py``.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

Run = Callable[[Path, Path], None]


def ours(jobs: int) -> Run:
    """The folder command's own function, under a full policy with mammograms cleared."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from config.library import find_policy
    from config.policy import ClearedPixels
    from config.settings import load_settings
    from pipelines.engine import Engine
    from pipelines.prepare.clean_pixels import PixelPlace
    from pipelines.prepare.deid_folder import deidentify_folder
    from pipelines.progress import Silent

    home = Path(os.environ.get("ACCORDAGE_HOME", "."))
    settings = load_settings(home, {}).model_copy(update={"jobs": jobs})
    rule = ClearedPixels(modality="MG", reason="pictures of this benchmark hold no text")
    policy = find_policy("research-longitudinal", settings.config_root)
    policy = policy.model_copy(update={"cleared_pixels": (*policy.cleared_pixels, rule)})

    def run(source: Path, target: Path) -> None:
        engine, scratch = Engine(settings), PixelPlace(str(home / "scratch"), str(home / "faces"))
        report = deidentify_folder(source, target, policy, b"b" * 32, engine, Silent(), scratch)
        if report.quarantined:
            raise SystemExit(f"refused: {report.quarantined}")

    return run


def copied(_: int) -> Run:
    """``cp -r``, the bound that a disk sets."""

    def run(source: Path, target: Path) -> None:
        subprocess.run(["cp", "-r", f"{source}/.", str(target)], check=True)

    return run


def peer(name: str) -> Run:
    """Another program with its defaults, file by file."""
    import warnings

    from peer import PEERS  # beside this file

    warnings.simplefilter("ignore")
    release = PEERS[name]()

    def run(source: Path, target: Path) -> None:
        for path in sorted(source.rglob("*.dcm")):
            release(path, target / path.name)

    return run


def _warm(run: Run, source: Path) -> None:
    """Let a program load what it loads at its first file; every contestant alike."""
    with tempfile.TemporaryDirectory() as scratch:
        one, out = Path(scratch) / "in", Path(scratch) / "out"
        one.mkdir()
        out.mkdir()
        first = min(source.rglob("*.dcm"))
        (one / first.name).write_bytes(first.read_bytes())
        run(one, out)


def main() -> None:
    """Run the contestant once."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--jobs", type=int, default=1)
    given = parser.parse_args()
    own = {"ours": ours, "cp": copied}
    run = own[given.name](given.jobs) if given.name in own else peer(given.name)
    given.target.mkdir(parents=True)
    _warm(run, given.source)
    os.sync()  # what the contestant before wrote is not counted
    started = time.perf_counter()
    run(given.source, given.target)
    descriptor = os.open(given.target, os.O_RDONLY)
    os.fsync(descriptor)
    seconds = time.perf_counter() - started
    files = sum(1 for _ in given.target.rglob("*.dcm"))
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "files": files, "peak_mb": peak_mb}))


if __name__ == "__main__":
    main()
