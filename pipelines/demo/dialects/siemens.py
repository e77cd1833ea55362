"""Siemens: b as an integer string in the block SIEMENS MR HEADER, and in the sequence name."""

from __future__ import annotations

from pydicom.dataset import Dataset

from pipelines.demo.dialects.frame import Frame, private_tag

__all__ = ["write_frame"]

_CREATOR = "SIEMENS MR HEADER"


def write_frame(own: Dataset, shared: Dataset, frame: Frame) -> None:
    """Add (0019,xx0C) b, (0019,xx0D) directionality, (0019,xx15) slice position, SequenceName."""
    position = private_tag(shared, 0x0019, _CREATOR, 0x15)
    own.add_new(position, "FD", list(frame.position_mm))
    if frame.role == "dwi" and frame.b_value is not None:
        own.add_new(private_tag(shared, 0x0019, _CREATOR, 0x0C), "IS", str(frame.b_value))
        own.add_new(private_tag(shared, 0x0019, _CREATOR, 0x0D), "CS", "ISOTROPIC")
        own.SequenceName = f"*ep_b{frame.b_value}t"
