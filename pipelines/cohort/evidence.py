"""What readers said, as DICOM: a structured report a read, a rejection note a rejected series.

Comprehensive SR with TID 1500 and 1501 (PS3.16), Key Object Selection with the title 113001
"Rejected for Quality Reasons" (PS3.16 CID 7011, IHE IOCM). The catalogue stays the truth: these
are copies for archives that act on them. Readers are named R1, R2, ... in the order of their first
read.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from highdicom.ko import KeyObjectSelection, KeyObjectSelectionDocument
from highdicom.sr import (
    ComprehensiveSR,
    MeasurementReport,
    MeasurementsAndQualitativeEvaluations,
    ObservationContext,
    ObserverContext,
    PersonObserverIdentifyingAttributes,
    QualitativeEvaluation,
    SourceImageForMeasurementGroup,
    TrackingIdentifier,
)
from pydicom import Dataset, dcmread
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from sqlalchemy import select

from harmonise.encode.multiframe import ready
from harmonise.uids import evidence_uid
from pipelines.catalogue.research import Decision, Pack, SeriesResult
from pipelines.workspace import Workspace

__all__ = ["write_evidence"]

SCHEME = "99ACCORDAGE"
SERIES_NUMBER = 9001
"""Series number of the documents, away from those of images."""

OF_NOW = ("InstanceCreationDate", "InstanceCreationTime", "ContributingEquipmentSequence")
"""What highdicom adds with the time of now."""

WORDS = {"accept": "Accepted", "reject": "Rejected"}
TASK = Code("acceptance", SCHEME, "Harmonised volume against its original")
VERDICT = Code("verdict", SCHEME, "Verdict")
REASON = Code("reason", SCHEME, "Reason")


@dataclass(frozen=True)
class _Read:
    """One decision with the objects it is about."""

    decision: Decision
    volume_id: str
    reader: str
    folder: Path


def write_evidence(ws: Workspace, project: str, out: Path) -> dict[str, int]:
    """Write the documents of a project's reads under ``out/<volume_id>/``; return their numbers.

    Simulated reads have none. Equal reads give equal bytes.
    """
    counted = {"reports": 0, "rejections": 0}
    for read in _reads(ws, project):
        images = _images(read.folder)
        if not images:
            continue
        target = out / read.volume_id
        target.mkdir(parents=True, exist_ok=True)
        stem = f"{read.decision.decision_id:06d}"
        with warnings.catch_warnings():
            # A pseudonym has one component, which highdicom takes for a name badly written.
            warnings.simplefilter("ignore", UserWarning)
            _save(_report(read, images), target / f"{stem}.sr.dcm")
            counted["reports"] += 1
            if read.decision.verdict == "reject":
                _save(_rejection(read, images), target / f"{stem}.ko.dcm")
                counted["rejections"] += 1
    return counted


def _reads(ws: Workspace, project: str) -> Iterable[_Read]:
    chosen = select(Decision).where(Decision.project == project).order_by(Decision.decision_id)
    with ws.catalogue.session() as session:
        decisions = session.scalars(chosen).all()
        packs = session.scalars(select(Pack).where(Pack.project == project)).all()
        rows = session.scalars(select(SeriesResult).where(SeriesResult.project == project)).all()
        session.expunge_all()
    volume_of = {pack.sha256: pack.volume_id for pack in packs}
    folder_of = {
        row.volume_id: ws.research.volumes(project) / row.folder / str(row.manifest["dicom_path"])
        for row in rows
        if row.volume_id and row.manifest.get("dicom_path")
    }
    names: dict[str, str] = {}
    for decision in decisions:
        if decision.simulated:
            continue
        reader = names.setdefault(decision.reader, f"R{len(names) + 1}^")
        volume = volume_of.get(decision.pack_sha256)
        if volume in folder_of:
            yield _Read(decision, str(volume), reader, folder_of[volume])


def _images(folder: Path) -> list[Dataset]:
    paths = [folder] if folder.is_file() else sorted(folder.rglob("*.dcm"))
    return [ready(dcmread(path, stop_before_pixels=True)) for path in paths]


def _report(read: _Read, images: list[Dataset]) -> Dataset:
    decision = read.decision
    said = [QualitativeEvaluation(VERDICT, Code(decision.verdict, SCHEME, WORDS[decision.verdict]))]
    said += [QualitativeEvaluation(REASON, Code(r, SCHEME, r)) for r in decision.reasons]
    group = MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(
            uid=evidence_uid("tracking", read.volume_id), identifier=read.volume_id
        ),
        finding_type=TASK,
        qualitative_evaluations=said,
        source_images=[
            SourceImageForMeasurementGroup(one.SOPClassUID, one.SOPInstanceUID) for one in images
        ],
    )
    content = MeasurementReport(
        observation_context=ObservationContext(observer_person_context=_observer(read)),
        procedure_reported=Code("quality-control", SCHEME, "Quality control of harmonisation"),
        imaging_measurements=[group],
        title=codes.DCM.ImagingMeasurementReport,
    )
    return ComprehensiveSR(
        evidence=images, content=content[0], is_complete=True, **_about(read, "report")
    )


def _rejection(read: _Read, images: list[Dataset]) -> Dataset:
    content = KeyObjectSelection(
        document_title=codes.DCM.RejectedForQualityReasons,
        referenced_objects=images,
        observer_person_context=_observer(read),
        description=", ".join(read.decision.reasons),
    )
    return KeyObjectSelectionDocument(evidence=images, content=content, **_about(read, "rejection"))


def _observer(read: _Read) -> ObserverContext:
    return ObserverContext(
        observer_type=codes.DCM.Person,
        observer_identifying_attributes=PersonObserverIdentifyingAttributes(name=read.reader),
    )


def _about(read: _Read, kind: str) -> dict[str, Any]:
    decision = read.decision
    facts = (kind, decision.project, decision.pack_sha256, str(decision.decision_id))
    return {
        "series_instance_uid": evidence_uid("series", kind, read.volume_id),
        "series_number": SERIES_NUMBER + (kind == "rejection"),
        "sop_instance_uid": evidence_uid(*facts),
        "instance_number": decision.decision_id,
        "manufacturer": "Accordage",
        "content_date": decision.decided_at.strftime("%Y%m%d"),
        "content_time": decision.decided_at.strftime("%H%M%S"),
    }


def _save(document: Dataset, path: Path) -> None:
    """Write a document without the moment of writing."""
    for keyword in (
        "InstanceCreationDate",
        "InstanceCreationTime",
        "ContributingEquipmentSequence",
    ):
        if keyword in document:
            delattr(document, keyword)
    document.save_as(path, enforce_file_format=True)
