"""Slides: which instances of a scanned glass slide show its label, and what is to become of them.

A scanner makes of one slide the tissue at several resolutions, a picture of the label, and one of
the whole glass, on which the label shows too. The label bears the patient's name by hand or print.
"""

from __future__ import annotations

from typing import Literal

from pydicom.dataset import Dataset

from deid.blank.region import Rectangle
from deid.burned_in import image_type, said
from deid.looks import Look

__all__ = ["SlideLabels", "slide_look"]

SlideLabels = Literal["drop", "blank"]
"""What becomes of an instance that shows a label: left out, or every pixel of it black."""

_WHOLE_SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"
_SLIDE_MODALITIES = frozenset({"SM", "GM"})
# PS3.3 C.8.12.4.1.1, value 3. LOCALIZER is what Supplement 145 called OVERVIEW at first, MACRO the
# scanners' own word for it.
_LABEL_KINDS = frozenset({"LABEL", "OVERVIEW", "LOCALIZER", "MACRO"})
_TISSUE_KINDS = frozenset({"VOLUME", "THUMBNAIL"})
_LONGEST_COVER_MM = 62.0
"""The longest cover glass of ISO 8255-1 is 60 mm, the slide of ISO 8037-1 76 mm: an image that
reaches further than a cover glass reaches into the label."""


def slide_look(ds: Dataset, labels: SlideLabels = "drop") -> Look | None:
    """Return what is to be done with the pixels of a slide; None for what is no slide.

    ``drop`` is also the answer where the header does not say what the image shows. Only a
    kind of image that is all label or overview is blanked; tissue with a label in it is left out,
    since nothing says where in it the label lies.

    Parameters
    ----------
    ds : Dataset
        The header; pixels are not looked at.
    labels : {"drop", "blank"}
        The policy's choice for label and overview images.
    """
    kind = "".join(image_type(ds)[2:3])
    is_whole_slide = said(ds, "SOPClassUID").strip() == _WHOLE_SLIDE
    if not is_whole_slide and said(ds, "Modality").strip().upper() not in _SLIDE_MODALITIES:
        return None
    if kind in _LABEL_KINDS:
        return _label(ds, f"a slide's {kind} image", labels)
    if not is_whole_slide:
        return None  # a microscope's own picture: the rules for photographs hold
    return _whole_slide(ds, kind, labels)


def _whole_slide(ds: Dataset, kind: str, labels: SlideLabels) -> Look:
    """Judge a VL Whole Slide Microscopy image that does not call itself label or overview."""
    shows_label = said(ds, "SpecimenLabelInImage").strip().upper()  # (0048,0010), PS3.3 C.8.12.4
    if kind not in _TISSUE_KINDS:
        return Look("drop", "a slide image whose ImageType does not say what it shows")
    if kind == "THUMBNAIL" and shows_label != "NO":
        return _label(ds, "a slide's THUMBNAIL that may show the label", labels)
    if shows_label not in {"", "NO"}:
        return Look("drop", "SpecimenLabelInImage says that the label shows")
    if said(ds, "BurnedInAnnotation").strip().upper() == "YES":
        return Look("read", "BurnedInAnnotation is YES")
    if _longest_mm(ds) > _LONGEST_COVER_MM:
        return Look("read", "a slide image that reaches beyond the cover glass")
    return Look("not_needed", f"a slide's tissue ({kind})")


def _label(ds: Dataset, reason: str, labels: SlideLabels) -> Look:
    rows, columns = ds.get("Rows"), ds.get("Columns")
    if labels == "drop" or not rows or not columns:
        return Look("drop", reason)
    return Look("signature", f"{reason}, blanked whole", (Rectangle(0, rows, 0, columns),))


def _longest_mm(ds: Dataset) -> float:
    """Return the longer side of what was imaged, in millimetres (PS3.3 C.8.12.4); 0 if unsaid."""
    sides = (ds.get("ImagedVolumeWidth"), ds.get("ImagedVolumeHeight"))
    return max((float(side) for side in sides if isinstance(side, int | float)), default=0.0)
