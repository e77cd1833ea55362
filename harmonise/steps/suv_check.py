"""SUV check: flags PET values that no uptake looks like; changes nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from config.base import Frozen
from config.errors import InconsistentSeries
from harmonise.steps.contract import Context, Step
from harmonise.vendor.suv import SUV_BW
from harmonise.volume import Volume

__all__ = ["STEP", "SuvCheckParams"]


class SuvCheckParams(Frozen):
    """Parameters of ``suv_check``."""

    largest_negative_share: float = Field(default=0.05, ge=0, le=1)
    """Share of voxels below 0 that a reconstruction may leave."""
    mean_in_body: tuple[float, float] = (0.1, 10.0)
    """Plausible mean of the voxels above a tenth: far below or above it the scale is wrong."""


def _decide(volume: Volume, params: SuvCheckParams, _context: Context) -> dict[str, Any]:
    if volume.unit != SUV_BW:
        raise InconsistentSeries("PT_UNITS_UNSUPPORTED", f"step suv_check on {volume.unit}")
    measured = volume.values[np.isfinite(volume.values)]
    if not measured.size:
        raise InconsistentSeries("VOLUME_EMPTY", "no voxel holds a measurement")
    body = measured[measured > 0.1]
    return {
        "negative_share": float((measured < 0).mean()),
        "mean_in_body": float(body.mean(dtype=np.float64)) if body.size else 0.0,
        "largest": float(measured.max()),
        "limits": params.model_dump(mode="json"),
    }


def _flags(decided: dict[str, Any]) -> tuple[str, ...]:
    limits = decided["limits"]
    low, high = limits["mean_in_body"]
    flags = []
    if decided["negative_share"] > limits["largest_negative_share"]:
        flags.append("PT_NEGATIVE_VALUES")
    if not low <= decided["mean_in_body"] <= high:
        flags.append("PT_SUV_UNUSUAL")
    return tuple(flags)


STEP = Step(
    name="suv_check",
    kind="geometry",
    params=SuvCheckParams,
    decide=_decide,
    apply=lambda volume, _decided: volume,
    flags=_flags,
    reads_values=True,
    derivation="",
)
