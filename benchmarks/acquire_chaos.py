"""Random mixtures of faults: every study in the right outcome, nothing lost, doubled or wrong.

``make chaos-acquire`` runs 200 seeded runs of 50 studies. Each study gets a fault of its own (or
none), the archive one for all of them; what must come of each is written down here beside the
fault, and the bytes received are compared with the archive's own. Every other run is killed with
``kill -9`` at random moments and started again until it ends.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import yaml
from sqlalchemy import select

from config.errors import EnvironmentFault
from config.settings import load_settings
from pipelines.acquire.archive import Archive, Faults
from pipelines.acquire.archive.synthetic import SyntheticStudy, entries_of
from pipelines.acquire.resolve import resolve
from pipelines.acquire.retrieve import retrieve
from pipelines.catalogue import identified as table
from pipelines.ports import free_port
from pipelines.workspace import Workspace, open_workspace

ROOT = Path(__file__).resolve().parents[1]
DONE = frozenset({"complete", "complete_after_retry"})


@dataclass(frozen=True)
class Fault:
    """A fault of one study, and what must become of the study."""

    name: str
    faults: Faults
    outcomes: frozenset[str]
    code: str | None
    missing: tuple[int, ...] = ()
    """Numbers of the instances that cannot come."""


def study_faults(study: SyntheticStudy) -> list[Fault]:
    """Return every fault a study may have."""
    last = study.instances
    uid, final = study.sop_uid(1), study.sop_uid(last)
    everything = tuple(range(1, last + 1))
    whole = study.study_uid
    # A message of 128 KiB is whole in one fragment: what is dropped after the first stays lost.
    return [
        Fault("none", Faults(), DONE, None),
        Fault("drop once", Faults(drop_after_n=1, times=1), DONE, None),
        Fault("drop always", Faults(drop_instances=frozenset({uid})), frozenset({"partial"}),
              "STUDY_PARTIAL", (1,)),
        Fault("zero once", Faults(zero_suboperations=True, times=1), DONE, None),
        Fault("zero always", Faults(zero_suboperations=True), frozenset({"refused"}),
              "STUDY_NOT_DELIVERED", everything),
        Fault("silent once", Faults(silent_success=True, times=1), DONE, None),
        Fault("silent always", Faults(silent_success=True), frozenset({"refused"}),
              "STUDY_NOT_DELIVERED", everything),
        Fault("success first", Faults(success_first=True), DONE, None),
        Fault("abort", Faults(abort_after_n=1, times=1), DONE, None),
        Fault("abort in object", Faults(abort_in_object_n=1, times=1), DONE, None),
        Fault("drip", Faults(drip_s=0.0005), DONE, None),
        Fault("stall", Faults(stall_after_n=1, times=1), DONE, None),
        Fault("unavailable", Faults(unavailable_study_uids=frozenset({whole})),
              frozenset({"refused"}), "STUDY_NOT_DELIVERED", everything),
        Fault("offline", Faults(offline_study_uids=frozenset({whole})), frozenset({"offline"}),
              "STUDY_OFFLINE", everything),
        Fault("counts more", Faults(count_error=2), frozenset({"refused"}),
              "STUDY_LIST_INCOMPLETE"),
        Fault("counts less", Faults(count_error=-1), DONE, None),
        Fault("other bytes", Faults(duplicate_instances=frozenset({uid})), DONE,
              "SOP_UID_CONFLICT"),
        Fault("other patient", Faults(foreign_instances=frozenset({uid})), frozenset({"refused"}),
              "STUDY_OTHER_PATIENT", (1,)),
        Fault("late", Faults(late_instances=frozenset({final})), DONE, None),
    ]  # fmt: skip


ARCHIVE_FAULTS = (
    Faults(),
    Faults(refuse_associations=2),
    Faults(out_of_resources=2),
    Faults(max_answers=20),
    Faults(max_answers=20, tells_max_answers=True),
    Faults(ignore_modality=True),
    Faults(stall_queries=1),
    Faults(stall_associations=1),
    Faults(reject_c_get=True),
)
"""Faults of the archive as a whole; every study still ends as its own fault says."""


@dataclass
class Plan:
    """One run: the archive's studies and faults."""

    seed: int
    studies: list[SyntheticStudy]
    faults: dict[str, Fault]
    archive: Faults
    kills: int

    @property
    def methods(self) -> list[str]:
        """Ways to retrieve: both, or one of them."""
        ways = (["c-get", "c-move"], ["c-get"], ["c-move"])
        return ways[0] if self.archive.reject_c_get else ways[self.seed % len(ways)]


def plan_run(seed: int, studies: int, *, only: int | None = None) -> Plan:
    """Draw a run; ``only`` gives every study the same fault."""
    rng = random.Random(seed)
    made = [
        SyntheticStudy(
            study_uid=f"2.25.77{seed:04}{number:03}",
            patient_id=f"P{seed}-{number}",
            accession_number=f"{number:08}",
            study_date=f"2021{rng.randrange(1, 13):02}{rng.randrange(1, 29):02}",
            study_time=f"{rng.randrange(24):02}{rng.randrange(60):02}{rng.randrange(60):02}",
            instances=rng.randrange(2, 5),
        )
        for number in range(studies)
    ]
    faults = {}
    for study in made:
        known = study_faults(study)
        chosen = known[only] if only is not None else rng.choice(known)
        # Stalls cost their time-out in seconds each: some are enough.
        if chosen.name == "stall" and only is None and rng.random() < 0.5:
            chosen = known[0]
        faults[study.study_uid] = chosen
    archive = Faults() if only is not None else ARCHIVE_FAULTS[seed % len(ARCHIVE_FAULTS)]
    return Plan(seed, made, faults, archive, kills=2 if seed % 2 else 0)


def write_home(home: Path, pacs_port: int, receiver_port: int, methods: list[str]) -> None:
    """Write the settings of an installation with one site."""
    pacs = {
        "ae_title": "CHAOS", "host": "127.0.0.1", "port": pacs_port, "retry_wait_s": 0.0,
        "retries": 3, "dimse_timeout_s": 1.5, "connect_timeout_s": 1.5, "methods": methods,
        "receiver": {"port": receiver_port}, "limits": {"breaker_failures": 1000, "late_s": 0.25},
    }  # fmt: skip
    project = {
        "name": "chaos", "sites": ["site"], "policy": "research-longitudinal", "recipe": "native",
        "select": {"modality": "CT", "study_date": "2021-01-01..2021-12-31"},
        "delivery": {"expires": "2030-12-31"},
    }  # fmt: skip
    files = {"sites/site": {"name": "site", "pacs": pacs}, "projects/chaos": project}
    for name, content in files.items():
        path = home / "config" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(content), encoding="utf-8")


ACQUIRE = (
    "import sys; from pathlib import Path; from config.settings import load_settings;"
    "from pipelines.workspace import open_workspace; from pipelines.acquire.resolve import resolve;"
    "from pipelines.acquire.retrieve import retrieve;"
    "ws = open_workspace(load_settings(Path(sys.argv[1]), {})); w = ws.__enter__();"
    "p, s = w.project('chaos'), w.site('site');"
    "resolve(w, p, s); retrieve(w, p, s); ws.__exit__(None, None, None)"
)


def run_killed(home: Path, kills: int, rng: random.Random) -> int:
    """Run the acquisition in a child, killed at random moments; return how many were hit."""
    hit = 0
    for _ in range(kills):
        child = subprocess.Popen([sys.executable, "-c", ACQUIRE, str(home)], cwd=ROOT)
        try:
            child.wait(timeout=1.0 + 4.0 * rng.random())
        except subprocess.TimeoutExpired:
            os.kill(child.pid, signal.SIGKILL)
            hit += 1
        child.wait()
    return hit


def check(ws: Workspace, archive: Archive, plan: Plan) -> list[str]:
    """Compare every row and every byte with what must have come of it."""
    problems = []
    with ws.ledger.session() as session:
        rows = {r.study_uid: r for r in session.scalars(select(table.RequestRow))}
        objects = list(session.scalars(select(table.ReceivedObject)))
        session.expunge_all()
    if set(rows) != {s.study_uid for s in plan.studies}:
        problems.append(f"{len(rows)} rows of {len(plan.studies)} studies")
    held = {e.key("IMAGE"): e for e in archive.index}
    by_study: dict[str, list[table.ReceivedObject]] = {}
    for one in objects:
        by_study.setdefault(one.study_uid, []).append(one)
    for study in plan.studies:
        fault, row = plan.faults[study.study_uid], rows.get(study.study_uid)
        if row is None:
            continue
        where = f"seed {plan.seed}, {fault.name}"
        if row.outcome not in fault.outcomes or row.code != fault.code:
            problems.append(f"{where}: {row.outcome} {row.code} {row.detail}")
        wanted = {study.sop_uid(n) for n in range(1, study.instances + 1) if n not in fault.missing}
        mine = by_study.get(study.study_uid, [])
        came = Counter(one.sop_uid for one in mine)
        if set(came) != wanted:
            problems.append(
                f"{where}: {len(wanted - set(came))} lost, {len(set(came) - wanted)} wrong"
            )
        for one in mine:
            if came[one.sop_uid] > 1 and fault.code != "SOP_UID_CONFLICT":
                problems.append(f"{where}: an instance is there twice")
            truth = held[one.sop_uid].dataset_bytes()
            kept = ws.identified.absolute(one.path).read_bytes()
            if not kept.endswith(truth) and not one.conflict:
                problems.append(f"{where}: other bytes")
    digests = {one.sha256 for one in objects}
    if len(digests) != len(objects):
        problems.append(f"seed {plan.seed}: an object is counted twice")
    return problems


def run(plan: Plan, home: Path) -> tuple[list[str], Counter[str], int]:
    """Run one plan to its end; return problems, outcomes, and how many kills hit."""
    receiver_port = free_port()
    entries = [e for study in plan.studies for e in entries_of(study)]
    with ExitStack() as stack:
        archive = stack.enter_context(
            Archive(
                [], "CHAOS", faults=plan.archive, entries=entries,
                faults_by_study={uid: f.faults for uid, f in plan.faults.items()},
                destinations={"ACCORDAGE": ("127.0.0.1", receiver_port)},
            )
        )  # fmt: skip
        write_home(home, archive.port, receiver_port, plan.methods)
        hit = run_killed(home, plan.kills, random.Random(plan.seed))
        ws = stack.enter_context(open_workspace(load_settings(home, {})))
        project, site = ws.project("chaos"), ws.site("site")
        for _ in range(2):  # what was late or busy comes another night
            resolve(ws, project, site)
            retrieve(ws, project, site)
        problems = check(ws, archive, plan)
        with ws.ledger.session() as session:
            rows = session.scalars(select(table.RequestRow))
            outcomes = Counter(f"{r.outcome} {r.code or ''}".strip() for r in rows)
    return problems, outcomes, hit


def run_number(number: int, studies: int) -> tuple[list[str], Counter[str], int]:
    """Run one seeded plan in a folder of its own; again where another run took its port."""
    while True:
        with tempfile.TemporaryDirectory(prefix="chaos-acquire-") as folder:
            try:
                return run(plan_run(number, studies), Path(folder))
            except EnvironmentFault as error:
                if error.code != "PORT_IN_USE":
                    raise


def main() -> int:
    """Run the plans, print a table, return 1 on any problem."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--studies", type=int, default=50)
    parser.add_argument("--jobs", type=int, default=4, help="runs at once: they mostly wait")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    start, problems, outcomes, hit = time.monotonic(), [], Counter[str](), 0
    done = 0
    numbers = range(given.first, given.first + given.runs)
    with ProcessPoolExecutor(given.jobs, mp_context=get_context("spawn")) as pool:
        for found, ended, kills in pool.map(run_number, numbers, [given.studies] * given.runs):
            problems += found
            outcomes += ended
            hit += kills
            done += 1
            print(
                f"{done} of {given.runs} runs, {len(problems)} problems",
                *found,
                sep="\n",
                flush=True,
            )
    result = {
        "runs": given.runs, "studies": given.runs * given.studies, "kills": hit,
        "problems": len(problems), "outcomes": dict(sorted(outcomes.items())),
        "seconds": round(time.monotonic() - start),
    }  # fmt: skip
    print(json.dumps(result, indent=1))
    if given.out:
        given.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
