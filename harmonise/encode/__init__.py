"""A volume written for others: derived DICOM, NIfTI and its side file."""

from __future__ import annotations

from harmonise.encode.derived import Labels, write_series
from harmonise.encode.diffusion import write_diffusion
from harmonise.encode.nifti import write_coverage, write_nifti
from harmonise.encode.parametric import may_be_map, write_map
from harmonise.encode.segmentation import write_segmentation

__all__ = [
    "Labels",
    "may_be_map",
    "write_coverage",
    "write_diffusion",
    "write_map",
    "write_nifti",
    "write_segmentation",
    "write_series",
]
