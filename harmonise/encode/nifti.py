"""NIfTI-1: float32, LPS turned into RAS, and the same bytes each time.

The header's matrix is float32 too (nifti1.h), so a place 250 mm from the origin is held to 8e-6 mm.
Derived DICOM and the side file (``output.ras_affine_mm``) hold it to 1e-6 mm and better.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from config.files import write_whole
from harmonise.volume import Grid, Volume

__all__ = ["encoded", "encoded_mask", "ras_affine", "write_mask", "write_nifti"]

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
SCANNER_SPACE = 1
"""NIFTI_XFORM_SCANNER_ANAT."""
MILLIMETRES = 2
"""NIFTI_UNITS_MM."""
HEADER_BYTES = 348
DATA_OFFSET = 352
GZIP_LEVEL = 1
FLOAT32, UINT8 = (16, 32), (2, 8)
"""NIfTI data type code and bits."""


def ras_affine(grid: Grid) -> NDArray[np.float64]:
    """Return the NIfTI matrix: index (column, row, slice) to RAS millimetres."""
    affine: NDArray[np.float64] = LPS_TO_RAS @ grid.affine()[:, [2, 1, 0, 3]]
    return affine


def write_nifti(volume: Volume, path: Path) -> Path:
    """Write the real values as ``.nii.gz``; voxels without a measurement are NaN.

    An image without a place in the patient has qform and sform code 0: readers must not trust a
    position. An unknown spacing is written as 1 with the spatial unit left unknown.
    """
    return write_whole(path, _zipped(encoded(volume)))


def write_mask(mask: NDArray[np.bool_], grid: Grid, path: Path) -> Path:
    """Write a mask as ``.nii.gz``: 1 inside, 0 outside."""
    return write_whole(path, _zipped(encoded_mask(mask, grid)))


def encoded(volume: Volume) -> bytes:
    """Return the file of the real values before it is compressed."""
    return _encode(volume.values.astype("<f4"), volume.grid, FLOAT32)


def encoded_mask(mask: NDArray[np.bool_], grid: Grid) -> bytes:
    """Return the file of a mask before it is compressed."""
    return _encode(mask.astype(np.uint8), grid, UINT8)


def _encode(values: NDArray[Any], grid: Grid, kind: tuple[int, int]) -> bytes:
    return _header(grid, kind) + np.ascontiguousarray(values).tobytes()


def _zipped(data: bytes) -> bytes:
    """Return a gzip member without name or time: libdeflate takes a third of zlib's time."""
    return bytes(imagecodecs.gzip_encode(data, level=GZIP_LEVEL))


def _header(grid: Grid, kind: tuple[int, int]) -> bytes:
    """Return the 348 header bytes and the empty extension flag (nifti1.h)."""
    header = bytearray(DATA_OFFSET)
    known = all(spacing is not None for spacing in grid.spacing_mm)
    steps_mm = [spacing or 1.0 for spacing in reversed(grid.spacing_mm)]
    struct.pack_into("<i", header, 0, HEADER_BYTES)
    struct.pack_into("<8h", header, 40, 3, *reversed(grid.shape), 1, 1, 1, 1)
    struct.pack_into("<2h", header, 70, *kind)
    affine = ras_affine(grid)
    handedness, quaternion = _quaternion(affine, steps_mm)
    struct.pack_into("<8f", header, 76, handedness, *steps_mm, 0.0, 0.0, 0.0, 0.0)
    struct.pack_into("<3f", header, 108, DATA_OFFSET, 1.0, 0.0)  # vox_offset, scl_slope, scl_inter
    header[123] = MILLIMETRES if known else 0
    if grid.positioned and known:
        struct.pack_into("<2h", header, 252, SCANNER_SPACE, SCANNER_SPACE)
        struct.pack_into("<6f", header, 256, *quaternion, *affine[:3, 3])
        struct.pack_into("<12f", header, 280, *affine[:3].ravel())
    header[344:348] = b"n+1\0"
    return bytes(header)


def _quaternion(
    affine: NDArray[np.float64], steps_mm: list[float]
) -> tuple[float, tuple[float, float, float]]:
    """Return qfac and the quaternion's (b, c, d) of the rotation part (nifti1.h, method 2)."""
    rotation = affine[:3, :3] / np.asarray(steps_mm)
    handedness = 1.0 if np.linalg.det(rotation) > 0 else -1.0
    rotation[:, 2] *= handedness
    # the eigenvector of the largest eigenvalue is the quaternion (doi:10.2514/2.4654)
    m = rotation
    symmetric = np.array(
        [
            [m[0, 0] - m[1, 1] - m[2, 2], 0, 0, 0],
            [m[0, 1] + m[1, 0], m[1, 1] - m[0, 0] - m[2, 2], 0, 0],
            [m[0, 2] + m[2, 0], m[1, 2] + m[2, 1], m[2, 2] - m[0, 0] - m[1, 1], 0],
            [m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1], m.trace()],
        ]
    )
    _, vectors = np.linalg.eigh(symmetric / 3.0)
    b, c, d, a = vectors[:, -1]
    sign = -1.0 if a < 0 else 1.0
    return handedness, (float(b * sign), float(c * sign), float(d * sign))
