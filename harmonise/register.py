"""Rigid registration by mutual information, and the mutual information itself to judge it by."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harmonise.grids import centred_grid
from harmonise.interpolate import resample_onto
from harmonise.itk import execute, one_thread, sitk, to_image
from harmonise.volume import Grid, Volume

__all__ = ["box_of", "largest_shift_mm", "moved_grid", "mutual_information", "register_rigid"]

BINS = 32
"""Grey levels of the joint histogram (Mattes 2003, doi:10.1109/TMI.2003.809072)."""

ITERATIONS = 80
LEVELS = (2, 1)
"""In-plane reduction of each pass, the coarse one first."""

FIRST_STEP_MM, LAST_STEP_MM = 1.0, 0.01


def box_of(volume: Volume, box_mm: tuple[float, float, float], step_mm: float) -> Volume:
    """Return a volume about its centre on a small grid: ``box_mm`` (slice, row, column) wide.

    Slices keep their spacing, pixels become ``step_mm``.
    """
    native_mm = volume.grid.spacing_mm[0] or step_mm
    spacing_mm = (native_mm, step_mm, step_mm)
    shape = [max(1, round(length / mm)) for length, mm in zip(box_mm, spacing_mm, strict=True)]
    return resample_onto(volume, centred_grid(volume.grid, spacing_mm, shape), order=1)


def moved_grid(grid: Grid, matrix: NDArray[np.float64]) -> Grid:
    """Return a grid after a rigid motion: ``matrix`` (4 x 4) takes LPS millimetres to others."""
    x, y, z = (float(v) for v in (matrix @ [*grid.origin_mm, 1.0])[:3])
    axes = [tuple(float(v) for v in matrix[:3, :3] @ np.asarray(axis)) for axis in grid.direction]
    return replace(grid, origin_mm=(x, y, z), direction=tuple(axes))  # type: ignore[arg-type]


def largest_shift_mm(grid: Grid, matrix: NDArray[np.float64]) -> float:
    """Return how far a motion takes the corner of a grid that it takes furthest."""
    ends = [(0, count - 1) for count in grid.shape]
    corners = np.array([[i, j, k, 1] for i in ends[0] for j in ends[1] for k in ends[2]]).T
    places = grid.affine() @ corners
    return float(np.linalg.norm((matrix @ places - places)[:3], axis=0).max())


def mutual_information(fixed: Volume, moving: Volume, matrix: NDArray[np.float64]) -> float:
    """Return the mutual information in nats of two images, one of them moved.

    ``I = sum p(a, b) ln(p(a, b) / (p(a) p(b)))`` over a joint histogram of :data:`BINS` x
    :data:`BINS` levels between each image's 1st and 99th percentile, over the voxels of ``fixed``
    that both measure. 0 where they share none.
    """
    placed = replace(moving, grid=moved_grid(moving.grid, matrix))
    other = resample_onto(placed, fixed.grid, order=1)
    both = np.isfinite(fixed.values) & np.isfinite(other.values)
    if not both.any():
        return 0.0
    levels = [_levels(image.values[both]) for image in (fixed, other)]
    joint = np.bincount(levels[0] * BINS + levels[1], minlength=BINS * BINS) / both.sum()
    joint = joint.reshape(BINS, BINS)
    apart = np.outer(joint.sum(axis=1), joint.sum(axis=0))
    held = joint > 0
    return float((joint[held] * np.log(joint[held] / apart[held])).sum())


def _levels(values: NDArray[np.float32]) -> NDArray[np.int64]:
    low, high = np.percentile(values, (1, 99))
    scaled = (values - low) / max(float(high - low), 1e-12) * BINS
    levels: NDArray[np.int64] = np.clip(scaled.astype(np.int64), 0, BINS - 1)
    return levels


def register_rigid(fixed: Volume, moving: Volume) -> NDArray[np.float64]:
    """Return the rigid motion (4 x 4, LPS mm) that takes ``moving`` to where ``fixed`` shows it.

    Every voxel is used and one thread works, so that the answer is always the same. It is a
    proposal: whoever asks judges it by :func:`mutual_information` and :func:`largest_shift_mm`.

    Raises
    ------
    InconsistentSeries
        ``VOLUME_NOT_PROCESSED``, for example where the images do not overlap.
    """
    target, source = (_filled(image) for image in (fixed, moving))
    transform = sitk.CenteredTransformInitializer(
        target, target, sitk.Euler3DTransform(), sitk.CenteredTransformInitializerFilter.GEOMETRY
    )
    with one_thread():
        found = execute(_method(transform), target, source)
    inverse = sitk.CompositeTransform(found).GetBackTransform().GetInverse()
    origin = np.asarray(inverse.TransformPoint((0.0, 0.0, 0.0)))
    axes = [np.asarray(inverse.TransformPoint(tuple(axis))) - origin for axis in np.eye(3)]
    matrix = np.eye(4)
    matrix[:3, :3] = np.column_stack(axes)
    matrix[:3, 3] = origin
    return matrix


def _method(transform: Any) -> Any:
    """Return the search: Mattes' metric over every voxel, from coarse to fine."""
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(numberOfHistogramBins=BINS)
    method.SetMetricSamplingStrategy(method.NONE)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(FIRST_STEP_MM, LAST_STEP_MM, ITERATIONS)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel(LEVELS)
    method.SetSmoothingSigmasPerLevel([0.5 * level for level in LEVELS])
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOff()
    method.SetInitialTransform(transform, inPlace=False)
    return method


def _filled(volume: Volume) -> object:
    measured = np.isfinite(volume.values)
    low = float(volume.values[measured].min()) if measured.any() else 0.0
    return to_image(np.where(measured, volume.values, np.float32(low)), volume.grid)
