"""What only one vendor writes into an MR image; one small file a vendor, wired here."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

from pydicom.dataset import Dataset

from pipelines.demo.dialects import ge, philips, siemens
from pipelines.demo.dialects.frame import Frame

__all__ = ["DIALECTS", "Frame"]

DIALECTS: MappingProxyType[str, Callable[[Dataset, Dataset, Frame], None]] = MappingProxyType(
    {"ge": ge.write_frame, "philips": philips.write_frame, "siemens": siemens.write_frame}
)
"""Vendor -> function that adds the vendor's own elements to one image."""
