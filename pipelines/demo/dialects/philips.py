"""Philips: b as a float in Philips Imaging DD 001, the scale slope in Philips MR Imaging DD 001."""

from __future__ import annotations

from pydicom.dataset import Dataset

from pipelines.demo.dialects.frame import Frame, private_tag

__all__ = ["write_frame"]


def write_frame(own: Dataset, shared: Dataset, frame: Frame) -> None:
    """Add (2001,xx03) b, (2001,xx0A) slice number, (2005,xx0D/0E) scale intercept and slope."""
    imaging, scaling = "Philips Imaging DD 001", "Philips MR Imaging DD 001"
    own.add_new(private_tag(shared, 0x2001, imaging, 0x0A), "IS", str(frame.slice_index + 1))
    if frame.b_value is not None:
        own.add_new(private_tag(shared, 0x2001, imaging, 0x03), "FL", float(frame.b_value))
        own.add_new(private_tag(shared, 0x2001, imaging, 0x04), "CS", "I" if frame.b_value else "")
    if frame.scale_slope is not None:
        own.add_new(private_tag(shared, 0x2005, scaling, 0x0D), "FL", 0.0)
        own.add_new(private_tag(shared, 0x2005, scaling, 0x0E), "FL", frame.scale_slope)
