"""The gate: what has to be done with the pixels of an instance, decided from its header."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from fnmatch import fnmatchcase

from pydicom.dataset import Dataset
from pydicom.tag import Tag

from config.errors import PixelsNotCleared, UnreadableObject, UnsupportedObject
from config.policy import ClearedPixels, Policy
from deid.blank.ultrasound import outside_ultrasound_regions
from deid.burned_in import Risk, burned_in_risk, image_type, said
from deid.faces.anatomy import face_may_show
from deid.looks import Look
from deid.slides import slide_look

__all__ = [
    "CLEAN_FEATURES",
    "CLEAN_PIXEL_DATA",
    "NO_FACE",
    "SignatureOf",
    "decide",
    "require_clear_pixels",
    "require_no_face",
]

CLEAN_PIXEL_DATA = "113101"
"""Option of PS3.15 E.3.1."""
CLEAN_FEATURES = "113102"
"""Option of PS3.15 E.3.2."""
NO_FACE = "no face"
"""Stands among what was carried out where the series shows no head."""

_NOTHING = Look("not_needed", "nothing says that text was burned in")
_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")

SignatureOf = Callable[[Dataset], Look | None]
"""Returns what a device's known signature has done, None when its images are not known."""


def decide(ds: Dataset, policy: Policy, signature_of: SignatureOf | None = None) -> Look:
    """Return what has to be done with the pixels of ``ds`` before it may be released.

    Parameters
    ----------
    ds : Dataset
        The header; pixels are not looked at.
    policy : Policy
        Its options say whether pixels are cleaned, its rules what a person cleared.
    signature_of : callable, optional
        What the site knows of its devices.

    Raises
    ------
    PixelsNotCleared
        ``PIXELS_NOT_CLEARED`` with the reason: text may be there, and the policy has nobody look.
    """
    risk = burned_in_risk(ds)
    if CLEAN_PIXEL_DATA not in policy.options:
        return _without_cleaning(ds, policy, risk)
    slide = slide_look(ds, policy.pixels.slide_labels)
    if slide is not None and slide.decision == "drop":
        return slide
    if risk is None and slide is None:
        return _NOTHING
    return _cleared(ds, policy) or slide or _to_clean(ds, risk, signature_of)


def require_no_face(ds: Dataset, policy: Policy, done: AbstractSet[str]) -> None:
    """Refuse an image that may show a face which nobody looked for, where the policy wants it gone.

    Raises
    ------
    PixelsNotCleared
        ``FACE_NOT_REMOVED``.
    """
    asked = CLEAN_FEATURES in policy.options and not {CLEAN_FEATURES, NO_FACE} & done
    if asked and face_may_show(ds):
        raise PixelsNotCleared("FACE_NOT_REMOVED", "nobody looked for one")


def _without_cleaning(ds: Dataset, policy: Policy, risk: Risk | None) -> Look:
    if risk is None:
        return _NOTHING
    cleared = _cleared(ds, policy)
    if cleared is None and risk.level == "high":
        raise PixelsNotCleared("PIXELS_NOT_CLEARED", risk.reason)
    return cleared or Look("not_needed", "the policy does not clean pixels")


def require_clear_pixels(ds: Dataset, policy: Policy, done: AbstractSet[str]) -> None:
    """Refuse an image whose pixels may hold text that neither a person nor a program cleared.

    ``done`` holds the options of PS3.15 that were carried out on its pixels.

    Raises
    ------
    PixelsNotCleared
        ``PIXELS_NOT_CLEARED`` with the reason; ``OVERLAY_IN_PIXELS`` when bits that are no samples
        hold a graphic, which leaves with its elements but not with its bits.
    """
    for group in range(0x6000, 0x6020, 2):  # PS3.5 7.6, and 8.1.2 of editions before 2004
        position = ds.get(Tag(group, 0x0102))
        if position is not None and position.value not in {0, None, ""}:
            raise PixelsNotCleared("OVERLAY_IN_PIXELS", f"({group:04X},0102)")
    decided = decide(ds, policy)
    if CLEAN_PIXEL_DATA not in done and decided.decision not in {"not_needed", "cleared"}:
        raise PixelsNotCleared("PIXELS_NOT_CLEARED", decided.reason)


def _to_clean(ds: Dataset, risk: Risk | None, signature_of: SignatureOf | None) -> Look:
    assert risk is not None
    if not any(keyword in ds for keyword in _PIXELS):
        return Look("not_needed", "no pixels in it")
    known = signature_of(ds) if signature_of is not None else None
    if known is not None:
        return known
    if ds.get("SequenceOfUltrasoundRegions"):
        try:
            outside = outside_ultrasound_regions(ds)
        except (UnsupportedObject, UnreadableObject) as error:
            return Look("read", f"{risk.reason}; its regions are not usable: {error.code}")
        return Look("regions", "what lies outside the ultrasound regions goes", outside)
    return Look("read", risk.reason)


def _cleared(ds: Dataset, policy: Policy) -> Look | None:
    """Return the look for an image that a rule of the policy clears."""
    marked = said(ds, "BurnedInAnnotation") == "YES"
    for rule in policy.cleared_pixels:
        if (rule.even_if_marked or not marked) and _matches(rule, ds):
            return Look("cleared", rule.reason)
    return None


def _matches(rule: ClearedPixels, ds: Dataset) -> bool:
    return (
        fnmatchcase(said(ds, "Modality").upper(), rule.modality.upper())
        and {part.upper() for part in rule.image_type} <= set(image_type(ds))
        and fnmatchcase(said(ds, "Manufacturer").upper(), rule.manufacturer.upper())
    )
