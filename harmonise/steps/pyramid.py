"""Pyramid: how a slide is written, size of tiles and quality of JPEG; changes no pixel itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pydantic import Field

from config.base import Frozen
from harmonise.slides.slide import Encoding, Slide
from harmonise.steps.contract import Context, Step

__all__ = ["STEP", "PyramidParams"]


class PyramidParams(Frozen):
    """Parameters of ``pyramid``."""

    tile: int = Field(default=512, ge=64, le=2048, multiple_of=16)
    """Pixels a side of a tile; a multiple of 16 is a whole number of JPEG blocks."""
    quality: int = Field(default=85, ge=50, le=95)
    """JPEG quality, of libjpeg."""


def _decide(_slide: Slide, params: PyramidParams, _context: Context) -> dict[str, Any]:
    return {"tile": params.tile, "quality": params.quality}


def _apply(slide: Slide, decided: dict[str, Any]) -> Slide:
    return replace(slide, encoding=Encoding(int(decided["tile"]), int(decided["quality"])))


STEP = Step(
    name="pyramid",
    kind="geometry",
    params=PyramidParams,
    decide=_decide,
    apply=_apply,
    derivation="",
    takes="slide",
)
