"""De-identify: harvest vendor fields and identity, release each object, account for each refusal.

One job is one study: paths and keys in, digests and codes out, so that it runs anywhere the
identified zone's disk can be seen.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from config.errors import InconsistentSeries, RejectedError
from config.policy import Policy
from deid.engine import silence
from deid.keys import Keys, subject_of
from deid.looks import account_of
from pipelines.prepare.clean_pixels import PixelPlace
from pipelines.prepare.passports import passports_of, public_of, remapped
from pipelines.prepare.peek import Peek, Peeker, identity_of
from pipelines.prepare.release_files import Releaser, make_releaser
from pipelines.prepare.splice import digest_pieces, write_pieces
from pipelines.prepare.study_words import words_of
from pipelines.quiet import hush

__all__ = ["DeidJob", "DeidResult", "ObjectResult", "deidentify_study"]


@dataclass(frozen=True)
class DeidJob:
    """One study to de-identify: where its bytes lie, under which policy and keys."""

    row_id: str
    patient_id: str
    sources: tuple[tuple[str, str], ...]
    root: str
    outgoing: str
    pixels: PixelPlace
    policy: Policy
    keys: Keys
    token: bytes


@dataclass(frozen=True)
class ObjectResult:
    """What became of one object: a digest and its place, or a code."""

    source_sha256: str
    sha256: str | None = None
    path: str | None = None
    size: int = 0
    series_uid: str = ""
    sop_uid: str = ""
    code: str | None = None
    detail: str = ""
    pixels: str = ""


@dataclass(frozen=True)
class DeidResult:
    """One study de-identified."""

    subject: str
    study_uid: str | None
    objects: tuple[ObjectResult, ...]
    passports: dict[str, dict[str, Any]]
    unknown_words: tuple[str, ...] = field(default=(), repr=False)


def deidentify_study(job: DeidJob) -> DeidResult:
    """Release every object of a study that may be released.

    Raises
    ------
    InconsistentSeries
        ``PATIENT_MISMATCH`` when an object names another patient than the one asked for.
    """
    hush()
    root, peeker = Path(job.root), Peeker()
    seen = {sha256: peeker.peek(root / path, sha256) for sha256, path in job.sources}
    known = {sha256: peek for sha256, peek in seen.items() if peek.code is None}
    if any(peek.names.patient_id != job.patient_id for peek in known.values()):
        raise InconsistentSeries("PATIENT_MISMATCH")
    identity = identity_of(known.values())
    passports = passports_of(known.values())
    results = [
        ObjectResult(sha256, code=peek.code, detail=peek.detail)
        for sha256, peek in seen.items()
        if peek.code is not None
    ]
    study_uid = None
    releaser = make_releaser(job.policy, job.keys, job.token, identity, job.pixels)
    with silence(), releaser:
        releaser.look_for_faces([Path(peek.path) for peek in known.values()])
        for sha256, peek in known.items():
            public = public_of(peek, passports)
            result, new_study = _release(releaser, Path(job.outgoing), sha256, peek, public)
            results.append(result)
            study_uid = new_study or study_uid
    return DeidResult(
        subject_of(job.keys, job.token),
        study_uid,
        tuple(sorted(results, key=lambda r: r.source_sha256)),
        remapped(passports, [peek.sop_uid for peek in known.values()], job.keys),
        words_of(list(known.values()), job.policy, identity),
    )


def _release(
    releaser: Releaser, outgoing: Path, sha256: str, peek: Peek, public: Mapping[str, Any]
) -> tuple[ObjectResult, str]:
    """Release one object into the outgoing folder, with its study's new UID, or name why not."""
    source = Path(peek.path)
    try:
        made = releaser.release(source, public, is_plain=peek.is_plain)
        released = made.dataset
        digest = digest_pieces(made.source, released.pieces)
        place = f"{digest[:2]}/{digest}.dcm"
        target = outgoing / place
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            write_pieces(made.source, target, released.pieces, sync=True)
    except RejectedError as error:
        return ObjectResult(sha256, code=error.code, detail=error.detail), ""
    size = sum(map(len, released.pieces))
    done = ObjectResult(
        sha256,
        digest,
        place,
        size,
        released.series_uid,
        released.sop_uid,
        pixels=json.dumps(account_of(made.pixels), sort_keys=True),
    )
    return done, released.study_uid
