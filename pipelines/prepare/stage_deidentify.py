"""The stage that de-identifies what has been acquired and hands it to the research zone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import delete, select

from config.base import fingerprint
from config.errors import AccordageError
from config.policy import Policy
from config.project import Project
from config.site import Site
from config.version import code_version
from deid.keys import Keys, derive_keys
from pipelines.acquire.resolve import SETTLED
from pipelines.catalogue import identified as table
from pipelines.prepare.bundle import sign_key, write_bundle
from pipelines.prepare.clean_pixels import PixelPlace
from pipelines.prepare.deidentify import DeidJob, DeidResult, deidentify_study
from pipelines.prepare.fill_vault import fill_vault
from pipelines.prepare.receive_bundle import receive_bundle
from pipelines.prepare.tokens import Patient, patient_tokens
from pipelines.prepare.vocabulary import note_words, with_words, words_file
from pipelines.progress import StageAccount, timed
from pipelines.workspace import Workspace

__all__ = ["deidentify"]


@dataclass(frozen=True)
class _Todo:
    """One row with its sources and the key its result will have."""

    row: dict[str, Any]
    sources: tuple[tuple[str, str], ...]
    conflict: bool
    key: str
    done: bool
    token: bytes = field(repr=False)


def deidentify(ws: Workspace, project: Project, site: Site) -> StageAccount:
    """De-identify every complete row of a project at a site, and hand over every row.

    A row whose key (inputs, policy, keys, code version) is known and whose output is in place is
    skipped. Rows that were not delivered are handed over too, with their outcome.
    """
    words = words_file(ws.identified.root, site.name)
    policy = with_words(ws.policy(project), words)
    keys = derive_keys(ws.project_secret(project.name), project.name)
    with timed(StageAccount("deidentify", project.name, site.name)) as account:
        todo = _todo(ws, project, site, policy, keys)
        ws.progress.begin("deidentify", len(todo))
        jobs = {}
        for item in todo:
            if item.done:
                account.skipped += 1
            elif item.conflict:
                _close(ws, item, "SOP_UID_CONFLICT", account)
            elif item.row["outcome"] in SETTLED:
                jobs[item.row["row_id"]] = item
                continue
            else:
                _hand_over(ws, item, {}, item.key)
            ws.progress.advance("deidentify")
        made = [_job(ws, item, policy, keys) for item in jobs.values()]
        for job, result in ws.engine.run(deidentify_study, made):
            _keep(ws, jobs[job.row_id], result, account)
            if isinstance(result, DeidResult):
                note_words(words, [result.unknown_words])
            ws.progress.advance("deidentify")
        _fill(ws, project, site, keys, todo)
    ws.keep_account(account)
    return account


def _fill(ws: Workspace, project: Project, site: Site, keys: Keys, todo: list[_Todo]) -> None:
    tokens = {_patient(item.row, site): item.token for item in todo}
    files: dict[Patient, list[str]] = {}
    for item in todo:
        if item.row["outcome"] in SETTLED:
            paths = [path for _, path in item.sources]
            files.setdefault(_patient(item.row, site), []).extend(paths)
    fill_vault(ws, project, site, keys, tokens, files)


def _todo(ws: Workspace, project: Project, site: Site, policy: Policy, keys: Keys) -> list[_Todo]:
    known = [fingerprint(policy), *map(fingerprint, ws.signatures())]
    salt = ":".join([*known, code_version(), hashlib.sha256(keys.uid).hexdigest()])
    row, obj = table.RequestRow, table.ReceivedObject
    gathered: list[tuple[dict[str, Any], list[table.ReceivedObject]]] = []
    with ws.ledger.session() as session:
        rows = session.scalars(
            select(row)
            .where(row.project == project.name, row.site == site.name)
            .order_by(row.row_id)
        ).all()
        for r in rows:
            wanted = select(table.ExpectedInstance.sop_uid).where(
                table.ExpectedInstance.row_id == r.row_id
            )
            found = session.scalars(
                select(obj).where(
                    obj.site == site.name, obj.study_uid == r.study_uid, obj.sop_uid.in_(wanted)
                )
            ).all()
            gathered.append(({c.name: getattr(r, c.name) for c in r.__table__.columns}, [*found]))
        session.expunge_all()
    tokens = patient_tokens(ws, site, _files(gathered, site))
    return [_one(facts, found, salt, tokens[_patient(facts, site)]) for facts, found in gathered]


def _patient(facts: dict[str, Any], site: Site) -> Patient:
    return Patient(facts["issuer"] or site.name, facts["patient_id"])


def _files(
    gathered: Iterable[tuple[dict[str, Any], list[table.ReceivedObject]]], site: Site
) -> dict[Patient, list[str]]:
    """Return one object of each series of each patient: what the traits are read from."""
    files: dict[Patient, list[str]] = {}
    for facts, found in gathered:
        first = {o.series_uid: o.path for o in sorted(found, key=lambda o: o.sha256, reverse=True)}
        files.setdefault(_patient(facts, site), []).extend(sorted(first.values()))
    return files


def _one(
    facts: dict[str, Any], found: list[table.ReceivedObject], salt: str, token: bytes
) -> _Todo:
    sources = tuple(sorted((o.sha256, o.path) for o in found))
    who = hashlib.sha256(token).hexdigest()
    text = ":".join([salt, facts["outcome"], who, *(s for s, _ in sources)])
    key = hashlib.sha256(text.encode()).hexdigest()
    conflict = any(o.conflict for o in found)
    return _Todo(facts, sources, conflict, key, facts["deid_key"] == key, token)


def _job(ws: Workspace, item: _Todo, policy: Policy, keys: Keys) -> DeidJob:
    return DeidJob(
        row_id=item.row["row_id"],
        patient_id=item.row["patient_id"],
        sources=item.sources,
        root=str(ws.identified.root),
        outgoing=str(ws.identified.outgoing),
        pixels=PixelPlace(str(ws.identified.scratch), str(ws.identified.faces), ws.signatures()),
        policy=policy,
        keys=keys,
        token=item.token,
    )


def _close(ws: Workspace, item: _Todo, code: str, account: StageAccount) -> None:
    """Quarantine a whole row with a code; one that killed its worker is tried on the next run."""
    with ws.ledger.session() as session:
        row = session.get_one(table.RequestRow, item.row["row_id"])
        row.code = code
    account.refuse(code)
    _hand_over(ws, item, {}, None if code == "WORKER_KILLED" else item.key)


def _keep(
    ws: Workspace, item: _Todo, result: DeidResult | AccordageError, account: StageAccount
) -> None:
    """Write what became of a study's objects, then hand the study over."""
    if isinstance(result, AccordageError):
        _close(ws, item, result.code, account)
        return
    account.done += 1
    row_id = item.row["row_id"]
    with ws.ledger.session() as session:
        session.execute(delete(table.ReleasedObject).where(table.ReleasedObject.row_id == row_id))
        for obj in result.objects:
            facts = asdict(obj)
            session.add(
                table.ReleasedObject(
                    row_id=row_id,
                    **{k: facts[k] for k in facts if k not in {"series_uid", "sop_uid"}},
                )
            )
            if obj.code is not None:
                account.refuse(obj.code)
        row = session.get_one(table.RequestRow, row_id)
        row.subject, row.research_study_uid, row.code = result.subject, result.study_uid, None
        if all(o.code for o in result.objects):
            row.code = next((o.code for o in result.objects), "STUDY_NOT_DELIVERED")
    objects = [o for o in result.objects if o.code is None]
    _hand_over(
        ws,
        item,
        {"objects": objects, "passports": result.passports, "all": result.objects},
        item.key,
    )


def _hand_over(ws: Workspace, item: _Todo, made: dict[str, Any], key: str | None) -> None:
    """Sign a bundle for the row, let the research zone receive it, and only then mark it done."""
    row_id, objects = item.row["row_id"], made.get("objects", [])
    quarantined: dict[str, int] = {}
    for obj in made.get("all", ()):
        if obj.code is not None:
            quarantined[obj.code] = quarantined.get(obj.code, 0) + 1
    with ws.ledger.session() as session:
        row = session.get_one(table.RequestRow, row_id)
        outcome = row.outcome
        if row.outcome in SETTLED:
            outcome = "deidentified" if objects else "quarantined"
        facts = {
            "row_id": row_id,
            "project": row.project,
            "site": row.site,
            "subject": row.subject if objects else None,
            "token": item.token.hex() if objects else None,
            "study_uid": row.research_study_uid if objects else None,
            "outcome": outcome,
            "code": row.code,
            "detail": row.detail,
            "expected": row.expected,
            "received": row.received,
            "quarantined": quarantined,
            "acquired_as": row.outcome,
        }
    listed = [
        {"sha256": o.sha256, "series_uid": o.series_uid, "sop_uid": o.sop_uid, "size": o.size}
        for o in objects
    ]
    signing = sign_key(ws.signing_seed)
    path = write_bundle(ws.identified.bundles, signing, facts, listed, made.get("passports", {}))
    hub = derive_keys(ws.hub_secret(facts["project"]), facts["project"])
    receive_bundle(
        ws.research, ws.catalogue, path, ws.identified.outgoing, signing.public_key(), hub
    )
    with ws.ledger.session() as session:
        session.get_one(table.RequestRow, row_id).deid_key = key
