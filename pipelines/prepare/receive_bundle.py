"""Receive a bundle in the research zone: verify it, take its objects in, write its row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import delete

from config.errors import RejectedError
from config.files import link_or_copy, sha256_file, write_whole
from deid.keys import Keys, subject_of
from harmonise.vendor.harvest import passport_from_json
from pipelines.catalogue.database import Catalogue
from pipelines.catalogue.research import ResearchObject, SeriesResult, StudyRow
from pipelines.prepare.bundle import read_bundle
from pipelines.prepare.rekey import rekey
from pipelines.store import ResearchStore
from pipelines.withdraw.mark import is_withdrawn
from pipelines.withdraw.outcome import WITHDRAWN_ROW

__all__ = ["receive_bundle"]


def receive_bundle(
    store: ResearchStore,
    catalogue: Catalogue,
    path: Path,
    objects: Path,
    trusted: Ed25519PublicKey,
    subject_keys: Keys | None = None,
) -> None:
    """Take one study in; receiving the same bundle again changes nothing.

    The patient's token becomes the hub's subject, which the site cannot compute, and is not kept.
    Of a subject that withdrew from the project nothing is taken in but the row asked.

    Parameters
    ----------
    path : Path
        The bundle.
    objects : Path
        Folder that holds its objects as ``aa/<sha256>.dcm``.
    trusted : Ed25519PublicKey
        The sending site's key.
    subject_keys : Keys or None
        Keys of the project from the hub's own secret; None keeps the site's pseudonym.

    Raises
    ------
    RejectedError
        ``BUNDLE_NOT_TRUSTED`` or ``BUNDLE_INCOMPLETE`` (an object is missing or altered).
    """
    bundle = read_bundle(path, trusted)
    row = dict(bundle.row)
    token, pseudonym = row.pop("token", None), row["subject"]
    if subject_keys is not None and pseudonym is not None:
        if token is None:
            raise RejectedError("BUNDLE_INCOMPLETE", "no token")
        row["subject"] = subject_of(subject_keys, bytes.fromhex(token))
        if _is_opposed(catalogue, row, subject_keys):
            _write_rows(catalogue, {**row, **WITHDRAWN_ROW}, [], bundle.signature)
            return
    taken = [_take_in(store, objects, obj, pseudonym, row["subject"]) for obj in bundle.objects]
    for series_uid, passport in sorted(bundle.passports.items()):
        passport_from_json(passport)
        write_whole(store.passports / f"{series_uid}.json", _as_text(passport))
    _write_rows(catalogue, row, taken, bundle.signature)


def _is_opposed(catalogue: Catalogue, row: dict[str, Any], keys: Keys) -> bool:
    with catalogue.session() as session:
        return is_withdrawn(session, row["project"], keys, row["subject"])


def _take_in(
    store: ResearchStore, objects: Path, obj: dict[str, Any], pseudonym: str, subject: str
) -> dict[str, Any]:
    """Take an object in under its subject; return its row, with the digest it has here."""
    sha256, size = str(obj["sha256"]), int(obj["size"])
    target = store.object_path(sha256)
    if pseudonym == subject and target.exists() and target.stat().st_size == size:
        return obj
    source = objects / sha256[:2] / f"{sha256}.dcm"
    if not source.is_file() or sha256_file(source) != sha256:
        raise RejectedError("BUNDLE_INCOMPLETE", sha256[:12])
    if pseudonym == subject:
        link_or_copy(source, target)
        return obj
    partial, digest = rekey(source, target.parent, pseudonym, subject)
    size = partial.stat().st_size
    final = store.object_path(digest)
    final.parent.mkdir(parents=True, exist_ok=True)
    partial.replace(final)
    return {**obj, "sha256": digest, "size": size}


def _as_text(passport: dict[str, object]) -> bytes:
    import json

    return json.dumps(passport, sort_keys=True, indent=1).encode()


def _write_rows(
    catalogue: Catalogue, row: dict[str, Any], taken: list[dict[str, Any]], signature: str
) -> None:
    row_id = row["row_id"]
    with catalogue.session() as session:
        old = session.get(StudyRow, row_id)
        if old is not None and old.bundle == signature and old.subject == row["subject"]:
            return
        session.execute(delete(ResearchObject).where(ResearchObject.row_id == row_id))
        session.execute(delete(SeriesResult).where(SeriesResult.row_id == row_id))
        new = old or StudyRow(row_id=row_id)
        for name, value in row.items():
            setattr(new, name, value)
        new.bundle, new.result_key = signature, None
        session.add(new)
        session.flush()
        session.add_all(ResearchObject(row_id=row_id, **obj) for obj in taken)
