"""Ultrasound sector: cut a picture to the field of view of its probe and make all else black."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from config.base import Frozen
from config.errors import UnsupportedObject
from harmonise.overlay import drawn_over, is_flow
from harmonise.sector import Sector, fit_sector, sector_mask
from harmonise.steps.contract import Context, Step
from harmonise.volume import Volume

__all__ = ["STEP", "SectorParams"]

LOOKED_AT = 16
"""Frames of a cine that the field of view is fitted to, evenly spaced: the brightest of them."""

PAGE_LEVELS = 4
PAGE_SHARE = 0.5
"""A page of text has half of what is lit in so few grey levels; speckle spreads over dozens."""

LEAST_LIT = 0.5
"""Of the picture: where less is lit and no edge was found, nobody knows the field of view."""


class SectorParams(Frozen):
    """Parameters of ``us_sector``."""

    margin_pixels: int = Field(default=0, ge=0)
    """Left around the field of view."""


def _decide(volume: Volume, params: SectorParams, context: Context) -> dict[str, Any]:
    frames = np.unique(np.linspace(0, len(volume.values) - 1, LOOKED_AT).astype(int))
    image = volume.values[frames].max(axis=0)
    drawn = _drawn(volume, int(frames[0]))
    region = context.stack.frames[0].region if context.stack else None
    if region is not None and region.kind == "none":
        _refuse_pages(image)
    found = fit_sector(image, drawn)
    is_cut = region is not None and region.kind != "none" and found.is_shallow(image.shape[0])
    found = found.reaching(image.shape[0]) if is_cut else found
    mask = sector_mask(found, (image.shape[0], image.shape[1]))
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    margin = params.margin_pixels
    crop = [
        max(int(rows[0]) - margin, 0),
        max(int(columns[0]) - margin, 0),
        min(int(rows[-1]) + 1 + margin, image.shape[0]),
        min(int(columns[-1]) + 1 + margin, image.shape[1]),
    ]
    return {
        "sector": found.to_json(),
        "crop": crop,
        "sector_fraction": float(mask.mean()),
        "deepened": is_cut,
    }


def _drawn(volume: Volume, frame: int) -> NDArray[np.bool_]:
    colour = volume.regions.get("colour")
    coloured = None if colour is None else colour[frame]
    drawn = drawn_over(volume.values[frame], coloured)
    if "overlay" in volume.regions:
        drawn |= volume.regions["overlay"][frame]
    if coloured is not None and not is_flow(coloured):
        drawn |= coloured
    return drawn


def _refuse_pages(image: NDArray[np.float32]) -> None:
    """Refuse a page of text, which is no picture of tissue."""
    counts = np.bincount(np.clip(image, 0, 255).astype(np.uint8).ravel(), minlength=256)
    ground = int(counts.argmax())
    counts[ground] = 0
    share = float(np.sort(counts)[-PAGE_LEVELS:].sum() / max(counts.sum(), 1))
    if share > PAGE_SHARE:
        detail = f"{share:.0%} of what is lit has {PAGE_LEVELS} grey levels"
        raise UnsupportedObject("US_REPORT_PAGE", detail)


def _apply(volume: Volume, decided: dict[str, Any]) -> Volume:
    slices, rows, columns = volume.grid.shape
    mask = sector_mask(Sector.from_json(decided["sector"]), (rows, columns))
    top, left, bottom, right = decided["crop"]
    cut = (slice(None), slice(top, bottom), slice(left, right))
    grid = replace(volume.grid, shape=(slices, bottom - top, right - left))
    inside = np.broadcast_to(mask, volume.values.shape)[cut]
    values = np.where(inside, volume.values[cut], np.float32(0.0))
    regions = {name: found[cut] & inside for name, found in volume.regions.items()}
    regions = {name: found for name, found in regions.items() if found.any()}
    return volume.with_values(values, grid=grid, regions={**regions, "sector": inside.copy()})


def _flags(decided: dict[str, Any]) -> tuple[str, ...]:
    sector = decided["sector"]
    unknown = sector["kind"] == "hull" or (sector["kind"] == "whole" and sector["lit"] < LEAST_LIT)
    return ("US_SECTOR_NOT_FITTED",) if unknown or decided["deepened"] else ()


STEP = Step(
    name="us_sector",
    kind="geometry",
    params=SectorParams,
    decide=_decide,
    apply=_apply,
    flags=_flags,
    reads_values=True,
    derivation="PixelByPixelMask",
)
