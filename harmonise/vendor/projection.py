"""Pixel spacing of projections: at the detector, brought to the breast where the header can."""

from __future__ import annotations

from pydicom.dataset import Dataset

from harmonise.vendor.private import numbers

__all__ = ["detector_spacing"]


def detector_spacing(ds: Dataset) -> tuple[tuple[float, float] | None, str]:
    """Return (row, column) spacing in millimetres and where it comes from; None where unknown.

    A PixelSpacing that says how it was calibrated is believed (PS3.3 10.7.1.3). Otherwise
    ImagerPixelSpacing is the spacing at the detector, and dividing by
    EstimatedRadiographicMagnificationFactor brings it to the object (PS3.3 C.8.11.7.1.1 and 10.7).
    """
    if ds.get("PixelSpacingCalibrationType"):
        calibrated = numbers(ds.get("PixelSpacing"), "DS")
        if len(calibrated) == 2 and min(calibrated) > 0:
            return (calibrated[0], calibrated[1]), "(0028,0030), calibrated"
    at_detector = numbers(ds.get("ImagerPixelSpacing"), "DS")
    if len(at_detector) != 2 or min(at_detector) <= 0:
        return None, "no (0018,1164)"
    factor = numbers(ds.get("EstimatedRadiographicMagnificationFactor"), "DS")
    if factor and factor[0] >= 1:
        row, column = (value / factor[0] for value in at_detector)
        return (row, column), f"(0018,1164) / (0018,1114) {factor[0]:g}"
    return (at_detector[0], at_detector[1]), "(0018,1164) at the detector, no (0018,1114)"
