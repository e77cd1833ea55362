"""Breast percentile: two percentiles inside the breast become 0 and 65535, whole numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field
from scipy import ndimage

from config.base import Frozen
from harmonise.steps.breast import breast_in
from harmonise.steps.contract import Context, Step, refuse_quantitative
from harmonise.steps.statistics import spread
from harmonise.volume import Volume

__all__ = ["STEP", "BreastPercentileParams"]

FULL_SCALE = 65535
MARGIN_PIXELS = 5
"""Soft edge of a bright thing beside the breast (text, paddle) that is blanked with it."""


class BreastPercentileParams(Frozen):
    """Parameters of ``breast_percentile``."""

    low: float = Field(default=0.5, ge=0, lt=50)
    """Percentile inside the breast that becomes 0."""
    high: float = Field(default=99.5, gt=50, le=100)
    """Percentile inside the breast that becomes 65535."""


def _decide(volume: Volume, params: BreastPercentileParams, _context: Context) -> dict[str, Any]:
    refuse_quantitative(volume, "breast_percentile")
    breast = breast_in(volume.values[0])
    inside = volume.values[0][breast.mask].astype(np.float64)
    low, high = (float(v) for v in np.percentile(inside, (params.low, params.high)))
    return {
        "threshold": breast.threshold,
        "low": low,
        "scale": spread(high - low, "breast_percentile"),
        "breast_fraction": float(breast.mask.mean()),
    }


def _apply(volume: Volume, decided: dict[str, Any]) -> Volume:
    """Scale, cut to the full scale, and blank what is bright but not the breast."""
    breast = breast_in(volume.values[0], decided["threshold"])
    scaled = (volume.values[0].astype(np.float64) - decided["low"]) / decided["scale"]
    whole = np.rint(np.clip(scaled, 0.0, 1.0) * FULL_SCALE)
    if breast.elsewhere.any():
        grown = ndimage.binary_dilation(breast.elsewhere, iterations=MARGIN_PIXELS)
        whole[grown & ~breast.mask] = 0.0
    return volume.with_values(whole[np.newaxis].astype(np.float32), unit="1")


STEP = Step(
    name="breast_percentile",
    kind="intensity",
    params=BreastPercentileParams,
    decide=_decide,
    apply=_apply,
    derivation="PixelByPixelDivision",
)
