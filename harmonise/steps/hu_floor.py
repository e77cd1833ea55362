"""HU floor: what a CT writes below air, and where it computed nothing, becomes air.

Only within its images: what none of them covered was not measured and stays so.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from config.base import Frozen
from config.errors import InconsistentSeries
from harmonise.steps.contract import Context, Step
from harmonise.volume import Volume

__all__ = ["STEP", "HuFloorParams"]

AIR_HU = (-1100.0, -850.0)
"""Where the darkest hundredth of a CT lies: the air around a body or in it is about -1000."""


class HuFloorParams(Frozen):
    """Parameters of ``hu_floor``."""

    floor_hu: float = Field(default=-1024.0, ge=-1100, le=-1000)
    """Value of everything below it, and of padding."""


def _decide(volume: Volume, params: HuFloorParams, _context: Context) -> dict[str, Any]:
    """Count what is below, and look where the darkest hundredth of the rest lies."""
    if volume.unit != "[hnsf'U]":
        raise InconsistentSeries("CT_NOT_HU", f"step hu_floor on values in {volume.unit}")
    measured = volume.values[np.isfinite(volume.values)]
    if not measured.size:
        raise InconsistentSeries("VOLUME_EMPTY", "no voxel holds a measurement")
    above = np.maximum(measured, params.floor_hu)
    return {
        "floor_hu": params.floor_hu,
        "below": int((measured < params.floor_hu).sum()),
        "padding": int((_within(volume) & ~np.isfinite(volume.values)).sum()),
        "darkest_hundredth_hu": float(np.percentile(above, 1)),
    }


def _apply(volume: Volume, decided: dict[str, Any]) -> Volume:
    floor = np.float32(decided["floor_hu"])
    values = np.maximum(volume.values, floor)  # NaN stays NaN
    values[_within(volume) & ~np.isfinite(values)] = floor
    return volume.with_values(values, coverage=volume.field_of_view)


def _within(volume: Volume) -> NDArray[np.bool_]:
    everywhere = np.ones(volume.values.shape, dtype=np.bool_)
    return everywhere if volume.field_of_view is None else volume.field_of_view


def _flags(decided: dict[str, Any]) -> tuple[str, ...]:
    low, high = AIR_HU
    return () if low <= decided["darkest_hundredth_hu"] <= high else ("CT_AIR_UNUSUAL",)


STEP = Step(
    name="hu_floor",
    kind="geometry",
    params=HuFloorParams,
    decide=_decide,
    apply=_apply,
    flags=_flags,
    reads_values=True,
    derivation="PixelByPixelMaximum",
)
