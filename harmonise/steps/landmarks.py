"""Landmarks: bring a weighted image onto the standard grey scale fitted over its cohort."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from config.errors import InconsistentSeries
from harmonise.histogram import spread
from harmonise.landmarks import (
    Beyond,
    apply_curve,
    apply_landmarks,
    image_landmarks,
    smooth_curve,
    standard_scale,
    tissue_landmarks,
)
from harmonise.steps.contract import Context, Fit, Step, refuse_quantitative
from harmonise.steps.region import MADE, RegionParams, region_values
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
    tissues: bool = False
    """The inner ranks are those of two classes, dark and bright, each by itself (a breast); the
    first and the last rank stay those of the whole region."""
    between: Literal["lines", "smooth"] = "lines"
    """Between landmarks: straight lines (Nyul and Udupa), or one smooth rising curve by them."""
    beyond: Beyond = "extrapolate"
    """What becomes of values outside the end landmarks: the end segments go on, or they are cut."""
    limits: tuple[float, float] | None = None
    """Values of the result are cut to these; what lies outside a mask becomes the first. Leave
    room beyond ``ends``, or the brightest lesions are cut."""
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
    return {"landmarks": list(_landmarks(values, params))}


def _landmarks(values: NDArray[np.float64], params: LandmarksParams) -> tuple[float, ...]:
    if not params.tissues:
        return image_landmarks(values, params.ranks)
    outer = (params.ranks[0], params.ranks[-1])
    return tissue_landmarks(values, params.ranks[1:-1], outer)


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
    region["mask"] = params.mask
    region["whole"] = params.whole
    region["limits"] = list(params.limits) if params.limits else None
    if context.model is None:
        return _with_means(volume, values, _alone(values, params, context) | region)
    ranks, scale = context.model["ranks"], context.model["scale"]
    landmarks = _landmarks(values, params)
    decided = {
        "method": params.between,
        "landmarks": list(landmarks),
        "standard_scale": list(scale),
        "beyond": params.beyond,
        **region,
    }
    if params.between == "smooth":
        weighted_by = None if params.tissues else ranks
        decided["curve"] = list(smooth_curve(landmarks, scale, weighted_by))
    return _with_means(volume, values, decided)


def _alone(
    values: NDArray[np.float64], params: LandmarksParams, context: Context
) -> dict[str, Any]:
    """Decide for an image of a cohort that is too small to fit a scale."""
    if params.too_few == "refuse":
        detail = f"no model for {context.role}; it needs {params.minimum_subjects} subjects"
        raise InconsistentSeries("MODEL_TOO_FEW_SUBJECTS", detail)
    if params.too_few == "zscore":
        centre, scale = centre_and_scale(values, robust=True)
        return {"method": "zscore", "centre": centre, "scale": spread(scale, "landmarks")}
    outer = image_landmarks(values, (params.ranks[0], params.ranks[-1]))
    return {
        "method": "ends",
        "landmarks": list(outer),
        "standard_scale": list(params.ends),
        "beyond": params.beyond,
    }


def _with_means(
    volume: Volume, values: NDArray[np.float64], decided: dict[str, Any]
) -> dict[str, Any]:
    """Add the mean before and after: what a report compares by site.

    Of the mask an earlier step made, else of the whole field of view.
    """
    before: NDArray[Any] = values if decided["mask"] in MADE else volume.values
    after = _mapped(before, decided)
    means = (float(np.nanmean(one, dtype=np.float64)) for one in (before, after))
    return {**decided, **dict(zip(("mean_before", "mean_after"), means, strict=True))}


def _apply(volume: Volume, decided: dict[str, Any]) -> Volume:
    inside = volume.regions.get(decided["mask"]) if decided["limits"] else None
    if inside is None:
        return volume.with_values(_mapped(volume.values, decided), unit="1")
    values = np.full(volume.values.shape, decided["limits"][0], np.float32)
    values[inside] = _mapped(volume.values[inside], decided)
    return volume.with_values(values, unit="1")


def _mapped(values: NDArray[Any], decided: dict[str, Any]) -> NDArray[np.float32]:
    """Return values on the scale that was decided."""
    if decided["method"] == "zscore":
        centred = values - np.float32(decided["centre"])
        return np.asarray(centred / np.float32(decided["scale"]), dtype=np.float32)
    mine, beyond = decided["landmarks"], decided["beyond"]
    if decided["method"] == "smooth":
        found = apply_curve(values, mine, decided["curve"], beyond)
    else:
        found = apply_landmarks(values, mine, decided["standard_scale"], beyond)
    found = np.clip(found, *decided["limits"]) if decided["limits"] else found
    return (np.rint(found) if decided["whole"] else found).astype(np.float32)


def _flags(decided: dict[str, Any]) -> tuple[str, ...]:
    return ("INTENSITY_PER_CASE",) if decided["method"] in {"zscore", "ends"} else ()


STEP = Step(
    name="landmarks",
    kind="intensity",
    params=LandmarksParams,
    decide=_decide,
    apply=_apply,
    flags=_flags,
    version=2,
    derivation="PixelByPixelMultiplication",
    fit=Fit(_measure, _combine),
)
