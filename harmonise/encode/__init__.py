"""A volume written for others: derived DICOM, NIfTI and its side file."""

from __future__ import annotations

from harmonise.encode.derived import Labels, write_series
from harmonise.encode.diffusion import write_diffusion
from harmonise.encode.nifti import write_mask, write_nifti
from harmonise.encode.parametric import may_be_map, write_map
from harmonise.encode.picture import may_be_picture, write_picture
from harmonise.encode.segmentation import segment_of, write_segmentation

__all__ = [
    "Labels",
    "may_be_map",
    "may_be_picture",
    "segment_of",
    "write_diffusion",
    "write_map",
    "write_mask",
    "write_nifti",
    "write_picture",
    "write_segmentation",
    "write_series",
]
