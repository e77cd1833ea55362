"""Tissue: where a slide's tissue lies, what covers it and how sharp it is; changes no pixel."""

from __future__ import annotations

import base64
import io
import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field

from config.base import Frozen
from harmonise.slides.slide import Slide
from harmonise.slides.tissue import FOLD, PEN, TISSUE, Tissue, sharpness, tissue_of
from harmonise.steps.contract import Context, Step

__all__ = ["STEP", "TissueParams"]


MOST_PIXELS = 4_000_000
"""Pixels of a mask: that of a larger slide is coarser."""


class TissueParams(Frozen):
    """Parameters of ``tissue``."""

    mask_um: float = Field(default=16.0, gt=0)
    """Micrometres a pixel of the mask."""
    regions: int = Field(default=64, ge=1)
    """Most regions of tissue looked at in full resolution, evenly over it."""
    region: int = Field(default=256, ge=32)
    """Pixels a side of such a region."""
    least_tissue: float = Field(default=0.001, ge=0, le=1)
    """Share of the slide below which it is blank."""
    most_pen: float = Field(default=0.001, ge=0, le=1)
    """Share of the slide under ink that is flagged."""
    most_fold: float = Field(default=0.02, ge=0, le=1)
    """Share of the tissue in folds that is flagged."""
    least_sharpness: float = Field(default=0.01, ge=0, le=1)
    """A region below this is blurred: a focus 2 um wide leaves less (docs/pathology.md)."""
    most_blurred: float = Field(default=0.2, ge=0, le=1)
    """Share of blurred regions that is flagged."""


def _decide(slide: Slide, params: TissueParams, _context: Context) -> dict[str, Any]:
    area_um2 = math.prod(slide.shape) * math.prod(slide.microns)
    found = tissue_of(*slide.overview(max(params.mask_um, math.sqrt(area_um2 / MOST_PIXELS))))
    regions = _regions(slide, found, params)
    scores = [
        sharpness(slide.region(top, left, params.region, params.region), slide.microns[0])
        for top, left in regions
    ]
    tissue = found.share(TISSUE) + found.share(FOLD)
    return {
        "limits": params.model_dump(mode="json"),
        "mask_um": found.microns,
        "mask_png": base64.b64encode(_png(found.labels)).decode("ascii"),
        "white": list(found.white),
        "tissue_fraction": tissue,
        "tissue_mm2": tissue * found.labels.size * (found.microns / 1000) ** 2,
        "pen_fraction": found.share(PEN),
        "fold_fraction": found.share(FOLD) / tissue if tissue else 0.0,
        "regions": [list(place) for place in regions],
        "sharpness": [round(score, 6) for score in scores],
        "blurred_fraction": (
            float(np.mean([score < params.least_sharpness for score in scores])) if scores else 0.0
        ),
    }


def _regions(slide: Slide, found: Tissue, params: TissueParams) -> list[tuple[int, int]]:
    """Return the corners of regions of clean tissue, evenly over it, the same every time."""
    scale = slide.microns[0] / found.microns
    side = max(1, round(params.region * scale))
    down, across = found.labels.shape[0] // side, found.labels.shape[1] // side
    if min(slide.shape) < params.region or not down or not across:
        return [(0, 0)] if (found.labels == TISSUE).any() else []
    cells = found.labels[: down * side, : across * side] == TISSUE
    share = cells.reshape(down, side, across, side).mean(axis=(1, 3))
    if not share.any():
        return []
    full = np.argwhere(share >= min(0.5, float(share.max())))
    step = max(1.0, len(full) / params.regions)
    chosen = [full[int(i * step)] for i in range(min(len(full), params.regions))]
    corners = [[round(float(n) * side / scale) for n in cell] for cell in chosen]
    last = [n - params.region for n in slide.shape]
    return [(min(top, last[0]), min(left, last[1])) for top, left in corners]


def _png(labels: NDArray[np.uint8]) -> bytes:
    """Return a mask as PNG, its labels as grey levels."""
    buffer = io.BytesIO()
    Image.fromarray(labels).save(buffer, "PNG", optimize=False)
    return buffer.getvalue()


def _apply(slide: Slide, decided: dict[str, Any]) -> Slide:
    told = {
        "region": decided["limits"]["region"],
        "regions": decided["regions"],
        "blank": decided["tissue_fraction"] < decided["limits"]["least_tissue"],
        "mask_png": decided["mask_png"],
        "qc": {
            key: decided[key]
            for key in (
                "tissue_fraction",
                "tissue_mm2",
                "pen_fraction",
                "fold_fraction",
                "blurred_fraction",
            )
        },
    }
    return replace(slide, meta={**slide.meta, "tissue": told})


def _flags(decided: dict[str, Any]) -> tuple[str, ...]:
    limits = decided["limits"]
    said = {
        "WSI_BLANK": decided["tissue_fraction"] < limits["least_tissue"],
        "WSI_PEN": decided["pen_fraction"] > limits["most_pen"],
        "WSI_FOLDED": decided["fold_fraction"] > limits["most_fold"],
        "WSI_BLURRED": decided["blurred_fraction"] > limits["most_blurred"],
    }
    return tuple(code for code, holds in said.items() if holds)


STEP = Step(
    name="tissue",
    kind="geometry",
    params=TissueParams,
    decide=_decide,
    apply=_apply,
    flags=_flags,
    reads_values=True,
    derivation="",
    takes="slide",
)
