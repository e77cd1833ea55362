"""Ultrasound overlay: blank callipers, text and colour flow, and keep where they were."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from harmonise.overlay import drawn_over, is_flow
from harmonise.steps.contract import Context, NoParams, Step, refuse_quantitative
from harmonise.volume import Volume

__all__ = ["STEP"]


def _decide(volume: Volume, _params: NoParams, _context: Context) -> dict[str, Any]:
    """Measure how much is drawn over the tissue: a calliper tells where a lesion is."""
    refuse_quantitative(volume, "us_overlay")
    overlay, colour = _found(volume)
    return {"overlay_pixels": int(overlay.sum()), "colour_pixels": int(colour.sum())}


def _found(volume: Volume) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return what is drawn and what is colour flow, shape of the volume, frame by frame."""
    coloured = volume.regions.get("colour")
    overlay = np.zeros(volume.values.shape, np.bool_)
    colour = np.zeros(volume.values.shape, np.bool_)
    for number, image in enumerate(volume.values):
        own = None if coloured is None else coloured[number]
        overlay[number] = drawn_over(image, own)
        if own is not None and is_flow(own):
            colour[number] = own
    if "overlay" in volume.regions:
        overlay |= volume.regions["overlay"]
    sector = volume.regions.get("sector")
    return (overlay, colour) if sector is None else (overlay & sector, colour & sector)


def _apply(volume: Volume, _decided: dict[str, Any]) -> Volume:
    overlay, colour = _found(volume)
    values = np.where(overlay | colour, np.float32(0.0), volume.values)
    kept = {name: mask for name, mask in volume.regions.items() if name not in OWN}
    found = {"overlay": overlay, "colour": colour}
    made = {name: mask for name, mask in found.items() if mask.any()}
    return volume.with_values(values, regions={**kept, **made})


OWN = ("overlay", "colour")


def _flags(decided: dict[str, Any]) -> tuple[str, ...]:
    flags = []
    if decided["overlay_pixels"]:
        flags.append("US_OVERLAY_BLANKED")
    if decided["colour_pixels"]:
        flags.append("US_COLOUR_FLOW")
    return tuple(flags)


STEP = Step(
    name="us_overlay",
    kind="intensity",
    params=NoParams,
    decide=_decide,
    apply=_apply,
    flags=_flags,
    reads_values=True,
    derivation="PixelByPixelMask",
)
