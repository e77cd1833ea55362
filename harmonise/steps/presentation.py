"""Presentation: the grey levels the maker meant to be looked at, tissue bright, 0 to 1."""

from __future__ import annotations

from typing import Any

from config.errors import InconsistentSeries
from harmonise.steps.contract import Context, NoParams, Step, refuse_quantitative
from harmonise.vendor.presentation import apply_presentation, plan_presentation
from harmonise.volume import Volume

__all__ = ["STEP"]


def _decide(volume: Volume, _params: NoParams, context: Context) -> dict[str, Any]:
    """Read the VOI table or window and the polarity from the source's header."""
    refuse_quantitative(volume, "presentation")
    if context.stack is None:
        raise InconsistentSeries("PIXELS_UNREADABLE", "presentation needs the source's header")
    return plan_presentation(context.stack)


def _apply(volume: Volume, decided: dict[str, Any]) -> Volume:
    meta = {**volume.meta, "photometric": "MONOCHROME2"}
    return volume.with_values(apply_presentation(volume.values, decided), unit="1", meta=meta)


STEP = Step(
    name="presentation",
    kind="intensity",
    params=NoParams,
    decide=_decide,
    apply=_apply,
    version=2,
    derivation="PixelByPixelMultiplication",
)
