"""CT kernels by class: the vendors' strings brought to soft, medium or sharp."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from harmonise.data import table
from harmonise.series import Finding

__all__ = ["kernel_finding"]


def kernel_finding(header: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield the class of (0018,1210) where the table knows the vendor's string."""
    kernel = header.get("ConvolutionKernel")
    if header.get("Modality") != "CT" or not kernel:
        return
    name = str(kernel[0] if isinstance(kernel, list) else kernel).strip().upper()
    vendor = str(header.get("Manufacturer") or "").lower()
    for row in table("ct_kernels"):
        if row["vendor"] in vendor and re.fullmatch(row["pattern"], name):
            yield Finding("kernel_class", row["kernel_class"], "(0018,1210)", f"kernel {name}")
            return
