"""Diffusion tables beside a NIfTI: ``.bval`` and ``.bvec`` of one volume, as FSL reads them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from config.files import write_whole
from harmonise.encode.nifti import ras_affine
from harmonise.volume import Grid

__all__ = ["fsl_vector", "write_diffusion"]


def fsl_vector(
    gradient: Sequence[float] | None, ras_affine: NDArray[np.float64]
) -> tuple[float, float, float]:
    """Return a direction as FSL's ``.bvec`` writes it, for an image with this matrix.

    FSL's axes are those of the voxels, the first reversed where the matrix has a positive
    determinant (FSL, FDT user guide). No direction is written as three zeros.

    Parameters
    ----------
    gradient : three floats or None
        Unit vector in patient axes (LPS).
    ras_affine : ndarray, shape (4, 4)
        Index (column, row, slice) to RAS millimetres.
    """
    if gradient is None:
        return (0.0, 0.0, 0.0)
    axes = ras_affine[:3, :3] / np.linalg.norm(ras_affine[:3, :3], axis=0)
    x, y, z = (float(v) for v in axes.T @ (np.asarray(gradient) * (-1.0, -1.0, 1.0)))
    return (-x if np.linalg.det(axes) > 0 else x, y, z)


def write_diffusion(
    b_value: float,
    gradient: Sequence[float] | None,
    grid: Grid,
    stem: Path,
    *,
    is_known: bool = True,
) -> list[Path]:
    """Write ``<stem>.bval`` (s/mm2) and ``<stem>.bvec`` (three lines) and return their paths.

    A volume without diffusion weighting, and one averaged over directions, has the direction 0 0 0.
    One whose direction is not known has no ``.bvec``: zeros would call it an average.
    """
    b_path = stem.with_name(f"{stem.name}.bval")
    if not is_known:
        return [write_whole(b_path, f"{b_value:.6g}\n".encode())]
    vector = fsl_vector(gradient if b_value > 0 else None, ras_affine(grid))
    lines = "".join(f"{part + 0.0:.6g}\n" for part in vector)
    return [
        write_whole(b_path, f"{b_value:.6g}\n".encode()),
        write_whole(stem.with_name(f"{stem.name}.bvec"), lines.encode()),
    ]
