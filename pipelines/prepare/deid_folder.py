"""De-identify a file or folder on its own, without a catalogue: ``accordage deid``."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

from config.base import fingerprint
from config.errors import EnvironmentFault
from config.files import sync_folder, write_whole
from config.policy import Policy
from config.version import code_version
from deid.gate import CLEAN_FEATURES
from deid.keys import derive_keys, site_token
from deid.looks import account_of
from harmonise.series import Passport
from pipelines.engine import Engine
from pipelines.prepare.clean_pixels import PixelPlace
from pipelines.prepare.conflicts import contested
from pipelines.prepare.discover import files_in
from pipelines.prepare.passports import passports_of, public_of, remapped
from pipelines.prepare.peek import Peek, Peeker, identity_of, number_of
from pipelines.prepare.release_files import FileJob, Placed, StudyFiles, release_files
from pipelines.prepare.study_words import words_of
from pipelines.prepare.vocabulary import note_words
from pipelines.processes import Crew, Memory
from pipelines.progress import Progress
from pipelines.quiet import hush

__all__ = ["FolderReport", "deidentify_folder"]

_MARK_CHARACTERS = 12
_PARTS_PER_PROCESS = 8
_FEWEST_PER_PART, _MOST_PER_PART = 16, 256
"""Files; fewer are not worth sending to another process."""


@dataclass(frozen=True)
class FolderReport:
    """What became of every file; holds no identity and no source path.

    ``conflicts`` counts released files that share their SOP Instance UID with other bytes.
    """

    policy: str
    policy_hash: str
    version: str
    released: int
    quarantined: dict[str, int]
    conflicts: int
    not_dicom: int
    subjects: int
    unknown_words: int
    files: tuple[dict[str, Any], ...]

    @property
    def name(self) -> str:
        """A short name of what was done to which files; the same for the same run."""
        done = json.dumps([self.policy_hash, *(row["file"] for row in self.files)])
        return hashlib.sha256(done.encode()).hexdigest()[:_MARK_CHARACTERS]


def deidentify_folder(
    source: Path,
    target: Path,
    policy: Policy,
    secret: bytes,
    engine: Engine,
    progress: Progress,
    pixels: PixelPlace,
    words: Path | None = None,
) -> FolderReport:
    """Write ``target/<subject>/<study>/<series>/<instance>.dcm``, passports and ``report.json``.

    Every file is looked at before the first is released, since one may name whom another hides.
    Patients of one source share the project's secret. ``pixels`` says where they
    are cleaned. ``words``, in the identified zone, receives
    the words of descriptions that nobody has judged. Files that share a SOP Instance UID and differ
    are all released, each under a name of its own, and flagged: which one is right is not decided
    here. The result depends neither on the files' order nor on how many processes work.
    """
    with files_in(source) as paths, engine.crew() as crew:
        peeks, others = _peeked(paths, crew, progress)
        studies = _studies(peeks, policy, secret, target, pixels)
        jobs = [part for study in studies for part in _parts(study.job, crew.processes)]
        progress.begin("deid", len(jobs))
        rows = [_row(Placed(p.number, code=p.code, detail=p.detail)) for p in peeks if p.code]
        beside = (_words_beside(study, target) for study in studies)
        unknown: list[tuple[str, ...]] = []
        for job, placed in crew.run(release_files, jobs):
            unknown += islice(beside, 1)  # while the processes are at the next job
            marked = {file.number for file in job.files if file.mark}
            rows += [_row(p, marked) for p in placed or _killed(job)]
            progress.advance("deid")
        crew.rest()
        unknown += beside
        if words is not None:
            note_words(words, unknown)
        report = _report(target, policy, rows, (others, len(set(chain(*unknown)))))
        sync_folder(target)
    return report


@dataclass(frozen=True)
class _Study:
    job: StudyFiles
    passports: dict[str, Passport]
    peeks: tuple[Peek, ...]


def _peeked(paths: Sequence[Path], crew: Crew, progress: Progress) -> tuple[list[Peek], int]:
    """Return what every file of DICOM says, and how many are none."""
    names = [str(path) for path in paths]
    size = _part_size(len(names), crew.processes)
    parts = [names[at : at + size] for at in range(0, len(names), size)]
    progress.begin("look", len(parts))
    peeks: list[Peek] = []
    others = 0
    for part, result in crew.run(peek_files, parts):
        progress.advance("look")
        found = result or [Peek(number_of(Path(n)), n, "WORKER_KILLED") for n in part]
        peeks += [peek for peek in found if peek is not None]
        others += sum(1 for peek in found if peek is None)
    if not peeks:
        raise EnvironmentFault("NO_DICOM_FOUND")
    return peeks, others


def peek_files(names: Sequence[str], memory: Memory) -> list[Peek | None]:
    """Return what each file says, None for one that is no DICOM.

    ``memory`` is that of the process: what one part of the files taught serves the next.
    """
    hush()
    peeker: Peeker = memory.setdefault("peeker", Peeker())
    return [peeker.look(Path(name)) for name in names]


def _studies(
    peeks: Sequence[Peek], policy: Policy, secret: bytes, target: Path, pixels: PixelPlace
) -> list[_Study]:
    keys = derive_keys(secret, "folder")
    groups: dict[tuple[str, str, str], list[Peek]] = {}
    for peek in peeks:
        if peek.code is None:
            study = peek.names.study_uid.strip() or f"no study {peek.number}"
            groups.setdefault((study, peek.names.issuer, peek.names.patient_id), []).append(peek)
    studies = []
    for (study, issuer, patient_id), found in sorted(groups.items()):
        token = site_token(secret, issuer, patient_id or study)
        whole = StudyFiles(
            policy, keys, token, identity_of(found), (), str(target.absolute()), pixels
        )
        studies.append(_study(whole, found))
    return studies


def _study(job: StudyFiles, peeks: Sequence[Peek]) -> _Study:
    passports = passports_of(peeks)
    twice = contested(peeks)
    files = tuple(
        FileJob(
            peek.number,
            peek.path,
            peek.is_plain,
            public_of(peek, passports),
            f".{peek.number[:_MARK_CHARACTERS]}" if peek.number in twice else "",
        )
        for peek in peeks
    )
    return _Study(replace(job, files=files), passports, tuple(peeks))


def _words_beside(study: _Study, target: Path) -> tuple[str, ...]:
    """Write the passports of a study under their new UIDs; return its unknown words."""
    job = study.job
    new = remapped(study.passports, [peek.sop_uid for peek in study.peeks], job.keys)
    for uid, passport in new.items():
        text = json.dumps(passport, sort_keys=True).encode()
        write_whole(target / "passports" / f"{uid}.json", text, sync=False)
    return words_of(study.peeks, job.policy, job.identity)


def _parts(job: StudyFiles, processes: int) -> Iterator[StudyFiles]:
    """Yield a study in parts, so that one of many slices keeps every process busy.

    A face is found in a whole series, so where faces go a study is one part.
    """
    count = len(job.files)
    whole = CLEAN_FEATURES in job.policy.options
    size = max(count, 1) if whole else _part_size(count, processes)
    for at in range(0, count, size):
        yield replace(job, files=job.files[at : at + size])


def _part_size(files: int, processes: int) -> int:
    """Return how many files to send at once: several parts a process, as one may be slower."""
    share = -(-files // (processes * _PARTS_PER_PROCESS))
    return min(max(share, _FEWEST_PER_PART), _MOST_PER_PART)


def _row(placed: Placed, marked: Collection[str] = ()) -> dict[str, Any]:
    if placed.code is None:
        flag = {"flag": "SOP_UID_CONFLICT"} if placed.number in marked else {}
        pixels = {"pixels": account_of(placed.pixels)} if placed.pixels is not None else {}
        return {"file": placed.number, "code": None, "path": placed.path, **flag, **pixels}
    return {"file": placed.number, "code": placed.code, "detail": placed.detail}


def _killed(job: StudyFiles) -> tuple[Placed, ...]:
    return tuple(Placed(file.number, code="WORKER_KILLED") for file in job.files)


def _report(
    target: Path, policy: Policy, rows: Sequence[dict[str, Any]], counts: tuple[int, int]
) -> FolderReport:
    others, unknown = counts
    subjects = {str(row["path"]).split("/")[0] for row in rows if row["code"] is None}
    refused = Counter(str(r["code"]) for r in rows if r["code"] is not None)
    report = FolderReport(
        policy=policy.name,
        policy_hash=fingerprint(policy),
        version=code_version(),
        released=sum(1 for r in rows if r["code"] is None),
        quarantined=dict(sorted(refused.items())),
        conflicts=sum(1 for r in rows if "flag" in r),
        not_dicom=others,
        subjects=len(subjects),
        unknown_words=unknown,
        files=tuple(sorted(rows, key=lambda r: (str(r["file"]), str(r.get("path"))))),
    )
    write_whole(target / "report.json", _as_json(report).encode(), sync=False)
    return report


def _as_json(report: FolderReport) -> str:
    """Return a report as JSON, a file a line."""
    encode = json.JSONEncoder(sort_keys=True).encode
    parts = {key: encode(value) for key, value in vars(report).items() if key != "files"}
    parts["files"] = "[\n  " + ",\n  ".join(map(encode, report.files)) + "\n ]"
    return "{\n" + ",\n".join(f' "{key}": {parts[key]}' for key in sorted(parts)) + "\n}\n"
