"""The record of how a volume was made: inputs, versions, every step; JSON, no identity."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from harmonise.encode.nifti import ras_affine
from harmonise.encode.private import canonical_json
from harmonise.grids import grid_to_json
from harmonise.planned import PlannedVolume, StudyPlan
from harmonise.slides.slide import Slide
from harmonise.steps.contract import Step
from harmonise.vendor.headers import dataset_digest
from harmonise.volume import Volume

__all__ = ["FORMAT", "StepRecord", "provenance_of", "step_record", "versions", "volume_digest"]

FORMAT = "accordage-provenance/1"

PACKAGES = (
    "SimpleITK",
    "accordage",
    "numpy",
    "opencv-python-headless",
    "pillow",
    "pydicom",
    "scipy",
)

REAL_VALUE_FACTS = frozenset({"adc_median", "adc_unit", "scaling", "suv", "t2_median", "t2_unit"})

StepRecord = dict[str, Any]


def volume_digest(volume: Volume | Slide) -> str:
    """Return the SHA-256 (hex) of values, grid and regions; NaN is written in one way.

    Of a slide the digest of its grid and its witness tiles: those of the result are in its quality
    record, every one.
    """
    if isinstance(volume, Slide):
        return volume.digest()
    digest = hashlib.sha256(canonical_json(grid_to_json(volume.grid)))
    values = volume.values
    unknown = np.isnan(values)
    if unknown.any():  # else a copy for each step of each volume would be for nothing
        values = np.where(unknown, np.float32(np.nan), values)
    digest.update(np.ascontiguousarray(values, dtype="<f4").data)
    for name in sorted(volume.regions):
        digest.update(name.encode())
        digest.update(np.packbits(volume.regions[name]).data)
    return digest.hexdigest()


def step_record(
    step: Step, params: dict[str, Any], decided: dict[str, Any], before: str, after: str
) -> StepRecord:
    """Return the record of one step that ran; ``before`` and ``after`` are volume digests."""
    return {
        "step": step.name,
        "version": step.version,
        "kind": step.kind,
        "params": params,
        "decided": decided,
        "input_sha256": before,
        "output_sha256": after,
    }


def provenance_of(
    plan: StudyPlan,
    planned: PlannedVolume,
    volume: Volume | Slide,
    records: Sequence[StepRecord],
    *,
    codes: Sequence[str],
    qc: dict[str, Any],
) -> dict[str, Any]:
    """Return the whole record of a volume, JSON-serialisable."""
    stack, geometry = planned.stack, planned.geometry
    return {
        "format": FORMAT,
        "volume_id": planned.volume_id,
        "study_uid": stack.study_uid,
        "source_series_uids": [stack.series_uid],
        "panel": stack.panel,
        "role": {
            "name": planned.role.name,
            "b_value": planned.role.b_value,
            "calculated": planned.role.calculated,
            "phase": planned.role.phase,
            "side": planned.side or None,
            "why": planned.role.why,
        },
        "choice": list(planned.log),
        "recipe": {
            "name": plan.recipe.name,
            "hash": plan.recipe_hash,
            "model_hash": plan.model_hash,
        },
        "versions": versions(),
        "geometry": {
            "verdict": geometry.verdict,
            "largest_error_mm": geometry.largest_error_mm,
            "native_grid": grid_to_json(geometry.grid) if geometry.grid else None,
            "correction": asdict(geometry.correction) if geometry.correction else None,
            "detail": geometry.detail,
        },
        "vendor_fields": [asdict(f) for f in (stack.passport.findings if stack.passport else ())],
        "real_values": _real_values(volume),
        "computed": volume.meta.get("computed"),
        "inputs": _inputs(planned),
        "steps": list(records),
        "output": {
            "grid": grid_to_json(volume.grid),
            # NIfTI-1 keeps its matrix in float32: these are the numbers it was rounded from
            "ras_affine_mm": ras_affine(volume.grid).tolist() if volume.grid.positioned else None,
            "unit": volume.unit,
            "quantitative": volume.quantitative,
            "sha256": records[-1]["output_sha256"] if records else volume_digest(volume),
        },
        "qc": qc,
        "codes": list(codes),
    }


def _real_values(volume: Volume | Slide) -> dict[str, Any]:
    """Return how stored values became real, as the reader of the pixels noted it."""
    return {key: volume.meta[key] for key in sorted(REAL_VALUE_FACTS & volume.meta.keys())}


def _inputs(planned: PlannedVolume) -> list[dict[str, Any]]:
    """Return every source frame with the SHA-256 of its object's bytes after the meta group."""
    frames = planned.stack.frames
    digests = {path: dataset_digest(path) for path in sorted({f.path for f in frames})}
    used = {(f.sop_instance_uid, f.frame_index + 1): digests[f.path] for f in frames}
    return [
        {"sop_uid": uid, "frame": number, "sha256": digest}
        for (uid, number), digest in sorted(used.items())
    ]


def versions() -> dict[str, str]:
    """Return the versions of the packages that compute the voxels."""
    return {package: _version(package) for package in PACKAGES}


@cache
def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
