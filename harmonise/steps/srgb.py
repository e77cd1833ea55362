"""sRGB: a slide's colours brought from its scanner's profile to sRGB, relative colorimetric."""

from __future__ import annotations

from typing import Any

from config.errors import InconsistentSeries
from harmonise.slides.profile import digest_of, profile_of, to_srgb
from harmonise.slides.slide import Slide
from harmonise.steps.contract import Context, NoParams, Step

__all__ = ["STEP"]


def _decide(slide: Slide, _params: NoParams, _context: Context) -> dict[str, Any]:
    profile = profile_of(slide.levels.header(slide.level))
    if profile is None:
        return {"profile_sha256": None, "class": None}
    return {"profile_sha256": digest_of(profile), "class": to_srgb(profile)[1]}


def _apply(slide: Slide, decided: dict[str, Any]) -> Slide:
    """Colours without a profile are taken as sRGB, which the flag tells."""
    wanted = decided["profile_sha256"]
    if wanted is None:
        return slide
    profile = profile_of(slide.levels.header(slide.level))
    if profile is None or digest_of(profile) != wanted:
        raise InconsistentSeries("WSI_BAD_ICC", "(0028,2000) is not the profile that was recorded")
    return slide.mapped(to_srgb(profile)[0])


def _flags(decided: dict[str, Any]) -> tuple[str, ...]:
    return ("WSI_NO_ICC",) if decided["profile_sha256"] is None else ()


STEP = Step(
    name="srgb",
    kind="intensity",
    params=NoParams,
    decide=_decide,
    apply=_apply,
    flags=_flags,
    derivation="",
    takes="slide",
)
