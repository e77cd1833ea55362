"""N4: remove the slow multiplicative field of the coils (doi:10.1109/TMI.2010.2046908)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveInt

from config.base import Frozen
from harmonise.grids import known_spacing
from harmonise.histogram import otsu_threshold
from harmonise.itk import execute, on_one_thread, sitk, to_image
from harmonise.steps.contract import Context, Step, refuse_quantitative
from harmonise.steps.statistics import measured_values
from harmonise.volume import Volume

__all__ = ["STEP", "N4Params"]


class N4Params(Frozen):
    """Parameters of ``n4``."""

    shrink: int = Field(default=4, ge=1, le=16)
    """In-plane factor by which the image is reduced while the field is estimated."""
    iterations: tuple[PositiveInt, ...] = Field(default=(20, 20, 20), min_length=1)
    """Iterations at each resolution level of the field."""


def _decide(volume: Volume, params: N4Params, _context: Context) -> dict[str, Any]:
    refuse_quantitative(volume, "n4")
    known_spacing(volume.grid)
    threshold = otsu_threshold(measured_values(volume))
    return {
        "shrink": params.shrink,
        "iterations": list(params.iterations),
        "mask_above": threshold,
    }


def _apply(volume: Volume, decided: dict[str, Any]) -> Volume:
    """Divide by the field; the mean inside the mask is kept."""
    measured = np.isfinite(volume.values)
    values = np.where(measured, volume.values, np.float32(0))
    mask = measured & (values > decided["mask_above"])
    field = _field(values, mask, volume, decided)
    corrected = volume.values / field
    gain = float(values[mask].mean(dtype=np.float64) / corrected[mask].mean(dtype=np.float64))
    return volume.with_values(corrected * np.float32(gain))


def _field(
    values: NDArray[np.float32],
    mask: NDArray[np.bool_],
    volume: Volume,
    decided: dict[str, Any],
) -> NDArray[np.float32]:
    """Return the field at full resolution, estimated on the reduced image."""
    image, region = to_image(values, volume.grid), to_image(mask.astype(np.uint8), volume.grid)
    factors = [min(decided["shrink"], size) for size in image.GetSize()[:2]] + [1]
    corrector = on_one_thread(sitk.N4BiasFieldCorrectionImageFilter())
    corrector.SetMaximumNumberOfIterations(decided["iterations"])
    # the reduced mask must stay a mask: sample it, do not average it
    execute(corrector, sitk.Shrink(image, factors), sitk.Shrink(region, factors))
    field: NDArray[np.float64] = np.exp(
        sitk.GetArrayFromImage(corrector.GetLogBiasFieldAsImage(image)).astype(np.float64)
    )
    return field.astype(np.float32)


STEP = Step(
    name="n4",
    kind="intensity",
    params=N4Params,
    decide=_decide,
    apply=_apply,
    derivation="PixelByPixelDivision",
)
