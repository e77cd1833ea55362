"""Breast mask: find the breast, make all else black, and say what in it is not tissue."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy import ndimage

from config.base import Frozen
from harmonise.steps.breast import breast_in, chest_wall_side, coarse_of
from harmonise.steps.contract import Context, Step, refuse_quantitative
from harmonise.volume import Volume

__all__ = ["STEP", "BreastMaskParams"]

OBJECT_PIXELS = 13
"""Width, in pixels of the coarse picture (about 6 mm), of what is too large to be a clip."""

OBJECT_SHARE = 0.7
"""Metal stands out of its surroundings by this share of the breast's range."""

OBJECT_MARGIN = 0.02
"""Of the columns at either side: what lies there is cut off by the detector's edge."""

RIM_PIXELS = 3
"""Of the mask's rim, in pixels of the coarse picture: a paddle that was cut off may show there."""

IMPLANT_LEVEL = 0.97
IMPLANT_SHARE = 0.08
"""An implant is a part of the breast larger than this share and evenly near its brightest."""


class BreastMaskParams(Frozen):
    """Parameters of ``breast_mask``."""

    fractions: tuple[float, float] = (0.05, 0.8)
    """Least and largest share of the image that a breast fills; beyond them it is flagged."""
    background: float = Field(default=0.0)
    """Value of everything outside the breast: the presentation minimum."""


def _decide(volume: Volume, params: BreastMaskParams, _context: Context) -> dict[str, Any]:
    refuse_quantitative(volume, "breast_mask")
    small, _ = coarse_of(volume.values[0])
    found = breast_in(small)
    inside = found.mask
    fraction = float(inside.mean())
    low, high = params.fractions
    return {
        "threshold": found.threshold,
        "background": params.background,
        "breast_fraction": fraction,
        "unusual": not low <= fraction <= high or chest_wall_side(inside) is None,
        "bright_objects": _objects(small, inside),
        "implant_share": _implant(small, inside),
    }


def _objects(image: NDArray[np.float32], inside: NDArray[np.bool_]) -> int:
    """Count small things far brighter than what is around them: clips, skin markers, wires."""
    low, high = np.percentile(image[inside], (0.5, 99.5))
    around = ndimage.grey_opening(image, size=(OBJECT_PIXELS, OBJECT_PIXELS))
    deep = ndimage.binary_erosion(inside, iterations=RIM_PIXELS, border_value=1)
    stands_out = (image - around > OBJECT_SHARE * (high - low)) & deep
    margin = max(1, round(OBJECT_MARGIN * image.shape[1]))
    stands_out[:, :margin] = stands_out[:, -margin:] = False
    return int(ndimage.label(stands_out)[1])


def _implant(image: NDArray[np.float32], inside: NDArray[np.bool_]) -> float:
    """Return the share of the breast that its largest part of even brightness fills."""
    brightest = float(image[inside].max())
    labels, count = ndimage.label(inside & (image >= IMPLANT_LEVEL * brightest))
    if not count:
        return 0.0
    sizes = np.bincount(labels.ravel())[1:]
    return float(sizes.max() / inside.sum())


def _apply(volume: Volume, decided: dict[str, Any]) -> Volume:
    mask = breast_in(volume.values[0], decided["threshold"]).mask[np.newaxis]
    values = np.where(mask, volume.values, np.float32(decided["background"]))
    return volume.with_values(values).with_regions(breast=mask)


def _flags(decided: dict[str, Any]) -> tuple[str, ...]:
    flags = []
    if decided["unusual"]:
        flags.append("MG_BREAST_UNUSUAL")
    if decided["bright_objects"]:
        flags.append("MG_BRIGHT_OBJECTS")
    if decided["implant_share"] > IMPLANT_SHARE:
        flags.append("MG_IMPLANT")
    return tuple(flags)


STEP = Step(
    name="breast_mask",
    kind="intensity",
    params=BreastMaskParams,
    decide=_decide,
    apply=_apply,
    flags=_flags,
    reads_values=True,
    derivation="PixelByPixelMask",
)
