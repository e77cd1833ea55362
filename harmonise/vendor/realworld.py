"""How stored values become real: rescale, real world value map, or the vendor's own scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydicom.dataset import Dataset

from config.errors import UnknownUnits
from harmonise.data import table
from harmonise.series import Frame, Stack
from harmonise.vendor.groups import macro
from harmonise.vendor.private import numbers, text

__all__ = ["Scale", "frame_scale", "is_philips_magnitude", "one_rescale"]

NO_RESCALE = "no rescale"

_QUANTITATIVE_ROLES = frozenset({"adc", "ct", "t2map"})


@dataclass(frozen=True)
class Scale:
    """Real = stored x slope + intercept, or a modality LUT; ``unit`` where the object names it."""

    slope: float
    intercept: float
    why: str
    unit: str | None = None
    uses_lut: bool = False


def frame_scale(ds: Dataset, frame: Frame, stack: Stack, role: str) -> Scale:
    """Return how the stored values of one frame become real.

    Quantitative roles (ADC, CT, enhanced PET) take a linear real world value map where there is one
    with a unit (PS3.3 C.7.6.16.2.11); all others, and those without, the frame's rescale. In
    classic PET Units (0054,1001) is Type 1 and says what the rescaled values are. Philips
    magnitude images are then divided by RS x SS, which removes the display scaling of the
    reconstruction, so that images of one scanner can be compared:
    FP = (PV x RS + RI) / (RS x SS) (Chenevert 2014, Transl Oncol 7:65).
    """
    is_mapped = role in _QUANTITATIVE_ROLES or (stack.modality == "PT" and _is_enhanced(frame))
    mapped = _real_world(ds, frame.frame_index) if is_mapped else None
    if mapped is not None:
        return mapped
    if ds.get("ModalityLUTSequence"):
        return Scale(1.0, 0.0, "modality LUT (0028,3000)", uses_lut=True)
    vendor = _vendor_row(stack, frame)
    has_public = _has_rescale(ds, frame)
    _usable_rescale(ds, frame, stack)
    slope, intercept, why = frame.slope, frame.intercept, "rescale (0028,1053)"
    if not has_public:
        why = NO_RESCALE
        if "rescale_slope" in vendor:
            slope = float(vendor["rescale_slope"])
            intercept = float(vendor.get("rescale_intercept", 0.0))
            why = "rescale of the vendor passport"
    scale_slope = float(vendor.get("scale_slope", 0.0))
    if scale_slope > 0 and slope > 0 and is_philips_magnitude(stack, frame, role):
        factor = slope * scale_slope
        return Scale(1.0 / scale_slope, intercept / factor, f"{why}, over RS x SS {factor:.6g}")
    return Scale(slope, intercept, why)


def one_rescale(scales: Sequence[Scale]) -> None:
    """Refuse a volume of which some slices are rescaled and some are not.

    Raises
    ------
    UnknownUnits
        ``RESCALE_INVALID``.
    """
    bare = sum(scale.why.startswith(NO_RESCALE) for scale in scales)
    if 0 < bare < len(scales):
        detail = f"(0028,1053) absent in {bare} of {len(scales)} images"
        raise UnknownUnits("RESCALE_INVALID", detail)


def _usable_rescale(ds: Dataset, frame: Frame, stack: Stack) -> None:
    """Refuse a slope that is 0 or no number, and a CT slice that names another unit than HU.

    Only a slice of which all stored values are 0 may have a slope of 0, as PET writes it.
    """
    transform = macro(ds, frame.frame_index, "PixelValueTransformationSequence")
    said = (
        ds.get("RescaleSlope")
        if ds.get("RescaleSlope") is not None
        else transform.get("RescaleSlope")
    )
    if said is not None and not numbers(said, "DS"):
        raise UnknownUnits("RESCALE_INVALID", "(0028,1053) is no number")
    if frame.slope == 0 and stack.modality != "PT":
        raise UnknownUnits("RESCALE_INVALID", "(0028,1053) 0")
    kind = text(ds.get("RescaleType") or transform.get("RescaleType") or "HU").upper()
    if stack.modality == "CT" and kind != "HU":
        raise UnknownUnits("CT_NOT_HU", f"(0028,1054) {kind}")


def _vendor_row(stack: Stack, frame: Frame) -> dict[str, Any]:
    if stack.passport is None:
        return {}
    row = stack.passport.per_instance.get(frame.sop_instance_uid, {})
    if "frames" in row and frame.frame_index < len(row["frames"]):
        return dict(row["frames"][frame.frame_index])
    return dict(row)


def _is_enhanced(frame: Frame) -> bool:
    return str((table("sop_classes").get(frame.sop_class_uid) or {}).get("layout")) == "enhanced"


def _has_rescale(ds: Dataset, frame: Frame) -> bool:
    if ds.get("RescaleSlope") is not None:
        return True
    transform = macro(ds, frame.frame_index, "PixelValueTransformationSequence")
    return transform.get("RescaleSlope") is not None


def is_philips_magnitude(stack: Stack, frame: Frame, role: str) -> bool:
    """Tell whether a frame is a Philips magnitude image, which has a display scaling."""
    maker = str(stack.header.get("Manufacturer") or "").lower()
    kinds = set(frame.image_type)
    magnitude = "M" in kinds or any(kind.startswith("M_") for kind in kinds) or not kinds & _OTHER
    return (
        "philips" in maker
        and stack.modality == "MR"
        and role not in {"adc", "fa", "t2map"}
        and magnitude
    )


_OTHER = frozenset({"P", "R", "I", "PHASE", "PHASE MAP", "REAL", "IMAGINARY", "MIXED", "B0", "B1"})
"""Values of ImageType or FrameType that name another component than magnitude."""


def _real_world(ds: Dataset, index: int) -> Scale | None:
    """Return the linear map with a known unit; None without a map."""
    items = macro(ds, index, "RealWorldValueMappingSequence")
    if not items:
        found = ds.get("RealWorldValueMappingSequence") or []
        items = found[0] if found else Dataset()
    slope = numbers(items.get("RealWorldValueSlope"), "FD")
    intercept = numbers(items.get("RealWorldValueIntercept"), "FD") or (0.0,)
    codes = items.get("MeasurementUnitsCodeSequence") or []
    if not slope or not codes:
        return None
    code = text(codes[0].get("CodeValue") or codes[0].get("LongCodeValue") or "")
    for row in table("rwv_units"):
        if row["code"] == code:
            factor = float(row["factor"])
            why = f"real world value map (0040,9096) in {code}"
            return Scale(slope[0] * factor, intercept[0] * factor, why, unit=str(row["unit"]))
    raise UnknownUnits("RWV_UNIT_UNKNOWN", f"(0040,08EA) {code}")
