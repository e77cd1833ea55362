"""Stain: the dyes of an H&E section brought to a reference, measured once a slide.

Macenko's two dyes where they can be told; Reinhard's colour statistics where the header says H&E
and they cannot; nothing at all where it is another stain, a blank slide, or a guess.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from config.base import Frozen
from config.errors import InconsistentSeries
from harmonise.data import table
from harmonise.slides import stain
from harmonise.slides.slide import Slide, witness_tiles
from harmonise.steps.contract import Context, Step

__all__ = ["STEP", "StainParams"]

Rgb = NDArray[np.uint8]

MOST_PIXELS = 500_000
"""Pixels that a slide is measured on: the estimate is steady far below, and memory is bounded."""


class StainParams(Frozen):
    """Parameters of ``stain``."""

    reference: str = "he-1"
    """Name of the reference colours, a row of ``harmonise/data/slides.yaml``."""
    least_pixels: int = Field(default=10_000, ge=100)
    """Dyed pixels below which nothing is fitted."""
    angle_degrees: tuple[float, float] = (10.0, 50.0)
    """Least and largest angle between the two dyes."""
    most_off_degrees: float = Field(default=25.0, gt=0)
    """Farthest that a dye may point from the reference's; DAB lies 38 degrees from eosin."""

    @field_validator("reference")
    @classmethod
    def _known(cls, name: str) -> str:
        known = table("slides")["references"]
        if name not in known:
            raise ValueError(f"no such reference; there are: {', '.join(sorted(known))}")
        return name


def said_stain(codes: Sequence[str]) -> Literal["he", "other", "unsaid"]:
    """Return what the header's substances are: haematoxylin and eosin, others, or nothing."""
    rules: dict[str, list[str]] = table("slides")
    if not codes:
        return "unsaid"
    nuclear, pink, both = (set(rules[key]) for key in ("haematoxylin", "eosin", "both"))
    found = set(codes)
    is_he = bool(found & both or (found & nuclear and found & pink))
    return "he" if is_he and found <= nuclear | pink | both else "other"


def _decide(slide: Slide, params: StainParams, context: Context) -> dict[str, Any]:
    said = said_stain(context.stack.header.get("Stains") or [] if context.stack else [])
    decided: dict[str, Any] = {"reference": params.reference, "said": said, "method": "none"}
    if said == "other":
        return {**decided, "why": "the header names another stain"}
    pixels = _sample(slide)
    dyed = stain.optical_density(pixels[stain.dyed(pixels)])
    decided["dyed_pixels"] = len(dyed)
    if slide.meta.get("tissue", {}).get("blank") or not len(dyed):
        return {**decided, "why": "blank"}
    if len(dyed) < params.least_pixels:
        return {**decided, "why": "too few dyed pixels"}
    target = table("slides")["references"][params.reference]
    try:
        matrix = stain.stain_matrix(dyed)
    except InconsistentSeries as error:
        return _by_statistics(decided, pixels, target, error.detail)
    decided |= {"matrix": matrix.tolist(), "most": stain.strongest(dyed, matrix).tolist()}
    wrong = _out_of_range(matrix, np.asarray(target["matrix"]), params)
    if wrong or min(decided["most"]) <= 0:
        return _by_statistics(decided, pixels, target, wrong or "a dye without amount")
    map_of = stain.dye_map(matrix, decided["most"], target["matrix"], target["most"])
    return {**decided, "method": "macenko", "why": "", "map": map_of.tolist()}


def _by_statistics(
    decided: dict[str, Any], pixels: Rgb, target: dict[str, Any], why: str
) -> dict[str, Any]:
    """Fall back to colour statistics, which would make any stain look like H&E: only if it is."""
    if decided["said"] != "he":
        return {**decided, "why": f"{why}, and the header does not say H&E"}
    mean, spread = stain.colour_statistics(pixels)
    return {
        **decided,
        "method": "reinhard",
        "why": why,
        "mean": mean,
        "spread": spread,
        "to_mean": target["mean"],
        "to_spread": target["spread"],
    }


def _out_of_range(
    matrix: NDArray[np.float64], target: NDArray[np.float64], params: StainParams
) -> str:
    """Return why two vectors are no haematoxylin and eosin; "" where they may be."""
    between = stain.angle_between(matrix[:, 0], matrix[:, 1])
    if not params.angle_degrees[0] <= between <= params.angle_degrees[1]:
        return f"dyes {between:.1f} degrees apart"
    for number, name in enumerate(("haematoxylin", "eosin")):
        off = stain.angle_between(matrix[:, number], target[:, number])
        if off > params.most_off_degrees:
            return f"{name} {off:.1f} degrees from the reference"
    return ""


def _sample(slide: Slide) -> Rgb:
    """Return the pixels of the tissue's regions, shape (n, 3); without a mask of tiles."""
    told = slide.meta.get("tissue")
    if told is None:
        size = slide.encoding.tile
        places = [(row * size, column * size) for row, column in witness_tiles(slide.shape, size)]
    else:
        size, places = int(told["region"]), [tuple(place) for place in told["regions"]]
    parts = [
        slide.region(
            top, left, min(size, slide.shape[0] - top), min(size, slide.shape[1] - left)
        ).reshape(-1, 3)
        for top, left in places
    ]
    pixels = np.concatenate(parts) if parts else np.empty((0, 3), dtype=np.uint8)
    return pixels[:: max(1, len(pixels) // MOST_PIXELS)]


def _apply(slide: Slide, decided: dict[str, Any]) -> Slide:
    if decided["method"] == "macenko":
        return slide.mapped(partial(stain.by_dyes, densities=np.asarray(decided["map"])))
    if decided["method"] == "reinhard":
        keys = ("mean", "spread", "to_mean", "to_spread")
        return slide.mapped(partial(stain.by_statistics, **{key: decided[key] for key in keys}))
    return slide


def _flags(decided: dict[str, Any]) -> tuple[str, ...]:
    if decided["said"] == "other":
        return ("WSI_STAIN_OTHER",)
    flags = ["WSI_STAIN_UNSAID"] if decided["said"] == "unsaid" else []
    if decided["why"] == "blank":
        flags.append("WSI_BLANK")
    elif decided["method"] != "macenko":
        flags.append("WSI_STAIN_UNRELIABLE")
    return tuple(flags)


STEP = Step(
    name="stain",
    kind="intensity",
    params=StainParams,
    decide=_decide,
    apply=_apply,
    flags=_flags,
    derivation="",
    takes="slide",
)
