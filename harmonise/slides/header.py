"""What a whole slide object's header says: what it shows, its level, its scale and its stains."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydicom.dataset import Dataset

from harmonise.data import table
from harmonise.vendor.groups import macro
from harmonise.vendor.private import numbers

__all__ = ["micron_spacing", "shows", "slide_facts", "slide_frame"]


def shows(ds: Dataset) -> str:
    """Return ``tissue``, ``label``, ``thumbnail`` or ``unknown``: what the pixels show.

    Where the label may be in the picture it is a label (PS3.3 C.8.12.4.1.1, value 3, and
    SpecimenLabelInImage).
    """
    kinds = [str(value).strip().upper() for value in _values(ds.get("ImageType"))]
    kind = kinds[2] if len(kinds) > 2 else ""
    rules: dict[str, Any] = table("slides")
    in_image = str(ds.get("SpecimenLabelInImage") or "").strip().upper()
    if kind in rules["label_kinds"] or in_image not in {"", "NO"}:
        return "label"
    if kind == "THUMBNAIL":
        return "thumbnail" if in_image == "NO" else "label"
    return "tissue" if kind in rules["tissue_kinds"] else "unknown"


def slide_frame(ds: Dataset) -> dict[str, Any]:
    """Return the whole pixel matrix of a level as one frame: size, spacing in millimetres."""
    kinds = tuple(str(value).strip().upper() for value in _values(ds.get("ImageType")))
    spacing = micron_spacing(ds)[0]
    return {
        "rows": int(ds.get("TotalPixelMatrixRows") or ds.Rows),
        "columns": int(ds.get("TotalPixelMatrixColumns") or ds.Columns),
        "position_mm": None,
        "orientation": None,
        "pixel_spacing_mm": (spacing[0] / 1000, spacing[1] / 1000) if spacing else None,
        "image_type": kinds,
    }


def micron_spacing(ds: Dataset) -> tuple[tuple[float, float] | None, str]:
    """Return micrometres a pixel (row, column) and where they come from; None where unknown.

    ImagedVolumeWidth and Height over the total pixel matrix (PS3.3 C.8.12.4); PixelSpacing of the
    shared groups where they are missing. Objective power is a label, never a measure.
    """
    sides = [numbers(ds.get(f"ImagedVolume{name}"), "FL") for name in ("Height", "Width")]
    counts = [ds.get(f"TotalPixelMatrix{name}") for name in ("Rows", "Columns")]
    if all(sides) and all(counts):
        row, column = (side[0] * 1000 / int(n) for side, n in zip(sides, counts, strict=True))
        if _plausible(row) and _plausible(column):
            return (row, column), "(0048,0002), (0048,0001)"
    said = numbers(macro(ds, 0, "PixelMeasuresSequence").get("PixelSpacing"), "DS")
    if len(said) == 2 and all(_plausible(value * 1000) for value in said):
        return (said[0] * 1000, said[1] * 1000), "(0028,0030)"
    return None, "no (0048,0001), (0048,0002), (0028,0030) between 0.02 and 5000 um"


def slide_facts(ds: Dataset) -> dict[str, Any]:
    """Return what planning needs beside plain attributes, as plain values."""
    paths = ds.get("OpticalPathSequence") or []
    measured = numbers(macro(ds, 0, "PixelMeasuresSequence").get("PixelSpacing"), "DS")
    return {
        "Shows": shows(ds),
        "MicronSource": micron_spacing(ds)[1],
        "MeasuredSpacing": list(measured),
        "Stains": sorted(_stains(ds)),
        "OpticalPaths": int(ds.get("NumberOfOpticalPaths") or len(paths) or 1),
        "FocalPlanes": int(ds.get("TotalPixelMatrixFocalPlanes") or 1),
        "ConcatenationFrom": int(ds.get("ConcatenationFrameOffsetNumber") or 0),
        "ConcatenationUID": str(ds.get("ConcatenationUID") or ""),
        "ContainerIdentifier": str(ds.get("ContainerIdentifier") or ""),
        "PyramidUID": str(ds.get("PyramidUID") or ""),
    }


def _plausible(microns: float) -> bool:
    """Tell whether a pixel may be so large: an oil objective's to a whole slide in a few."""
    return 0.02 <= microns <= 5000


def _stains(ds: Dataset) -> Iterator[str]:
    """Yield the SNOMED codes of substances a specimen was stained with (PS3.16 TID 8003)."""
    for specimen in ds.get("SpecimenDescriptionSequence") or []:
        for step in specimen.get("SpecimenPreparationSequence") or []:
            for item in step.get("SpecimenPreparationStepContentItemSequence") or []:
                concept = (item.get("ConceptNameCodeSequence") or [Dataset()])[0]
                if str(concept.get("CodeValue")) in table("slides")["stain_concepts"]:
                    for code in item.get("ConceptCodeSequence") or []:
                        yield str(code.get("CodeValue") or "")


def _values(said: Any) -> list[Any]:
    if not said:
        return []
    return [said] if isinstance(said, str) else list(said)
