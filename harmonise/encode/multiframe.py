"""What our multi-frame objects share: highdicom builds them, we say when, whose and from what."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.valuerep import DA, TM

from harmonise.encode.derived import Labels, uid_of
from harmonise.encode.modules import write_equipment
from harmonise.encode.private import write_block
from harmonise.series import Stack
from harmonise.uids import implementation_uid
from harmonise.volume import Grid

__all__ = ["common", "finish", "ready", "slices_of_frames"]

NEEDED = (
    "AccessionNumber",
    "PatientBirthDate",
    "PatientID",
    "PatientName",
    "PatientSex",
    "ReferringPhysicianName",
    "StudyDate",
    "StudyID",
    "StudyTime",
)
"""Type 2 attributes that highdicom reads without asking whether they are there."""

DATED: tuple[tuple[str, type[DA | TM]], ...] = (
    ("PatientBirthDate", DA),
    ("StudyDate", DA),
    ("StudyTime", TM),
)
"""Of these, what highdicom reads."""

CONTENT_DATES = ("ContentDate", "AcquisitionDate", "SeriesDate", "StudyDate")
CONTENT_TIMES = ("ContentTime", "AcquisitionTime", "SeriesTime", "StudyTime")
NO_DATE, NO_TIME = "19000101", "000000"
"""ContentDate is of type 1 here: where de-identification left no date, one that is none (PS3.15
E.1-1, action D)."""

CARRIED = (
    "BodyPartExamined",
    "DeidentificationMethod",
    "DeidentificationMethodCodeSequence",
    "LongitudinalTemporalInformationModified",
    "PatientIdentityRemoved",
    "PositionReferenceIndicator",
)
"""Of the source, beside what highdicom takes over of patient and study."""


def ready(source: Dataset) -> Dataset:
    """Return a source's header with the empty attributes that highdicom must find."""
    for keyword in NEEDED:
        if keyword not in source:
            setattr(source, keyword, "")
    for keyword, kind in DATED:
        setattr(source, keyword, _readable(str(source.get(keyword)), kind))
    return source


def _readable(said: str, kind: type[DA | TM]) -> str:
    """Return a date or time that can be read, else none.

    Those of ACR-NEMA have stops and colons (PS3.5 6.2, notes on DA and TM); some are no date.
    """
    said = said.replace(".", "", 2 if kind is DA else 0).replace(":", "")
    try:
        kind(said)
    except ValueError:
        return ""
    return said


def common(source: Dataset, stack: Stack, labels: Labels, kind: str) -> dict[str, Any]:
    """Return the arguments every highdicom object takes from us; ``kind`` names its UIDs.

    Dates stay those of the source, never those of the computation.
    """
    return {
        "series_instance_uid": uid_of(stack, labels, f"{kind} series"),
        "sop_instance_uid": uid_of(stack, labels, kind),
        "series_number": max(1, int(source.get("SeriesNumber") or 1)),
        "instance_number": 1,
        "manufacturer": "Accordage",
        "manufacturer_model_name": "harmonise",
        "software_versions": version("accordage"),
        "device_serial_number": "none",
        "series_description": f"{labels.role} {labels.recipe} {kind}"[:64],
        "content_date": _first(source, CONTENT_DATES) or NO_DATE,
        "content_time": _first(source, CONTENT_TIMES) or NO_TIME,
    }


def _first(source: Dataset, keywords: tuple[str, ...]) -> str:
    return next((str(source.get(k)) for k in keywords if source.get(k)), "")


def finish(
    ds: Dataset, source: Dataset, stack: Stack, labels: Labels, kind: str, record: bytes
) -> None:
    """Take out the time of now and random UIDs; add what makes the object ours."""
    for keyword in ("InstanceCreationDate", "InstanceCreationTime"):
        if keyword in ds:
            delattr(ds, keyword)
    for keyword in ("SeriesDate", "SeriesTime", *CARRIED):
        if source.get(keyword) not in (None, ""):
            setattr(ds, keyword, source[keyword].value)
    dimension = uid_of(stack, labels, f"{kind} dimensions")
    for sequence in ("DimensionOrganizationSequence", "DimensionIndexSequence"):
        for item in ds.get(sequence) or []:
            item.DimensionOrganizationUID = dimension
    ds.file_meta.ImplementationClassUID = implementation_uid()
    # highdicom adds its own item, with the time of now
    ds.ContributingEquipmentSequence = DicomSequence(
        list(source.get("ContributingEquipmentSequence") or [])
    )
    write_equipment(ds)
    write_block(ds, record, recipe_hash=labels.recipe_hash, volume_id=labels.volume_id)


def slices_of_frames(ds: Dataset, grid: Grid) -> list[int]:
    """Return for every frame the slice of ``grid`` it is: highdicom sorts frames by position.

    Images without a place stay in the order they were given.
    """
    if not grid.positioned:
        return list(range(grid.shape[0]))
    step = np.asarray(grid.direction[0]) * (grid.spacing_mm[0] or 1.0)
    found = []
    for group in ds.PerFrameFunctionalGroupsSequence:
        place = np.asarray(group.PlanePositionSequence[0].ImagePositionPatient, dtype=np.float64)
        along = float(np.dot(place - np.asarray(grid.origin_mm), step) / np.dot(step, step))
        found.append(round(along))
    return found
