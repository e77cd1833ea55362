"""Landmarks: bring a weighted image onto the standard grey scale fitted over its cohort."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from config.errors import InconsistentSeries
from harmonise.landmarks import (
    Beyond,
    apply_curve,
    apply_landmarks,
    apply_monotone,
    image_landmarks,
    smooth_curve,
    standard_scale,
)
from harmonise.steps.contract import Context, Fit, Step, refuse_quantitative
from harmonise.steps.region import RegionParams, region_values
from harmonise.steps.statistics import spread
from harmonise.steps.zscore import centre_and_scale
from harmonise.volume import Volume

__all__ = ["STEP", "LandmarksParams"]

RANKS = (1.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0, 99.0)

Rank = Annotated[float, Field(ge=0, le=100)]


class LandmarksParams(RegionParams):
    """Parameters of ``landmarks``."""

    mask: Literal["all", "foreground", "breast", "sector"] = "foreground"
    """Air has no place in the histogram: how much there is depends on the field of view."""
    ranks: tuple[Rank, ...] = Field(default=RANKS, min_length=2)
    """Percentiles that are the landmarks, rising."""
    ends: tuple[float, float] = (0.0, 100.0)
    """Values of the first and the last landmark on the standard scale."""
    between: Literal["lines", "monotone", "smooth"] = "lines"
    """Between landmarks: straight lines (Nyul and Udupa), a curve through all of them that rises
    and has no corners (Fritsch and Carlson), or one polynomial by them."""
    beyond: Beyond = "extrapolate"
    """What becomes of values outside the end landmarks: the end segments go on, or they are cut."""
    whole: bool = False
    """Round to whole numbers, where the standard scale has thousands of them."""
    minimum_subjects: int = Field(default=5, ge=2)
    """Subjects without whom no model is fitted."""
    too_few: Literal["refuse", "zscore", "ends"] = "refuse"
    """Without a model: refuse the volume; scale it by its own median and quartiles; or bring its
    own first and last landmark to the ends. The last two are flagged."""

    @model_validator(mode="after")
    def _rising(self) -> LandmarksParams:
        for name in ("ranks", "ends"):
            if not all(a < b for a, b in pairwise(getattr(self, name))):
                raise ValueError(f"{name} must rise")
        return self


def _measure(volume: Volume, params: LandmarksParams) -> dict[str, Any]:
    refuse_quantitative(volume, "landmarks")
    values, _ = region_values(volume, params)
    return {"landmarks": list(image_landmarks(values, params.ranks))}


def _combine(
    measured: Sequence[dict[str, Any]],
    weights: Sequence[float],
    subjects: int,
    params: LandmarksParams,
) -> dict[str, Any]:
    if subjects < params.minimum_subjects:
        detail = f"{subjects} of at least {params.minimum_subjects} subjects"
        raise InconsistentSeries("MODEL_TOO_FEW_SUBJECTS", detail)
    scale = standard_scale((row["landmarks"] for row in measured), weights, params.ends)
    return {"ranks": list(params.ranks), "scale": list(scale)}


def _decide(volume: Volume, params: LandmarksParams, context: Context) -> dict[str, Any]:
    refuse_quantitative(volume, "landmarks")
    values, region = region_values(volume, params)
    region = {**region, "whole": params.whole}
    if context.model is None:
        if params.too_few == "refuse":
            detail = f"no model for {context.role}; it needs {params.minimum_subjects} subjects"
            raise InconsistentSeries("MODEL_TOO_FEW_SUBJECTS", detail)
        if params.too_few == "ends":
            return _own_ends(volume, values, params, region)
        centre, scale = centre_and_scale(values, robust=True)
        own = {"method": "zscore", "centre": centre, "scale": spread(scale, "landmarks")}
        return _with_means(volume, {**own, **region})
    ranks, scale = context.model["ranks"], context.model["scale"]
    landmarks = image_landmarks(values, ranks)
    decided = {
        "method": params.between,
        "landmarks": list(landmarks),
        "standard_scale": list(scale),
        "beyond": params.beyond,
        **region,
    }
    if params.between == "smooth":
        decided["curve"] = list(smooth_curve(landmarks, scale, ranks))
    return _with_means(volume, decided)


def _own_ends(
    volume: Volume, values: NDArray[np.float64], params: LandmarksParams, region: dict[str, Any]
) -> dict[str, Any]:
    first, last = image_landmarks(values, (params.ranks[0], params.ranks[-1]))
    own = {"method": "ends", "landmarks": [first, last], "standard_scale": list(params.ends)}
    return _with_means(volume, {**own, "beyond": params.beyond, **region})


def _with_means(volume: Volume, decided: dict[str, Any]) -> dict[str, Any]:
    """Add the mean of the whole field of view before and after: what a report compares by site."""
    means = (
        float(np.nanmean(one.values, dtype=np.float64)) for one in (volume, _apply(volume, decided))
    )
    return {**decided, **dict(zip(("mean_before", "mean_after"), means, strict=True))}


def _apply(volume: Volume, decided: dict[str, Any]) -> Volume:
    if decided["method"] == "zscore":
        centred = volume.values - np.float32(decided["centre"])
        return volume.with_values(centred / np.float32(decided["scale"]), unit="1")
    mine, beyond = decided["landmarks"], decided["beyond"]
    if decided["method"] == "smooth":
        values = apply_curve(volume.values, mine, decided["curve"], beyond)
    elif decided["method"] == "monotone":
        values = apply_monotone(volume.values, mine, decided["standard_scale"], beyond)
    else:
        values = apply_landmarks(volume.values, mine, decided["standard_scale"], beyond)
    values = np.rint(values) if decided.get("whole") else values
    return volume.with_values(values.astype(np.float32), unit="1")


def _flags(decided: dict[str, Any]) -> tuple[str, ...]:
    return ("INTENSITY_PER_CASE",) if decided["method"] in {"zscore", "ends"} else ()


STEP = Step(
    name="landmarks",
    kind="intensity",
    params=LandmarksParams,
    decide=_decide,
    apply=_apply,
    flags=_flags,
    derivation="PixelByPixelMultiplication",
    fit=Fit(_measure, _combine),
)
