"""Release: refused until the sample is read, then an immutable, versioned folder."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import func, select

from config.errors import RejectedError
from config.files import disk_faults, link_or_copy, partial_of, sha256_file
from config.project import Project
from harmonise.manifest import ManifestRow
from harmonise.parquet import write_acquisitions, write_manifest
from pipelines.catalogue.research import Release
from pipelines.cohort.accounts import ProjectAccount, SeriesAccount, account_of
from pipelines.cohort.delivery.describe import write_crate, write_croissant
from pipelines.cohort.delivery.flow import flow_svg
from pipelines.cohort.delivery.omop import occurrences, write_occurrences
from pipelines.cohort.delivery.split import assign, write_split
from pipelines.cohort.gate import Gate
from pipelines.cohort.readme import release_readme
from pipelines.cohort.release_report import asked_rows, report_context
from pipelines.cohort.report import write_report
from pipelines.cohort.review import project_gate
from pipelines.cohort.twin_proof import PROOF, TwinProof, prove, seal_manifest
from pipelines.prepare.harmonise import acquisitions_in
from pipelines.prepare.models import ModelShelf
from pipelines.progress import StageAccount, timed
from pipelines.workspace import Workspace

__all__ = ["Released", "draft_report", "release"]

CHECKSUMS = "checksums.sha256"
"""One line a file, in the form ``sha256sum --check`` reads."""


@dataclass(frozen=True)
class Released:
    """A released version and where it lies."""

    project: str
    version: int
    folder: Path
    manifest_sha256: str
    new: bool


def release(ws: Workspace, project: Project) -> Released:
    """Write the next version of a cohort, or return the last one when nothing changed.

    Raises
    ------
    RejectedError
        ``RELEASE_REFUSED`` with the gate's reasons.
    IdentityLeak
        ``TWIN_LEAK`` when a planted string came through the project's policy; nothing is written.
    """
    gate = project_gate(ws.catalogue, project)
    if not gate.green:
        raise RejectedError("RELEASE_REFUSED", "; ".join(gate.reasons))
    with timed(StageAccount("release", project.name)) as account:
        content = account_of(ws.catalogue, project.name)
        inputs = _inputs(content, gate)
        last = _last(ws, project.name)
        if last is not None and last.gate.get("inputs") == inputs:
            account.skipped = 1
            folder = ws.research.root / last.folder
            found = Released(project.name, last.version, folder, last.manifest_sha256, new=False)
        else:
            version = (last.version if last else 0) + 1
            proof = prove(ws.policy(project), f"{project.name} v{version}")
            found = _write(ws, project, content, gate, version, proof)
            _record(ws, found, gate, inputs, simulated=content.simulated)
            account.done = 1
    ws.keep_account(account)
    return found


def draft_report(ws: Workspace, project: Project) -> Path:
    """Write the report of what would be released now, read or not; return its path."""
    gate = project_gate(ws.catalogue, project)
    content = account_of(ws.catalogue, project.name)
    folder = ws.research.cohorts(project.name) / "draft"
    folder.mkdir(parents=True, exist_ok=True)
    return write_report(folder, report_context(ws, project, 0, content, gate))


def _inputs(content: ProjectAccount, gate: Gate) -> str:
    """Return the digest of everything a release is made from."""
    facts = [
        [r.as_json() for r in content.rows],
        [[s.row_id, s.volume_id, s.folder, s.verdict, s.rejected] for s in content.series],
        gate.as_json(),
    ]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _last(ws: Workspace, project: str) -> Release | None:
    with ws.catalogue.session() as session:
        newest = session.scalar(select(func.max(Release.version)).where(Release.project == project))
        found = session.get(Release, (project, newest)) if newest else None
        if found is not None:
            session.expunge(found)
        return found


def _write(
    ws: Workspace,
    project: Project,
    content: ProjectAccount,
    gate: Gate,
    version: int,
    proof: TwinProof,
) -> Released:
    folder = ws.research.cohorts(project.name) / f"v{version}"
    partial = partial_of(folder)
    with disk_faults():
        for stale in (partial, folder):  # a folder without its row was never released
            shutil.rmtree(stale, ignore_errors=True)
        partial.mkdir(parents=True)
        rows = [_deliver(ws, project, series, partial) for series in content.series]
        write_manifest(rows, partial / "manifest.parquet")
        _deliver_models(ws, project, rows, partial)
        seal_manifest(partial / "manifest.parquet", proof)
        acquired = _acquired(ws, project, content)
        write_acquisitions(acquired, partial / "acquisitions.parquet")
        (partial / PROOF).write_text(proof.as_text(), encoding="utf-8")
        _write_requests(content, partial / "requests.parquet")
        text = release_readme(project, version, content, gate, proof.sentence())
        (partial / "README.md").write_text(text, encoding="utf-8")
        write_report(partial, report_context(ws, project, version, content, gate, proof.sentence()))
        write_occurrences(occurrences(rows, acquired), partial / "image_occurrence.parquet")
        _describe(project, version, content, partial)
        _write_checksums(partial)
        digest = sha256_file(partial / "manifest.parquet")
        for path in partial.rglob("*"):
            if path.is_file():
                path.chmod(0o444)
        partial.rename(folder)
    return Released(project.name, version, folder, digest, new=True)


def _deliver(ws: Workspace, project: Project, series: SeriesAccount, folder: Path) -> ManifestRow:
    """Bring one volume's files into the release; return its manifest row with release paths."""
    facts: dict[str, Any] = dict(series.manifest)
    facts["codes"] = list(facts["codes"])
    if not series.delivered:
        if series.volume_id is not None:
            facts |= {"verdict": "REJECT", "codes": [*facts["codes"], "REJECTED"]}
            facts |= {"nifti_path": None, "dicom_path": None}
        return ManifestRow(**facts)
    source = ws.research.volumes(project.name) / series.folder
    images = source / facts["dicom_path"]
    nifti = source / facts["nifti_path"] if facts["nifti_path"] else None
    # A slide has no NIfTI: it goes as DICOM whatever is asked for.
    formats = {*project.delivery.formats} if nifti else {"dicom"}
    # Provenance and coverage go with every format, coverage as DICOM with DICOM.
    files = {p for p in images.parent.glob(f"{images.name}.*") if p.is_file() and p != nifti}
    if "dicom" not in formats:
        files = {p for p in files if p.suffix != ".dcm"}
    if "nifti" in formats and nifti:
        files.add(nifti)
    if "dicom" in formats:
        files |= {p for p in images.rglob("*") if p.is_file()}
    for path in sorted(files):
        link_or_copy(path, folder / "data" / path.relative_to(source))
    for column, wanted in (("nifti_path", "nifti"), ("dicom_path", "dicom")):
        facts[column] = f"data/{facts[column]}" if wanted in formats else None
    return ManifestRow(**facts)


def _acquired(ws: Workspace, project: Project, content: ProjectAccount) -> list[dict[str, Any]]:
    """Return the acquisition row of every series that the manifest names."""
    volumes = ws.research.volumes(project.name)
    named = {uid for s in content.series for uid in s.manifest["source_series_uids"]}
    folders = sorted({s.folder for s in content.series})
    rows = [row for folder in folders for row in acquisitions_in(volumes / folder)]
    return [row for row in rows if row["series_uid"] in named]


def _deliver_models(
    ws: Workspace, project: Project, rows: Sequence[ManifestRow], folder: Path
) -> None:
    """Bring the models that the manifest names into the release, as ``models/<hash>.json``."""
    shelf = ModelShelf(ws.research.models(project.name))
    for digest in sorted({row.model_hash for row in rows if row.model_hash}):
        path = shelf.find(digest)
        if path is not None:
            link_or_copy(path, folder / "models" / f"{digest}.json")


def _describe(project: Project, version: int, content: ProjectAccount, folder: Path) -> None:
    """Write the split, the flow, and what describes the release: Croissant, RO-Crate."""
    if project.delivery.split is not None:
        sites: dict[str, set[str]] = defaultdict(set)
        for series in content.series:
            if series.delivered:
                sites[str(series.manifest["subject"])].add(series.site)
        seen = {subject: frozenset(of) for subject, of in sites.items()}
        write_split(assign(seen, project.delivery.split, project.name), folder / "split.parquet")
    (folder / "flow.svg").write_text(flow_svg(asked_rows(content)), encoding="utf-8")
    today = datetime.now(UTC).date()
    write_croissant(folder, project, version, today)
    write_crate(folder, project, version, today)


def _write_requests(content: ProjectAccount, path: Path) -> None:
    """Write one row for every study asked, delivered or not."""
    text, number = pa.string(), pa.int64()
    lists = pa.list_(pa.string())
    kinds = {"expected": number, "received": number, "volumes": number}
    kinds |= {"quarantined": lists, "refused_series": lists}
    records = [row.as_json() for row in content.rows]
    names = list(records[0]) if records else ["row_id"]
    schema = pa.schema([(name, kinds.get(name, text)) for name in names])
    pq.write_table(pa.Table.from_pylist(records, schema=schema), path)


def _write_checksums(folder: Path) -> None:
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    lines = [f"{sha256_file(p)}  {p.relative_to(folder).as_posix()}\n" for p in files]
    (folder / CHECKSUMS).write_text("".join(lines), encoding="utf-8")


def _record(ws: Workspace, found: Released, gate: Gate, inputs: str, *, simulated: bool) -> None:
    with ws.catalogue.session() as session:
        session.add(
            Release(
                project=found.project,
                version=found.version,
                manifest_sha256=found.manifest_sha256,
                folder=str(found.folder.relative_to(ws.research.root)),
                released_at=datetime.now(UTC),
                gate={**gate.as_json(), "inputs": inputs},
                simulated=simulated,
            )
        )
