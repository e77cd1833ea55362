"""Burned-in risk: what the header says of whether the pixels of an object may hold text.

Burned In Annotation alone is never believed: it is empty on images that carry names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydicom.dataset import Dataset

from deid.tables import read_csv

__all__ = ["Risk", "burned_in_risk", "image_type", "said"]

_SCANNED = frozenset({"CT", "MR", "PT", "NM"})
"""Modalities whose originals are numbers that a scanner computed."""
_RISKY_MODALITIES = frozenset({"US", "IVUS", "XA", "RF", "ES", "XC", "SC", "OT", "DOC"})
_RADIOGRAPHY = frozenset({"CR", "DX", "MG", "IO", "PX"})
_CAPTURE_WORDS = ("SCREEN", "CAPTURE", "DOSE_INFO", "PATIENT_INFO", "PHOTO")
"""Words of Image Type that scanners give pictures of a screen."""


@dataclass(frozen=True)
class Risk:
    """Why pixels may hold text.

    Parameters
    ----------
    level : str
        ``high``: refused unless somebody or something cleared the pixels. ``read``: looked at by a
        policy that cleans pixels, released by one that does not.
    reason : str
        In words of ours.
    """

    level: Literal["read", "high"]
    reason: str


def burned_in_risk(ds: Dataset) -> Risk | None:
    """Return why the pixels of ``ds`` may hold text, or None when nothing says so.

    Burned In Annotation is PS3.3 C.7.6.1.1.8, Image Type C.7.6.1.1.2, Conversion Type C.8.6.1.
    """
    kind, level = _class_risk(said(ds, "SOPClassUID"))
    has_pixels = any(keyword in ds for keyword in ("Rows", "PixelData", "FloatPixelData"))
    if level == "none" or not has_pixels:
        return None  # labels and quantities (SEG, dose, parametric map), not pictures
    marked = said(ds, "BurnedInAnnotation")
    if marked == "YES":
        return Risk("high", "BurnedInAnnotation is YES")
    modality = said(ds, "Modality")
    if level == "high" or modality in _RISKY_MODALITIES:
        return Risk("high", f"{kind or modality} images often carry text")
    if _is_capture(image_type(ds)) or (said(ds, "ConversionType") and marked != "NO"):
        return Risk("high", "a captured or converted image")
    if image_type(ds)[0] == "DERIVED" and marked != "NO":
        return Risk("high", "a derived image that does not say whether text was burned in")
    return _worth_a_look(ds, kind, modality)


def _worth_a_look(ds: Dataset, kind: str, modality: str) -> Risk | None:
    """Return why an image that is not refused outright deserves a look all the same."""
    if kind or modality in _RADIOGRAPHY:
        return Risk("read", f"{kind or modality} images may carry text")
    if image_type(ds)[0] == "DERIVED" and modality != "SM":
        return Risk("read", "a derived image")
    if modality in _SCANNED and _is_screen_like(ds):
        return Risk("read", "as few grey levels as a screen, or colours, where a scanner has more")
    if modality not in _SCANNED and modality != "SM":
        return Risk("read", "a kind of image that is not known to be free of text")
    return None


def image_type(ds: Dataset) -> list[str]:
    """Return the values of Image Type in capitals, one empty value when there is none."""
    return [part.strip().upper() for part in said(ds, "ImageType").split("\\")]


def said(ds: Dataset, keyword: str) -> str:
    """Return what ``ds`` says, values joined by a backslash; empty when it says nothing."""
    value = ds.get(keyword)
    if value is None:
        return ""
    if isinstance(value, str | int):
        return str(value)
    return "\\".join(str(part) for part in value)


def _is_screen_like(ds: Dataset) -> bool:
    return said(ds, "SamplesPerPixel") == "3" or said(ds, "BitsAllocated") == "8"


def _is_capture(types: list[str]) -> bool:
    if {"LABEL", "OVERVIEW"} & set(types[2:3]):
        return True  # slide label and macro image, PS3.3 C.8.12.4.1.1
    return any(word in part for part in types[1:] for word in _CAPTURE_WORDS)


def _class_risk(sop_class: str) -> tuple[str, str]:
    for row in read_csv("sop_class_risk.csv"):
        if sop_class == row["uid"] or sop_class.startswith(row["uid"] + "."):
            return row["kind"], row["risk"]
    return "", ""
