"""Low-b scale: divide every b-value of a diffusion series by the signal of its lowest one.

One factor a series keeps the ratios between b-values, so an ADC fitted afterwards is unchanged.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import PositiveFloat

from config.base import Frozen
from harmonise.histogram import spread
from harmonise.steps.contract import Context, Step, refuse_quantitative
from harmonise.steps.statistics import measured_values
from harmonise.volume import Volume

__all__ = ["STEP", "LowBScaleParams"]


class LowBScaleParams(Frozen):
    """Parameters of ``low_b_scale``."""

    box_mm: tuple[PositiveFloat, PositiveFloat, PositiveFloat] | None = None
    """Box (slice, row, column) about the centre that is measured; none takes every voxel."""


def _decide(volume: Volume, params: LowBScaleParams, context: Context) -> dict[str, Any]:
    """Reuse the series' factor; the first volume of a series (its lowest b) sets it."""
    refuse_quantitative(volume, "low_b_scale")
    series_uid = context.stack.series_uid if context.stack else ""
    known = context.earlier.get(f"low_b_scale:{series_uid}")
    if known:
        return dict(known)
    signal = float(np.median(measured_values(volume, params.box_mm)))
    b_value = context.stack.b_value if context.stack else None
    return {"scale": spread(signal, "low_b_scale"), "b_value_of_scale": b_value}


def _apply(volume: Volume, decided: dict[str, Any]) -> Volume:
    return volume.with_values(volume.values / np.float32(decided["scale"]), unit="1")


STEP = Step(
    name="low_b_scale",
    kind="intensity",
    params=LowBScaleParams,
    decide=_decide,
    apply=_apply,
    derivation="PixelByPixelDivision",
)
