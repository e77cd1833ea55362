"""A de-identification policy: PS3.15 profile, options, and what a person has cleared."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from config.base import Frozen, Name
from config.overrides import Override

__all__ = ["ClearedPixels", "FaceCleaning", "PixelCleaning", "Policy"]

Option = Literal[
    "113101", "113102", "113103", "113104", "113105", "113106",
    "113107", "113108", "113109", "113110", "113111", "113112",
]  # fmt: skip
"""Option codes of CID 7050 (PS3.16), beside 113100 which is the Basic Profile itself."""


class ClearedPixels(Frozen):
    """A kind of image whose pixels a person has found free of burned-in text."""

    modality: str = "*"
    """Modality, or ``*``."""
    image_type: tuple[str, ...] = ()
    """Values that ImageType must all hold; none matches any image."""
    manufacturer: str = "*"
    """Wildcard pattern on Manufacturer."""
    even_if_marked: bool = False
    """Also clears images that themselves say BurnedInAnnotation YES."""
    reason: str = Field(min_length=10)
    """Who cleared it and on what ground; shown in the release."""


class PixelCleaning(Frozen):
    """How option 113101, Clean Pixel Data (PS3.15 E.3.1), is carried out."""

    margin_px: int = Field(default=4, ge=0, le=100)
    """Pixels by which the box of a text grows on each side before it is blanked."""
    kept_words: tuple[str, ...] = ()
    """Texts that may stay in an image beside the shipped markers (laterality, views, scales)."""
    slide_labels: Literal["drop", "blank"] = "drop"
    """Label and overview images of slides: left out, or blanked whole."""


class FaceCleaning(Frozen):
    """How option 113102, Clean Recognizable Visual Features (PS3.15 E.3.2), is carried out."""

    head_words: tuple[str, ...] = ()
    """Words of a site's descriptions that say head, beside the shipped ones."""
    not_head_words: tuple[str, ...] = ()
    """Words of a site's descriptions that say another part of the body."""


class Policy(Frozen):
    """One de-identification policy."""

    name: Name
    """Name of the policy."""
    title: str = ""
    """One line for people."""
    profile: Literal["basic"] = "basic"
    """Profile of PS3.15 Annex E."""
    options: tuple[Option, ...] = ()
    """Options of PS3.15 Annex E, by their CID 7050 codes."""
    unlisted: Literal["keep", "deny"] = "keep"
    """Attributes outside Table E.1-1: kept without the study's identity, or denied unless the
    shipped allow-list of technical attributes has them."""
    oldest_age_years: int | None = Field(default=89, ge=1, le=120)
    """Ages above it are written as one year more; null keeps every age."""
    unknown_words: Literal["keep", "remove"] = "keep"
    """Words of cleaned descriptors outside the protocol vocabulary: kept and listed for a person's
    decision, or removed until somebody accepts them."""
    accepted_words: tuple[str, ...] = ()
    """Words that stand beside the protocol vocabulary; a site's own are added when it runs."""
    overrides: tuple[Override, ...] = ()
    """Attributes that a site treats otherwise, each with its reason."""
    cleared_pixels: tuple[ClearedPixels, ...] = ()
    """Images at risk of burned-in text that a person has cleared."""
    pixels: PixelCleaning = PixelCleaning()
    """How pixels are cleaned where option 113101 asks for it."""
    faces: FaceCleaning = FaceCleaning()
    """How faces are removed where option 113102 asks for it."""

    @field_validator("options")
    @classmethod
    def _options_agree(cls, options: tuple[Option, ...]) -> tuple[Option, ...]:
        if len(set(options)) < len(options):
            raise ValueError("an option is given twice")
        if {"113106", "113107"} <= set(options):
            raise ValueError("113106 keeps the dates that 113107 moves: choose one")
        return options

    @model_validator(mode="after")
    def _one_override_each(self) -> Policy:
        seen: set[tuple[str, str]] = set()
        for override in self.overrides:
            for sop_class in override.sop_classes or ("",):
                if (override.attribute, sop_class) in seen:
                    raise ValueError(f"two overrides of {override.attribute} for one SOP class")
                seen.add((override.attribute, sop_class))
        return self
