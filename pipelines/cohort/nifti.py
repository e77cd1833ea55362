"""Read back a volume that this program wrote."""

from __future__ import annotations

from pathlib import Path

import SimpleITK as sitk

from harmonise.volume import Volume

__all__ = ["read_like"]


def read_like(path: Path, like: Volume, unit: str) -> Volume:
    """Return the NIfTI at ``path`` as a volume on the grid of ``like``.

    SimpleITK hands arrays out as ``(slice, row, column)``, which is our own order.
    """
    values = sitk.GetArrayFromImage(sitk.ReadImage(str(path), sitk.sitkFloat32))
    return like.with_values(values.reshape(like.grid.shape), unit=unit)
