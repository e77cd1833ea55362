"""Veil: what both sides of a pair leave out, so that only what is judged can be compared.

A recipe that blanks all but the breast, or all but what the probe saw, leaves an original with its
side marker, its paddle and its texts: one glance would tell which side is which. Both sides show
the region and a margin around it. The margin is wide enough that anything of the patient that was
cut off wrongly still stands on one side and not on the other.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from harmonise.volume import Volume

__all__ = ["MARGIN", "VEILED", "region_beside", "veiled"]

VEILED = ("breast", "sector")
"""Regions, names of ``segments.yaml``, outside of which a recipe leaves nothing."""

MARGIN = 0.04
"""Width of the margin as a share of the picture's longer side: a centimetre of a mammogram."""


def region_beside(nifti: Path, shape: tuple[int, int, int]) -> NDArray[np.bool_] | None:
    """Return the region that was written beside a volume, shape (slice, row, column), or None."""
    for name in VEILED:
        path = nifti.with_name(nifti.name.removesuffix(".nii.gz") + f".{name}.nii.gz")
        if path.is_file():
            mask = sitk.GetArrayFromImage(sitk.ReadImage(str(path), sitk.sitkUInt8))
            return np.asarray(mask.reshape(shape) > 0)
    return None


def veiled(volume: Volume, region: NDArray[np.bool_]) -> Volume:
    """Return a volume of which only the region and its margin count as measured."""
    reach = max(1, round(MARGIN * max(region.shape[1:])))
    size = (1, 2 * reach + 1, 2 * reach + 1)
    near = ndimage.maximum_filter(region.astype(np.uint8), size, mode="constant") > 0
    known = near if volume.coverage is None else near & volume.coverage
    return volume.with_values(volume.values, coverage=known)
