"""What acquisitions.parquet says of mammograms and ultrasound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from harmonise.series import Stack
from harmonise.views import view_of

__all__ = ["breast_row", "ultrasound_row"]

Row = dict[str, Any]

BREAST_NUMBERS = {
    "breast_thickness_mm": "BodyPartThickness",
    "compression_force_n": "CompressionForce",
    "entrance_dose_mgy": "EntranceDoseInmGy",
    "magnification_factor": "EstimatedRadiographicMagnificationFactor",
}
BREAST_WORDS = {
    "implant": "BreastImplantPresent",
    "anode": "AnodeTargetMaterial",
    "filter": "FilterMaterial",
}
ULTRASOUND_NUMBERS = {
    "mechanical_index": "MechanicalIndex",
    "thermal_index": "SoftTissueThermalIndex",
    "depth_of_scan_mm": "DepthOfScanField",
    "frame_time_ms": "FrameTime",
}


def breast_row(stacks: Sequence[Stack]) -> Row:
    """Return view, exposure and what a density measurement must know; None off mammography."""
    header = stacks[0].header
    is_breast = stacks[0].modality == "MG"
    views = [view_of(stack.header) for stack in stacks] if is_breast else []
    kind, sign = (
        header.get("PixelIntensityRelationship"),
        header.get("PixelIntensityRelationshipSign"),
    )
    said = f"{kind} {sign}".removesuffix(" None") if is_breast and kind else None
    return {
        "laterality": _one({view.side for view in views}),
        "view": _one({view.view for view in views}),
        **{
            name: _number(header, key) if is_breast else None
            for name, key in BREAST_NUMBERS.items()
        },
        **{name: _word(header, key) if is_breast else None for name, key in BREAST_WORDS.items()},
        "pixel_intensity_relationship": said,
        "pixel_spacing_where": header.get("PixelSpacingSource"),
    }


def ultrasound_row(stacks: Sequence[Stack]) -> Row:
    """Return what the probe was set to; None off ultrasound."""
    header = stacks[0].header
    is_ultrasound = stacks[0].modality == "US"
    row: Row = {
        name: _number(header, key) if is_ultrasound else None
        for name, key in ULTRASOUND_NUMBERS.items()
    }
    row["transducer_raw"] = _word(header, "TransducerData") if is_ultrasound else None
    region = stacks[0].frames[0].region
    return row | ({"pixel_spacing_where": region.why} if region is not None else {})


def _one(found: set[str]) -> str | None:
    return found.pop() or None if len(found) == 1 else None


def _number(header: Mapping[str, Any], keyword: str) -> float | None:
    value = header.get(keyword)
    return float(value) if isinstance(value, (int, float)) and np.isfinite(value) else None


def _word(header: Mapping[str, Any], keyword: str) -> str | None:
    value = header.get(keyword)
    if value is None:
        return None
    parts = value if isinstance(value, list) else [value]
    return "\\".join(str(part) for part in parts if part is not None) or None
