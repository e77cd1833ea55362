"""Mutate DICOM files by the thousand and release each: no crash, no hang, nothing planted gets out.

``python benchmarks/fuzz.py --files 20000`` prints a table and writes
``benchmarks/results/fuzz.json``. Ten files make a study that goes the way of ``accordage deid``:
peeked at on disk, identity harvested, released under ``basic`` or ``research-longitudinal`` and
written. The planted person is known to the study, as if another object of it bore the name.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import random
import signal
import tempfile
import time
import warnings
import zlib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fuzz_mutations import CANARIES, mutate
from fuzz_seeds import NUMBER, WHOLE, seeds

from config.errors import RejectedError
from config.library import find_policy
from config.policy import ClearedPixels
from config.version import code_version
from deid.identity import Identity
from deid.keys import derive_keys
from pipelines.prepare.clean_pixels import PixelPlace
from pipelines.prepare.peek import Peek, Peeker
from pipelines.prepare.release_files import Releaser, make_releaser
from pipelines.prepare.splice import write_pieces

RESULT = Path(__file__).parent / "results" / "fuzz.json"
LIMIT_S = 5.0
BATCH = 250
STUDY = 10
"""Files released as one study: what one teaches is used for the next."""
POLICIES = ("basic", "research-longitudinal")
ENCODINGS = ("latin-1", "utf-16-le", "utf-16-be")
NEEDLES = tuple({text.lower().encode(encoding) for text in CANARIES[:4] for encoding in ENCODINGS})
KNOWN = Identity(names=frozenset({WHOLE}), ids=frozenset({NUMBER}))


class HangError(BaseException):
    """The watchdog: nothing may catch it on the way."""


@dataclass
class Account:
    """What became of a batch of files."""

    outcomes: Counter[str] = field(default_factory=Counter)
    crashes: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    hangs: list[int] = field(default_factory=list)
    leaks: list[int] = field(default_factory=list)
    plain: int = 0
    slowest_s: float = 0.0

    def add(self, other: Account) -> None:
        """Add another batch."""
        self.outcomes += other.outcomes
        self.crashes += other.crashes
        self.failed += other.failed
        self.hangs += other.hangs
        self.leaks += other.leaks
        self.plain += other.plain
        self.slowest_s = max(self.slowest_s, other.slowest_s)


def run_batch(numbers: range, seed: int, realdata: Path | None) -> Account:
    """Mutate and release the files of these numbers; a file is made again from its number."""
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGALRM, _hang)
    sources, account = seeds(realdata), Account()
    for at in range(numbers.start, numbers.stop, STUDY):
        study = range(at, min(at + STUDY, numbers.stop))
        with tempfile.TemporaryDirectory(dir=_memory_folder()) as folder:
            paths = {number: Path(folder) / f"{number}.dcm" for number in study}
            for number, path in paths.items():
                path.write_bytes(mutated(number, seed, sources))
            _run_study(paths, POLICIES[at // STUDY % 2], Path(folder) / "out", account)
    return account


def _run_study(paths: dict[int, Path], policy_name: str, out: Path, account: Account) -> None:
    """Release some files as one study, the way ``accordage deid`` does."""
    cleared = (ClearedPixels(even_if_marked=True, reason="mutated test data"),)
    policy = find_policy(policy_name).model_copy(update={"cleared_pixels": cleared})
    peeker, identity, peeks = Peeker(), KNOWN, {}
    for number, path in paths.items():
        with _watched(number, account) as watched:
            peeks[number] = peek = peeker.peek(path)
            identity = identity | (peek.identity or Identity())
            watched.outcome = peek.code or "peeked"
        if watched.outcome != "peeked":
            peeks.pop(number, None)
            account.outcomes[watched.outcome] += 1
    keys = derive_keys(b"published fuzz secret", "fuzz")
    place = PixelPlace(str(out.parent / "scratch"), str(out.parent / "faces"))
    with make_releaser(policy, keys, b"t" * 32, identity, place) as releaser:
        for number, peek in peeks.items():
            with _watched(number, account) as watched:
                watched.outcome = _release(releaser, peek, out, account)
            if watched.outcome == "leak":
                account.leaks.append(number)
            account.outcomes[watched.outcome] += 1


@dataclass
class Watched:
    """What became of the file that is being looked at."""

    outcome: str = ""


@contextmanager
def _watched(number: int, account: Account) -> Iterator[Watched]:
    """Count what the file raises, and whether it takes too long."""
    started, watched = time.perf_counter(), Watched()
    signal.setitimer(signal.ITIMER_REAL, LIMIT_S)
    try:
        yield watched
    except HangError:
        watched.outcome = "hang"
        account.hangs.append(number)
    except RejectedError as error:
        watched.outcome = error.code
        if error.code == "DEID_FAILED":
            cause = error.__cause__
            account.failed[f"{error.detail} at {_where(cause) if cause else ''}"] += 1
    except Exception as error:  # noqa: BLE001, to be counted is what it is for
        watched.outcome = "crash"
        account.crashes[f"{type(error).__name__} at {_where(error)}"] += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    account.slowest_s = max(account.slowest_s, time.perf_counter() - started)


def _release(releaser: Releaser, peek: Peek, out: Path, account: Account) -> str:
    made = releaser.release(Path(peek.path), {}, is_plain=peek.is_plain)
    write_pieces(made.source, out, made.dataset.pieces)
    account.plain += peek.is_plain
    lowered = _plain(out.read_bytes()).lower()
    return "leak" if any(needle in lowered for needle in NEEDLES) else "released"


def mutated(number: int, seed: int, sources: list[bytes]) -> bytes:
    """Return mutated file ``number``."""
    rng = random.Random(f"{seed}/{number}")
    return mutate(rng.choice(sources), rng.choice(sources), rng)


def _where(error: BaseException) -> str:
    """Return the deepest of our own lines the error went through."""
    trace, found = error.__traceback__, ""
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if f"{os.sep}deid{os.sep}" in name or f"{os.sep}pipelines{os.sep}" in name:
            found = f"{Path(name).name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return found


def _plain(data: bytes) -> bytes:
    """Return a released file's bytes, inflated where they are deflated (PS3.5 A.5)."""
    start = 144 + int.from_bytes(data[140:144], "little")
    if b"1.2.840.10008.1.2.1.99" not in data[:start]:
        return data
    return data[:start] + zlib.decompressobj(wbits=-15).decompress(data[start:])


def _hang(*_: object) -> None:
    raise HangError


def _memory_folder() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def run(files: int, seed: int, jobs: int, realdata: Path | None) -> Account:
    """Run all files in batches, in ``jobs`` processes."""
    batches = [range(at, min(at + BATCH, files)) for at in range(0, files, BATCH)]
    account = Account()
    if jobs == 1:
        for batch in batches:
            account.add(run_batch(batch, seed, realdata))
        return account
    with ProcessPoolExecutor(jobs) as pool:
        waiting = [pool.submit(run_batch, batch, seed, realdata) for batch in batches]
        for done in waiting:
            account.add(done.result())
    return account


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    asked = parser.parse_args()
    folder = os.environ.get("ACCORDAGE_REALDATA")
    realdata = Path(folder) if folder and Path(folder).is_dir() else None
    started = time.perf_counter()
    account = run(asked.files, asked.seed, asked.jobs, realdata)
    result: dict[str, Any] = {
        "files": asked.files, "seed": asked.seed, "version": code_version(),
        "wall_s": round(time.perf_counter() - started, 1),
        "slowest_file_s": round(account.slowest_s, 2), "limit_s": LIMIT_S,
        "crashes": dict(account.crashes), "hangs": len(account.hangs), "leaks": len(account.leaks),
        "plain": account.plain, "outcomes": dict(account.outcomes.most_common()),
        "failed": dict(account.failed),
    }  # fmt: skip
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    for name, count in account.outcomes.most_common():
        print(f"{name:30} {count:7}")
    for name, count in (account.crashes + account.failed).most_common():
        print(f"  {name:60} {count:5}")
    print(
        f"{asked.files} files in {result['wall_s']} s: {sum(account.crashes.values())} crashes, "
        f"{len(account.hangs)} hangs over {LIMIT_S} s {account.hangs[:10]}, {len(account.leaks)} "
        f"leaks {account.leaks[:10]}; slowest {result['slowest_file_s']} s"
    )
    raise SystemExit(1 if account.crashes or account.hangs or account.leaks else 0)


if __name__ == "__main__":
    main()
